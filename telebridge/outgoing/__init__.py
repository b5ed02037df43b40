"""Connections that this process opens: what all of them have in common."""
