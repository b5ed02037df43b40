"""The options, faults and clock of the local Twilio."""
