"""What the local Twilio asks of a web application."""
