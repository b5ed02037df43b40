"""The audio of a call, both ways: what the bridge says, and what the caller does meanwhile."""
