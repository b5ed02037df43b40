"""How much is done in one turn of the event loop: counted, and not timed."""

import asyncio


class Turns:
    """Counts units of work by turns of the event loop; call `work` for each unit.

    Attributes:
        most: The most units in one turn.
        total: All units of turns that have ended.
    """

    def __init__(self):
        self.most = 0
        self.total = 0
        self._done = 0

    def work(self):
        """A unit of work is done."""
        if not self._done:
            asyncio.get_running_loop().call_soon(self._end)  # in the next turn
        self._done += 1

    def _end(self):
        self.most, self.total, self._done = max(self.most, self._done), self.total + self._done, 0
