"""The messages that callers left after the beep: known to the database, and sent by e-mail."""
