"""A mistake in a flow file: its place, what is wrong, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from telebridge.flows.inspection import KeyPath


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in a flow.

    Args:
        path: The keys that lead to its place in the file.
        problem: What is wrong, without a final full stop.
        hint: What to do about it; empty when there is nothing to add.
    """

    path: KeyPath
    problem: str
    hint: str = ""


def nearest(name: str, known: Mapping[str, object] | frozenset[str] | list[str]) -> str:
    """A hint at the known name that is most like `name`; empty when none is."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""
