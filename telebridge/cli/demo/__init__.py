"""`telebridge demo`: a call on this machine, and its picture."""
