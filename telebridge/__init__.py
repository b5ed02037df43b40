"""telebridge puts a Rime voice on a Twilio telephone call."""
