"""Chooses the worker that a new call is given to: the one with the fewest calls.

The kernel gives a connection to any worker that waits for one, which is mostly the same one again, and a proxy that
keeps its connections sends all its calls to the worker that has them. One core would be full, and the other idle.

One rule: a call stays where its webhook arrived unless another worker has fewer calls and has said so lately.
"""

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass

SILENT_SECONDS = 1.0
"""A worker that has said nothing for so long gets no calls from others: it hangs, is dead, or has not begun."""
UNSEEN_SECONDS = 0.5
"""How long a call counts beside what its worker says: it is not among the calls of that worker from the first moment.
Calls that are counted twice meanwhile are so for every worker."""


@dataclass(frozen=True, slots=True)
class WorkerLoad:
    """What a worker says of itself.

    Args:
        calls: How many calls it has; infinity when it takes no more.
        said_at: When it said so, in monotonic seconds.
    """

    calls: float
    said_at: float


class Placement:
    """Chooses workers for the calls whose webhooks arrive at one worker. Call `choose`, then `placed`.

    Args:
        worker: The number of this one.
    """

    def __init__(self, worker: int) -> None:
        self._worker = worker
        self._placed: deque[tuple[float, int]] = deque()  # when calls were placed lately, and where

    def choose(self, loads: Sequence[WorkerLoad], *, now: float) -> int:
        """The worker that the next call is for; this one when no other has fewer calls.

        Args:
            loads: What each worker says, by its number.
            now: The present time, in monotonic seconds.
        """
        while self._placed and self._placed[0][0] <= now - UNSEEN_SECONDS:
            self._placed.popleft()
        unseen = Counter(worker for _, worker in self._placed)

        def calls_of(worker: int) -> float:
            load = loads[worker]
            silent = load.said_at <= now - SILENT_SECONDS
            return math.inf if silent else load.calls + unseen[worker]

        return min(range(len(loads)), key=lambda worker: (calls_of(worker), worker != self._worker))

    def placed(self, worker: int, *, now: float) -> None:
        """The call was taken by this worker."""
        self._placed.append((now, worker))
