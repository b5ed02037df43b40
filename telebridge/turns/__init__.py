"""Who has the floor: digits and barge-in."""
