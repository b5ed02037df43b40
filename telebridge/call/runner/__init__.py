"""Carries calls: sockets, speech, timers, and which process leads which call."""
