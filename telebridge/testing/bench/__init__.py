"""What a test call needs around it: a local Twilio, a local Rime, and the application that is tested."""
