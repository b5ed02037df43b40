"""What the caller has heard."""
