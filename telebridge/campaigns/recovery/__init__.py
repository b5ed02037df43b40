"""Campaigns after the database was restored from a backup: what was dialled since then is not dialled again."""
