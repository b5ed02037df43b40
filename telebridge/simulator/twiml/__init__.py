"""TwiML documents: verbs as values, and the order in which they are performed."""
