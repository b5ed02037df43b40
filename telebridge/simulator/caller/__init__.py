"""Scripted callers: their steps, their audio and their acoustic environment."""
