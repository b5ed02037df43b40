"""The local Twilio: REST, webhooks, TwiML, media streams and callers who follow a script."""
