"""`telebridge number`: the numbers of the Twilio account, and what leads their calls to this bridge."""
