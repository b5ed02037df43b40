"""What every bench offers to a call: a place to call, people to be called, and somebody who lets time pass.

One rule: a test is synchronous. Time passes only inside `run`.
"""

from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from telebridge.call.record import CallRecord
from telebridge.simulator.account import Simulator
from telebridge.testing.bench.people import People
from telebridge.testing.hearing.voice import KnownSpeeches

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event that the bridge published, such as the beginning of a node, and when (monotonic seconds)."""

    at: float
    call_sid: str
    kind: str
    data: dict[str, Any] = field(default_factory=dict)


class Bench(ABC):
    """Abstract.

    Attributes:
        speeches: What the voices of the test have said.
        people: Who is called.
        simulator: The local Twilio; there once `start` has returned.
        events: What the bridge published; nothing where no bridge is tested.
        refused: Where somebody has tried to connect to and nobody is.
    """

    simulator: Simulator

    def __init__(self) -> None:
        self.speeches = KnownSpeeches()
        self.people = People(self.now)
        self.events: list[PublishedEvent] = []
        self.refused: list[str] = []

    @property
    @abstractmethod
    def voice_url(self) -> str:
        """The voice webhook of the application that is tested."""

    @property
    @abstractmethod
    def status_url(self) -> str | None:
        """Its status callback, if it has one."""

    @abstractmethod
    def now(self) -> float:
        """Monotonic seconds."""

    @abstractmethod
    def start(self) -> None:
        """Start what a call needs.

        Raises:
            ConfigurationError: Settings or flows are wrong.
        """

    @abstractmethod
    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Let time pass until a coroutine is done, and return its answer."""

    @abstractmethod
    def close(self) -> None:
        """End everything. May be called again."""

    def record(self, call_sid: str) -> CallRecord | None:
        """What the bridge has recorded of a call; None where no bridge is tested or it does not know the call."""
        del call_sid
        return None

    def variables(self, call_sid: str) -> dict[str, Any]:
        """The variables of the flow of a call, as they are or were at its end."""
        del call_sid
        return {}
