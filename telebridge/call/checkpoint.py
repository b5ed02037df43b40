"""Where a call stands, as bytes that another process can read: its node, what is known, what was typed and heard.

One rule: what is read back may have been written by another release; what it lacks has a value that loses least.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from telebridge.flows.interpreter import Standing


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a call stands.

    Args:
        standing: In its flow file; None for a Python flow.
        typed: The keys that were pressed and not used up.
        words_heard: How many words of the current prompt the caller has heard.
        away: Whether the caller is being connected with somebody else.
        name: What a Python flow last called its own place; None before it did.
        variables: What a Python flow knows.
        result: What the flow has found out so far.
    """

    standing: Standing | None = None
    typed: str = ""
    words_heard: int = 0
    away: bool = False
    name: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)

    def encode(self) -> bytes:
        """As JSON; values that JSON does not know are kept as their text."""
        return msgspec.json.encode(self, enc_hook=str)

    @classmethod
    def decode(cls, kept: bytes | str) -> "Checkpoint":
        """Read what `encode` wrote; unknown fields, of a newer release, are passed over.

        Raises:
            ValueError: It is no checkpoint.
        """
        return msgspec.json.decode(kept, type=cls)
