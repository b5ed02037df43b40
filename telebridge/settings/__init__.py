"""The settings of a bridge: what they are, and how they are read."""
