"""Recognition in this process: a speech model for English, which needs no server and no account."""
