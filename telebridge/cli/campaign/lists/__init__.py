"""Lists of numbers that come in: contacts, and numbers that are not to be called."""
