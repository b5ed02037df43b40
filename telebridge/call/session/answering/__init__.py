"""Who answered a call that was placed, and what follows when it is no person."""
