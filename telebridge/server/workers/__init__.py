"""What the worker processes of one server know of each other: who has room for a call, and whose a connection is."""
