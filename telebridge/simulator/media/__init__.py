"""The media of a call at the local Twilio: line, playout, stream."""
