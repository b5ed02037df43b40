"""The REST API of the local Twilio: routes and handlers."""
