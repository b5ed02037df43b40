"""Contacts and numbers from files into a store."""
