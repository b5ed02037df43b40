"""What the workers of a server say of their load, in memory that they share.

One rule: each worker writes its own place and reads those of all; nobody waits for anybody.
"""

import math
import mmap

from telebridge.server.workers.placement import WorkerLoad

NUMBERS = 2
"""A place is two numbers: the calls, and the time."""
NUMBER_BYTES = 8
"""Of a double; it is written in one piece, so that no half of it is ever read."""


class LoadBoard:
    """The loads of all workers. Made before the first worker is forked, and inherited by each.

    Args:
        workers: How many there are.
    """

    def __init__(self, workers: int) -> None:
        self._numbers = memoryview(mmap.mmap(-1, workers * NUMBERS * NUMBER_BYTES)).cast("d")
        for worker in range(workers):
            self.say(worker, math.inf, now=-math.inf)

    def say(self, worker: int, calls: float, *, now: float) -> None:
        """Write what a worker has.

        Args:
            worker: Its number.
            calls: How many calls it has; infinity when it takes no more.
            now: The present time, in monotonic seconds, which all processes of a machine share.
        """
        self._numbers[worker * NUMBERS] = calls
        self._numbers[worker * NUMBERS + 1] = now

    def loads(self) -> list[WorkerLoad]:
        """What each worker said last, by its number."""
        numbers = self._numbers
        return [WorkerLoad(*numbers[at : at + NUMBERS]) for at in range(0, len(numbers), NUMBERS)]
