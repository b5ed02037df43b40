"""The media of a simulated call: line, playout, stream, recording."""
