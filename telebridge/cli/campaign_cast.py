"""Who answers in `telebridge campaign demo`: people, machines and lines that nobody picks up, by their numbers.

One rule: a number behaves the same in every run.
"""

from collections.abc import Iterator, Mapping, Sequence

from typing_extensions import override

from telebridge.simulator.caller.caller import Script
from telebridge.simulator.caller.script import parse_script

CONFIRMS = "human after 800ms; wait; silence 900ms; press 1; silence 2s; hang up"
MOVES = "human after 800ms; wait; silence 900ms; press 2; silence 2s; hang up"
OPTS_OUT = "human after 800ms; wait; silence 900ms; press 9; silence 3s; hang up"
BARGES_IN = "human after 800ms; wait 700ms; speak 1200ms; silence 900ms; press 1; silence 2s; hang up"
HANGS_UP = "human after 300ms; wait 900ms; hang up"
MACHINE = "machine after 2500ms; speak 2300ms; silence 3s; hang up"
BUSY = "busy after 500ms"

ROUND: Sequence[Sequence[str]] = (
    *[[CONFIRMS]] * 8,
    [MOVES],
    [MOVES],
    [OPTS_OUT],
    [BARGES_IN],
    [BARGES_IN],
    [HANGS_UP],
    [BUSY, CONFIRMS],
    [BUSY, BUSY],
    ["no answer", CONFIRMS],
    ["no answer"],
    [MACHINE],
    ["fail 404 after 500ms"],
)
"""What twenty numbers in a row do, at their first call, their second, and so on; the last holds for all that follow."""


class Cast(Mapping[str, Script]):
    """A script for each number, another for each call to it. Nobody is in it before `play`.

    Attributes:
        calls: How often each number was called.
    """

    def __init__(self) -> None:
        self._scripts: dict[str, list[Script]] = {}
        self.calls: dict[str, int] = {}

    def play(self, numbers: Sequence[str]) -> None:
        """Give each of these numbers its part, by its place among them."""
        scripts = {text: parse_script(text) for part in ROUND for text in part}
        self._scripts = {
            number: [scripts[text] for text in ROUND[at % len(ROUND)]] for at, number in enumerate(numbers)
        }
        self.calls = dict.fromkeys(numbers, 0)

    @override
    def __getitem__(self, number: str) -> Script:
        scripts = self._scripts[number]
        self.calls[number] += 1
        return scripts[min(self.calls[number], len(scripts)) - 1]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._scripts)

    @override
    def __len__(self) -> int:
        return len(self._scripts)
