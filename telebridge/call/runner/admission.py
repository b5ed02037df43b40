"""How many calls a process takes on, and what else may keep it from taking another one."""

from dataclasses import dataclass
from typing import Protocol


class CallLoad(Protocol):
    """The load of the process, which calls cause."""

    @property
    def refuses(self) -> bool:
        """Whether a call that arrives now must be refused."""
        ...

    def call_began(self) -> None:
        """A call was accepted."""
        ...

    def call_refused(self) -> None:
        """A call was refused for the load."""
        ...


@dataclass(frozen=True, slots=True)
class Admission:
    """The bounds on the calls of a process.

    Args:
        max_calls: How many calls may be live at once; None for no limit.
        max_waiting: How many of them may wait for a media stream; None for no limit.
        load: Whether there is room for another call by the load of the process; None when that is not looked at.
    """

    max_calls: int | None = None
    max_waiting: int | None = None
    load: CallLoad | None = None
