"""Commands that are a service of others on this machine: Twilio, Rime, and recognizers."""
