"""What a local Twilio is set up with: options, faults, clock."""
