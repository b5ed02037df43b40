"""Telephone numbers, and where they are."""
