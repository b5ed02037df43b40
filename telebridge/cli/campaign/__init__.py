"""`telebridge campaign`, one module for each command."""
