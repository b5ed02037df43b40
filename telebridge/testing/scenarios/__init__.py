"""Scenario files: calls of a test written in YAML."""
