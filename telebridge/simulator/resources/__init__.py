"""The REST resources of the local Twilio."""
