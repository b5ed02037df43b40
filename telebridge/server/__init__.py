"""The HTTP server: Twilio's webhooks and media streams, the API, and what operators ask."""
