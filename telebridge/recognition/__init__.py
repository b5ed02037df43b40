"""Speech recognition: the caller's audio into words, whoever does it."""
