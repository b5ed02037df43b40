"""telebridge: a Rime voice on a Twilio telephone call.

Flows in Python need two names: `Bridge` to register them with, `Call` to lead a call by.
"""

from telebridge.call.python_flow import Bridge, Call

__all__ = ["Bridge", "Call"]
