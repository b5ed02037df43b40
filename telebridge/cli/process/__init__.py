"""The process of a server: its end in time, and the supervisor of several."""
