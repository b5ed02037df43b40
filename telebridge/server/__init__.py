"""The doors of the bridge: webhooks, media streams, operations."""
