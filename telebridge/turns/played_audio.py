"""What the caller's telephone plays, as those see it who look for its echo in the caller's audio."""

from typing import Protocol

COMPARED_MS = 384
"""How much of the caller's audio is compared with what was played."""
LONGEST_DELAY_MS = 480
SEARCHED_MS = COMPARED_MS + LONGEST_DELAY_MS
"""How much of what was played is searched for it."""


class PlayedAudio(Protocol):
    """What the caller's telephone plays, as far as the bridge knows; it may come back as an echo."""

    def sounds(self, *, now: float) -> bool:
        """Whether the telephone plays something, or did a moment ago. `now` is in monotonic seconds."""
        ...

    def sounded(self, ms: float, *, now: float) -> bytes:
        """The last so many milliseconds of mu-law that it played, up to `now`."""
        ...
