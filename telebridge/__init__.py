"""telebridge: puts a Rime voice on a Twilio telephone call.

For flows in Python: `from telebridge import Bridge, Call`, and what a call is asked with and answers, `DigitRules`,
`Answer`, `Recorded`, `Transferred`, `BargeIn`; and the errors that it raises.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from telebridge.call.flows.python.call import Answer, Call
    from telebridge.call.flows.python.registry import Bridge
    from telebridge.errors import (
        ConfigurationError,
        SmsNotSent,
        SpeechError,
        SpeechRejected,
        SpeechUnavailable,
        TelebridgeError,
    )
    from telebridge.flows.steps import Recorded, RecordingEnd, Transferred
    from telebridge.turns.barge_in import BargeIn, BargeInCause
    from telebridge.turns.caller_turn import CallerTurn
    from telebridge.turns.digits import DigitRules, Ending
    from telebridge.turns.interjection import Interjection

__all__ = [
    "Answer",
    "BargeIn",
    "BargeInCause",
    "Bridge",
    "Call",
    "CallerTurn",
    "ConfigurationError",
    "DigitRules",
    "Ending",
    "Interjection",
    "Recorded",
    "RecordingEnd",
    "SmsNotSent",
    "SpeechError",
    "SpeechRejected",
    "SpeechUnavailable",
    "TelebridgeError",
    "Transferred",
]

_SOURCES = {
    "telebridge.call.flows.python.call": ("Answer", "Call"),
    "telebridge.call.flows.python.registry": ("Bridge",),
    "telebridge.errors": (
        "ConfigurationError",
        "SmsNotSent",
        "SpeechError",
        "SpeechRejected",
        "SpeechUnavailable",
        "TelebridgeError",
    ),
    "telebridge.flows.steps": ("Recorded", "RecordingEnd", "Transferred"),
    "telebridge.turns.barge_in": ("BargeIn", "BargeInCause"),
    "telebridge.turns.caller_turn": ("CallerTurn",),
    "telebridge.turns.digits": ("DigitRules", "Ending"),
    "telebridge.turns.interjection": ("Interjection",),
}


def __getattr__(name: str) -> object:
    """Load what flows need when somebody asks for it: processes that only speak start sooner without."""
    for module, names in _SOURCES.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'telebridge' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
