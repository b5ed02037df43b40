"""What a call should do."""
