"""Everything that a speech service does wrong on bad days, to be switched on one by one.

Each of these was met in Rime or in a service like it; a client that has not met them here meets them on a live call.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, cycle, repeat

IRREGULAR = (1024, 509, 640, 1856, 20, 4070, 1, 333)
"""Chunk sizes as captured from Rime: not of whole frames, some odd."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong; by default nothing does.

    Args:
        first_byte_delay_seconds: Before the first audio of a synthesis.
        pace: Audio seconds sent in a second; 0 sends as fast as it is made.
        chunk_bytes: The size of every chunk, from 1; 0 for irregular ones, as Rime's are.
        stale_seconds: How long audio of before goes on after a clear.
        refuse_status: The HTTP status of every upgrade; 0 lets them in.
        refuse_words: The body of that answer.
        close_after_bytes: Close with 1011 after so much audio; None never.
        close_reason: The reason of that close.
        cut_after_bytes: Drop the connection without a word after so much audio; None never.
        text_on_plain: Sent as a text frame on `/ws` before the audio; empty for none.
        wav_instead: Send WAV whatever format was asked for.
        silent: Take text and give nothing.
    """

    first_byte_delay_seconds: float = 0.0
    pace: float = 0.0
    chunk_bytes: int = 0
    stale_seconds: float = 0.0
    refuse_status: int = 0
    refuse_words: str = ""
    close_after_bytes: int | None = None
    close_reason: str = "internal error"
    cut_after_bytes: int | None = None
    text_on_plain: str = ""
    wav_instead: bool = False
    silent: bool = False

    def chunk_sizes(self) -> Iterator[int]:
        """How long each next chunk of a connection is. The first is short: somebody is waiting for it."""
        return repeat(self.chunk_bytes) if self.chunk_bytes else chain((160,), cycle(IRREGULAR))
