"""What a caller hears: a voice whose every sample is known, and the ear that knows it again."""
