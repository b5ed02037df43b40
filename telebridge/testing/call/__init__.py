"""One call of a test: what the caller does, what is expected, and what happened."""
