"""`telebridge recognition-server`."""
