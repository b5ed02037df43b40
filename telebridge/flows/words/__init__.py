"""The words of a flow: what callers may say, and what is wrong with it."""
