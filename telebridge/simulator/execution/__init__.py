"""Executes the verbs of TwiML on a call."""
