"""Protocols of recognizers, one module each, for either side."""
