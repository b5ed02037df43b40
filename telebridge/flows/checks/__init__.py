"""What is wrong in flow files beyond the form of their parts: in nodes, in recordings, between flows."""
