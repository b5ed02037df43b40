"""Deadlines of parts that say when they next want to be called.

One rule: None means no deadline; it is never the earliest.
"""


def earliest(*deadlines: float | None) -> float | None:
    """Return the earliest deadline, or None when there is none."""
    return min((deadline for deadline in deadlines if deadline is not None), default=None)
