"""What Twilio says: media streams, signatures, TwiML, the Calls resource."""
