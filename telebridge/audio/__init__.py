"""What sound is: mu-law, frames, level, resampling, tones, WAV."""
