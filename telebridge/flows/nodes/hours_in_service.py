"""The opening hours that flows have, by the names under which they are set by hand."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from telebridge.flows.model import Flow
from telebridge.flows.nodes.hours import HoursNode
from telebridge.flows.nodes.opening_hours import OpeningHours


@dataclass(frozen=True, slots=True)
class HoursInService:
    """Hours of one name.

    Args:
        flows: The names of the flows that use them.
        hours: As the first flow that was loaded has them.
    """

    flows: set[str]
    hours: OpeningHours


def hours_by_name(flows: Iterable[Flow]) -> dict[str, HoursInService]:
    """Return the hours of flows by their names, in the order of names."""
    by_name: dict[str, HoursInService] = {}
    for name, flow, hours in sorted(hours_in(flows), key=itemgetter(0)):
        by_name.setdefault(name, HoursInService(set(), hours)).flows.add(flow)
    return by_name


def hours_in(flows: Iterable[Flow]) -> Iterator[tuple[str, str, OpeningHours]]:
    """The hours of flows: their name, the name of the flow, the hours."""
    for flow in flows:
        for node in flow.nodes.values():
            if isinstance(node, HoursNode):
                yield node.hours.name or flow.flow, flow.flow, node.hours.hours_in(flow.zone or "UTC")


def load_holidays(flows: Iterable[Flow], wallclock: datetime) -> None:
    """Look up the holidays of this year in the hours of flows; the first call would wait a third of a second for it."""
    for _, _, hours in hours_in(flows):
        hours.at(wallclock)
