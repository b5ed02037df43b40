"""The network of a test: servers and connections in the memory of one process."""
