"""Text into audio, whoever does it."""
