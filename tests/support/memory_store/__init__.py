"""A campaign store in this process's memory: the twin of the SQL store, for tests."""
