"""What a flow asks of its surroundings: the time, what was set by hand, the other flows.

One rule: an answer is there at once. Whoever gives it has read the database or the disk before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from telebridge.flows.model import Flow
from telebridge.flows.nodes.opening_hours import OpeningState


def _nothing(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class FlowSurroundings:
    """The surroundings of flows.

    Args:
        wallclock: Returns the aware instant of now; None where there is no clock, and `now` is unknown.
        set_by_hand: Returns whether hours of that name were set open or closed by hand; None when they were not.
        find_flow: Returns the flow file of that name; None when there is none.
    """

    wallclock: Callable[[], datetime] | None = None
    set_by_hand: Callable[[str], OpeningState | None] = _nothing
    find_flow: Callable[[str], Flow | None] = _nothing
