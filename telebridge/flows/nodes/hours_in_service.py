"""The opening hours that flows have, by the names under which they are set by hand."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from telebridge.flows.model import Flow
from telebridge.flows.nodes.hours import HoursNode
from telebridge.flows.nodes.opening_hours import OpeningHours


def hours_in(flows: Iterable[Flow]) -> Iterator[tuple[str, str, OpeningHours]]:
    """The hours of flows: their name, the name of the flow, the hours."""
    for flow in flows:
        for node in flow.nodes.values():
            if isinstance(node, HoursNode):
                yield node.hours.name or flow.flow, flow.flow, node.hours.hours_in(flow.zone or "UTC")


def hours_by_name(flows: Iterable[Flow]) -> dict[str, tuple[list[str], OpeningHours]]:
    """The hours of flows by their names, sorted: the flows that use them, and the hours of the first of these."""
    found: dict[str, tuple[set[str], OpeningHours]] = {}
    for name, flow, hours in hours_in(flows):
        found.setdefault(name, (set(), hours))[0].add(flow)
    return {name: (sorted(users), hours) for name, (users, hours) in sorted(found.items())}


def load_holidays(flows: Iterable[Flow], wallclock: datetime) -> None:
    """Look up the holidays of this year in the hours of flows; the first call would wait a third of a second for it."""
    for _, _, hours in hours_in(flows):
        hours.at(wallclock)
