"""Where a caller is: what their microphone picks up beside them, noise and the voice out of their own loudspeaker.

One rule: an echo is of what was heard, so it is late by at least the frame it was heard in.
"""

import audioop

from telebridge.audio.mulaw import BYTES_PER_MS, PCM_WIDTH, from_pcm, to_pcm
from telebridge.simulator.sounds import FRAME_BYTES, SILENCE

LEAST_DELAY_MS = 20
LONGEST_DELAY_MS = 1000


class Surroundings:
    """Mixes into each frame of the caller what is around them."""

    def __init__(self) -> None:
        self._noise = b""
        self._at = 0
        self._echo_gain = 0.0
        self._heard = b""  # what came out of the loudspeaker and has not come back yet

    @property
    def silent(self) -> bool:
        """Whether nothing is around the caller."""
        return not self._noise and not self._echo_gain

    def noise(self, loop: bytes) -> None:
        """From now on this is heard again and again; nothing ends it."""
        self._noise, self._at = loop, 0

    def loudspeaker(self, gain_db: float | None, delay_ms: int) -> None:
        """From now on what the caller hears comes back, weaker and late; None ends it."""
        self._echo_gain = 0.0 if gain_db is None else 10 ** (gain_db / 20)
        delay_bytes = min(max(delay_ms, LEAST_DELAY_MS), LONGEST_DELAY_MS) * BYTES_PER_MS
        self._heard = SILENCE * (delay_bytes - FRAME_BYTES)

    def mixed(self, spoken: bytes, heard: bytes) -> bytes:
        """What the microphone picks up during a frame in which `heard` came out of the telephone."""
        mixed = to_pcm(spoken)
        if self._noise:
            mixed = audioop.add(mixed, to_pcm(self._next_noise()), PCM_WIDTH)
        if self._echo_gain:
            self._heard += heard[:FRAME_BYTES].ljust(FRAME_BYTES, SILENCE)
            echo, self._heard = self._heard[:FRAME_BYTES], self._heard[FRAME_BYTES:]
            mixed = audioop.add(mixed, audioop.mul(to_pcm(echo), PCM_WIDTH, self._echo_gain), PCM_WIDTH)
        return from_pcm(mixed)

    def _next_noise(self) -> bytes:
        piece = (self._noise[self._at :] + self._noise)[:FRAME_BYTES]
        self._at = (self._at + FRAME_BYTES) % len(self._noise)
        return piece
