"""Where a call stands, as bytes that another process can read: its node, what is known, what was typed and heard.

One rule: what is read back may have been written by another release; what it lacks has a value that loses least.
"""

import json
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from telebridge.flows.interpreter import Standing
from telebridge.flows.steps import Transfer


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a call stands.

    Args:
        standing: In its flow file; None for a Python flow.
        typed: The keys that were typed ahead.
        words_heard: How many words of the node's prompt the caller has heard.
        transfer: Whom the caller is being connected with; None while they are with us.
        name: What a Python flow last called its own place; None before it did.
        variables: What a Python flow knows.
        result: What the flow has found out so far.
        answer: The keys typed so far of the open question.
        digits: What answered questions so far.
        recordings: Where the recordings so far are kept.
        over: Whether the flow is over, and nothing is left but to hang up.
        apology: Whether the caller must then still be told that something went wrong.
    """

    standing: Standing | None = None
    typed: str = ""
    words_heard: int = 0
    transfer: Transfer | None = None
    name: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    answer: str = ""
    digits: list[str] = field(default_factory=list)
    recordings: list[str] = field(default_factory=list)
    over: bool = False
    apology: bool = False

    def encode(self) -> bytes:
        """As JSON; values that JSON does not know are kept as their text, and what no text can hold is left out."""
        try:
            return msgspec.json.encode(self, enc_hook=str)
        except (ValueError, TypeError, RecursionError):
            plain = msgspec.to_builtins(_mended(self), enc_hook=str)
            return json.dumps(plain, ensure_ascii=False).encode(errors="replace")

    @classmethod
    def decode(cls, kept: bytes | str) -> "Checkpoint":
        """Read what `encode` wrote; unknown fields, of a newer release, are passed over.

        Raises:
            ValueError: It is no checkpoint.
        """
        return msgspec.json.decode(kept, type=cls)


def _mended(place: Checkpoint) -> Checkpoint:
    """The checkpoint with values that can be written: whatever cannot is missed less than the whole."""
    standing = place.standing
    if standing is not None:
        standing = replace(standing, variables=_writable(standing.variables))
    return replace(place, standing=standing, variables=_writable(place.variables), result=_writable(place.result))


def _writable(values: dict[str, Any]) -> dict[str, Any]:
    mended = {}
    for name, value in values.items():
        try:
            mended[name] = json.loads(
                json.dumps(value, default=str, skipkeys=True, ensure_ascii=False).encode(errors="replace")
            )
        except (ValueError, TypeError, RecursionError):
            continue
    return mended
