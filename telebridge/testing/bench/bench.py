"""What every bench offers to a call: a place to call, people to be called, and somebody who lets time pass.

One rule: a test is synchronous. Time passes only inside `run`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from telebridge.call.record import CallRecord
from telebridge.recognition_server.script import CallerWords
from telebridge.simulator.account import Simulator
from telebridge.testing.bench.people import People
from telebridge.testing.faults import RimeFaults, TwilioFaults
from telebridge.testing.hearing.voice import KnownSpeeches
from telebridge.testing.web import WebServices

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event that the bridge published, such as the beginning of a node, and when (monotonic seconds)."""

    at: float
    call_sid: str
    kind: str
    data: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Services:
    """What the services around an application do in a test.

    Args:
        rime: What Rime does wrong.
        twilio: What Twilio does wrong.
        web: What web services answer.
        words: What callers say, and what the recognizer does wrong with it.
    """

    rime: RimeFaults = field(default_factory=RimeFaults)
    twilio: TwilioFaults = field(default_factory=TwilioFaults)
    web: WebServices = field(default_factory=WebServices)
    words: CallerWords = field(default_factory=CallerWords)


class Bench(ABC):
    """Abstract.

    Attributes:
        speeches: What the voices of the test have said.
        services: What Twilio, Rime and web services do.
        people: Who is called.
        simulator: The local Twilio; there once `start` has returned.
        events: What the bridge published; nothing where no bridge is tested.
        refused: Where somebody has tried to connect to and nobody is.
    """

    simulator: Simulator

    def __init__(self, services: Services) -> None:
        self.speeches = KnownSpeeches()
        self.services = services
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

    def prepare(self) -> None:
        """Let the services do what was said of them so far; called before each call."""
        self.simulator.options = replace(self.simulator.options, faults=self.services.twilio.current)

    def check_services(self) -> None:  # noqa: B027 - most benches have all services
        """Refuse services that the application cannot meet.

        Raises:
            ConfigurationError: It cannot.
        """

    @abstractmethod
    def close(self) -> None:
        """End everything. May be called again."""

    def record(self, call_sid: str) -> CallRecord | None:
        """What the bridge has recorded of a call; None where no bridge is tested or it does not know the call."""
        del call_sid
        return None

    @property
    def state_dir(self) -> Path | None:
        """The folder of the bridge's database and recordings; None where no bridge is tested."""
        return None

    def variables(self, call_sid: str) -> dict[str, Any]:
        """The variables of the flow of a call, as they are or were at its end."""
        del call_sid
        return {}


async def cancel_rest() -> None:
    """Cancel all other tasks of the event loop, and wait until they are done."""
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
