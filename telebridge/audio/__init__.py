"""Audio as data: mu-law, frames, levels, tones, WAV files."""
