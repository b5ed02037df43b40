"""Opus audio and the containers that it comes in."""
