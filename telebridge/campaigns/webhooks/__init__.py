"""What a campaign tells to its owner's web application."""
