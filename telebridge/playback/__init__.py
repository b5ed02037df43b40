"""Playback at Twilio: what is sent, and what of it the caller has heard."""
