"""Calls and their checkpoints in the database."""
