"""telebridge: puts a Rime voice on a Twilio telephone call.

For flows in Python: `from telebridge import Bridge, Call`.
"""

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telebridge.call.flows.python import Bridge, Call

__all__ = ["Bridge", "Call"]

# onnxruntime reads it once, when it is imported, and reports to its maker otherwise: a telephone line must not.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def __getattr__(name: str) -> object:
    """Load what flows need when somebody asks for it: processes that only speak start sooner without."""
    if name in __all__:
        return getattr(import_module("telebridge.call.flows.python"), name)
    raise AttributeError(f"module 'telebridge' has no attribute '{name}'")
