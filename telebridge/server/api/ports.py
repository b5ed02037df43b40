"""The ports of the API: control of a live call, the calls in the database, and who originates calls.

One rule: the endpoints know calls by these Protocols alone; the bridge's own parts, and a test's, implement them.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from telebridge.call.record import SpokenUtterance
from telebridge.flows.steps import Play, Say
from telebridge.twilio.signed_urls import Variables


class CallControl(Protocol):
    """A live call of this process, from its owner's side.

    Every method raises `NotLive` when the call is ending, or cannot do so yet.
    """

    def announce(self, step: Say | Play) -> "asyncio.Future[SpokenUtterance]":
        """Say or play something as soon as nothing else is being said; done when the caller has heard it."""
        ...

    def clear(self) -> bool:
        """Silence what is being said; whether there was something."""
        ...

    def transfer(
        self, number: str, *, timeout_seconds: float, caller_id: str | None, whisper: str | None, at_once: bool = False
    ) -> None:
        """Connect the caller with somebody else.

        Args:
            number: Whom to ring.
            timeout_seconds: How long they may be rung.
            caller_id: Shown to them; None for the number that was called.
            whisper: Said to them before the two are connected.
            at_once: Whether what waits to be said is cut off; otherwise it is heard first.
        """
        ...

    def hang_up(self, goodbye: str | None) -> None:
        """End the call, after saying `goodbye` where there is one."""
        ...


class Position(NamedTuple):
    """The position of a call in the list of all calls, which has the newest first."""

    started_at: datetime
    call_sid: str


class RecordedCall(Protocol):
    """A call in the database."""

    def as_json(self) -> dict[str, Any]:
        """Its record as plain values, as `CallRecord.as_json` makes them."""
        ...


class PastCalls(Protocol):
    """The calls in the database, of all processes."""

    async def find(self, call_sid: str) -> RecordedCall | None:
        """Find one call; None when it is unknown."""
        ...

    async def recent(self, limit: int, *, before: tuple[datetime, str] | None = None) -> Sequence[RecordedCall]:
        """Calls that are over, newest first; with `before` only those after that start and CallSid in the list."""
        ...


@dataclass(frozen=True, slots=True)
class OutboundCall:
    """A call to be originated.

    Args:
        to: Whom to ring.
        from_: A number of the account.
        flow: Speaks when they answer; empty for the one of the number, or the default.
        variables: What the flow is to know.
        ring_seconds: How long it may ring.
        machine_detection: Twilio's "Enable" or "DetectMessageEnd"; empty to take every answer for a human.
    """

    to: str
    from_: str
    flow: str = ""
    variables: Variables | None = None
    ring_seconds: int = 60
    machine_detection: str = ""


class CallOriginator(Protocol):
    """Originates calls."""

    async def originate(self, call: OutboundCall) -> str:
        """Ask for a call.

        Returns:
            Its CallSid.

        Raises:
            ConfigurationError: Calls cannot be placed with the settings as they are.
            VariablesTooLong: The variables do not fit an address.
            TwilioAPIError: Twilio refused, or gave no answer (`status` 0: it may ring).
        """
        ...
