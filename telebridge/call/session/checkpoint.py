"""The checkpoint of a call: where it stands, as bytes from which another process can resume it.

One rule: what is read back may have been written by another release; what it lacks has a value that loses least.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Protocol

import msgspec
from msgspec import Raw
from typing_extensions import override

from telebridge.call.record import TransferRecord
from telebridge.call.session.words.ahead import UtteranceAhead
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import Transfer


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a call stands.

    Args:
        standing: The position in its flow file; None for a Python flow. The name is that of the stored JSON.
        typed: The keys that were typed ahead.
        words_heard: How many words of the node's prompt the caller has heard.
        transfer: Whom the caller is being connected with; None while they are with us.
        name: The name that a Python flow gave to its last checkpoint; None before the first.
        variables: What a Python flow knows.
        result: What the flow has found out so far.
        answer: The keys typed so far of the open question.
        digits: What answered questions so far.
        recordings: Where the recordings so far are kept.
        transfers: The transfers that are over.
        over: Whether the flow is over: nothing is left but to hang up.
        apology: Whether an apology is still due to the caller.
        words_ahead: What the caller said before the question that it answers.
        person: Whether the caller did what no answering machine does; see `CallRecord.is_person`.
    """

    standing: FlowPosition | None = None
    typed: str = ""
    words_heard: int = 0
    transfer: Transfer | None = None
    name: str | None = None
    variables: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    answer: str = ""
    digits: list[str] = field(default_factory=list)
    recordings: list[str] = field(default_factory=list)
    transfers: list[TransferRecord] = field(default_factory=list)
    over: bool = False
    apology: bool = False
    words_ahead: list[UtteranceAhead] = field(default_factory=list)
    person: bool = False

    def encode(self, *, standing: Raw | None = None, variables: Raw | None = None) -> bytes:
        """As JSON; values that JSON does not know are kept as their text, and what no text can hold is left out.

        Args:
            standing: The position in its flow file, as `encoded` wrote it earlier; None for the one here.
            variables: The variables of a Python flow, likewise.
        """
        parts = {"standing": standing, "variables": variables}
        return msgspec.json.encode({name: parts.get(name) or encoded(getattr(self, name)) for name in PARTS})

    @classmethod
    def decode(cls, kept: bytes | str) -> "Checkpoint":
        """Read what `encode` wrote; unknown fields, of a newer release, are passed over.

        Raises:
            ValueError: It is no checkpoint.
        """
        return msgspec.json.decode(kept, type=cls)


PARTS = tuple(part.name for part in fields(Checkpoint))


def encoded(part: Any) -> Raw:
    """A part of a checkpoint as JSON, to be put into one as it is, as often as it is wanted."""
    try:
        return Raw(msgspec.json.encode(part, enc_hook=str))
    except (ValueError, TypeError, RecursionError):
        plain = msgspec.to_builtins(_mended(part), enc_hook=str)
        return Raw(json.dumps(plain, ensure_ascii=False).encode(errors="replace"))


def _mended(part: Any) -> Any:
    """The part with values that can be written: whatever cannot is missed less than the whole."""
    match part:
        case FlowPosition(variables=variables):
            return replace(part, variables=_writable(variables))
        case dict():
            return _writable(part)
        case _:
            return part


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


class Checkpoints(Protocol):
    """Saves the checkpoints of calls."""

    def save(self, call_sid: str, checkpoint: bytes) -> None:
        """Save it in place of the one before; returns at once."""
        ...

    def save_later(self, call_sid: str, checkpoint: Callable[[], bytes]) -> None:
        """Save within a few seconds what `checkpoint` returns then; returns at once."""
        ...

    def hasten(self) -> None:
        """Have what was saved written at once: what follows it must not be done twice."""
        ...

    async def flush(self, call_sid: str) -> None:
        """Wait until other processes can read what was saved of a call, for half a second at the most."""
        ...


class NoCheckpoints(Checkpoints):
    """Saves nothing: a call ends with its process."""

    @override
    def save(self, call_sid: str, checkpoint: bytes) -> None:
        return

    @override
    def save_later(self, call_sid: str, checkpoint: Callable[[], bytes]) -> None:
        return

    @override
    def hasten(self) -> None:
        return

    @override
    async def flush(self, call_sid: str) -> None:
        return
