"""The person at the other end of the line: what they do and how they sound."""
