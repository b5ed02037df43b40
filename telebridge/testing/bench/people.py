"""The people who can be called in a test: who answers at which number, and who was called.

One rule: whoever was not described answers after a second, as a person who listens.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from typing_extensions import override

from telebridge.simulator.caller.caller import Script
from telebridge.simulator.caller.script import parse_script


@dataclass(frozen=True, slots=True)
class RungNumber:
    """A number that was called by the application, and when (monotonic seconds)."""

    number: str
    at: float


class People(Mapping[str, Script]):
    """The scripts of those who are called.

    Attributes:
        rung: The numbers that were called, in order.

    Args:
        now: Returns monotonic seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.rung: list[RungNumber] = []
        self._now = now
        self._fates: dict[str, list[Script]] = {}

    def describe(self, number: str, *fates: str) -> None:
        """Say what becomes of calls to a number: of the first one, of the second one, …; the last of all further ones.

        Args:
            number: In E.164.
            fates: As scripts of callers are written: "busy", "no answer", "human; wait; press 1", "machine; speak 3s".

        Raises:
            ConfigurationError: A fate is not understood.
        """
        self._fates[number] = [parse_script(fate) for fate in fates]

    def times(self, number: str) -> int:
        """How often a number was called."""
        return sum(each.number == number for each in self.rung)

    @override
    def __getitem__(self, number: str) -> Script:
        self.rung.append(RungNumber(number, self._now()))
        fates = self._fates[number]
        return fates[min(self.times(number), len(fates)) - 1]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._fates)

    @override
    def __len__(self) -> int:
        return len(self._fates)
