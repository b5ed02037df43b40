"""Audio that was made before: clips in memory and on disk."""
