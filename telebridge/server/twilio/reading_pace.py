"""How fast a media stream is read: a share of each turn of the event loop, and no faster than a call can need.

A caller's audio comes in 50 messages a second. After a stall of the network all that was held up comes at once, and
must be caught up with; a peer that floods the stream must not keep other calls from their turns.

One rule: what exceeds the pace waits in the socket, and nothing is dropped.
"""

TURN_UNITS = 8
"""What is read of one stream in one turn of the event loop."""
UNIT_BYTES = 512
"""A message is one unit, and one more for each of so many bytes; the message of a frame has about 400."""
BURST_UNITS = 500
"""What may come at once: ten seconds of a call."""
UNITS_A_SECOND = 500.0
"""What may come in a second after that: ten seconds of a call."""


class ReadingPace:
    """The pace of one stream.

    Args:
        now: The time of the event loop, in seconds.

    Attributes:
        left: How many units are left of the stream's share of this turn; none at 0 and below. Whoever reads a message
            takes off what it counts.
    """

    __slots__ = ("_credit", "_last", "left")

    def __init__(self, *, now: float) -> None:
        self.left = TURN_UNITS
        self._credit = float(BURST_UNITS)
        self._last = now

    def is_slow(self, *, now: float) -> bool:
        """Whether what was read of the share came so slowly that the next share may begin without a wait or a turn."""
        return (now - self._last) * UNITS_A_SECOND >= TURN_UNITS - self.left and self._credit >= 0

    def wait_seconds(self, *, now: float) -> float:
        """Begin the next share; returns how long to wait before, at least until the next turn of the loop."""
        units, self.left = TURN_UNITS - self.left, TURN_UNITS
        self._credit = min(BURST_UNITS, self._credit + (now - self._last) * UNITS_A_SECOND) - units
        self._last = now
        return max(0.0, -self._credit / UNITS_A_SECOND)
