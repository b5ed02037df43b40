"""What sound is: mu-law, frames, level, tones, WAV."""
