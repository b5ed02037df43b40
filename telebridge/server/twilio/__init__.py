"""What Twilio asks of the bridge: webhooks, callbacks, media streams, prompts."""
