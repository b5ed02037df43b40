"""Campaigns in a database, and what the engine asks of any store."""
