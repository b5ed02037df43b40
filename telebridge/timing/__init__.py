"""Time: deadlines and timers, delays after failures, and what a clock tells."""
