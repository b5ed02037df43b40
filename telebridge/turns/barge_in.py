"""When the caller takes the floor: what may interrupt a prompt, and what an interruption reports.

The vocabulary is VoiceXML's: a barge-in has a cause, and each prompt a policy that says which causes it yields to.
"""

from dataclasses import dataclass
from enum import Enum


class BargeInCause(Enum):
    """What interrupted a prompt."""

    SPEECH = "speech"
    KEY = "key"
    API = "api"
    HANG_UP = "hang-up"


class BargeInPolicy(Enum):
    """What may interrupt a prompt. An API call always may, being the word of the call's owner; so may hanging up."""

    ANY = "any"
    SPEECH = "speech"
    KEYS = "keys"
    NONE = "none"

    def yields_to(self, cause: BargeInCause) -> bool:
        """Whether a prompt with this policy is interrupted by `cause`."""
        return cause in _YIELDS_TO[self]


_ALWAYS = frozenset({BargeInCause.API, BargeInCause.HANG_UP})
_YIELDS_TO = {
    BargeInPolicy.ANY: _ALWAYS | {BargeInCause.SPEECH, BargeInCause.KEY},
    BargeInPolicy.SPEECH: _ALWAYS | {BargeInCause.SPEECH},
    BargeInPolicy.KEYS: _ALWAYS | {BargeInCause.KEY},
    BargeInPolicy.NONE: _ALWAYS,
}


@dataclass(frozen=True, slots=True)
class BargeIn:
    """An interruption, as flows, the API and the call record see it.

    Args:
        cause: What interrupted.
        heard_text: The words the caller heard of the utterance.
        heard_ms: How much of its audio the caller heard, in milliseconds of media.
        exact: Whether `heard_text` follows from word timings; otherwise it is estimated by proportion.
    """

    cause: BargeInCause
    heard_text: str
    heard_ms: float
    exact: bool
