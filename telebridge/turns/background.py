"""How loud the line is when the caller does not speak: streets, fans, other people's voices."""

from telebridge.audio.levels import FULL_SCALE

STEP = 1.03  # 0.26 dB
SHARE_BELOW = 0.9
LOWEST_RMS = 8.0
HIGHEST_RMS = FULL_SCALE * 10 ** (-20 / 20)
LEARNING_FRAMES = 25
LEARNING_STEP = 1.3
FALL = STEP ** (-(1 - SHARE_BELOW) / SHARE_BELOW)
LEARNING_FALL = LEARNING_STEP ** (-(1 - SHARE_BELOW) / SHARE_BELOW)


class Background:
    """Follows the level that nine frames of ten stay below: it rises within a second and falls within ten.

    Voices in the background come and go; their loud frames, not their average, are what the caller's must exceed.

    Attributes:
        rms: That level.
        silent: Whether it is as low as it can be, and known: a frame that is no louder changes nothing.
    """

    __slots__ = ("_frames", "rms", "silent")

    def __init__(self) -> None:
        self.rms = LOWEST_RMS
        self.silent = False
        self._frames = 0

    def follow(self, rms: float, *, speaking: bool = False) -> None:
        """Take the level of a frame; while the caller is thought to speak a louder one is theirs."""
        self._frames += 1
        if rms > self.rms:
            step = LEARNING_STEP if self._frames <= LEARNING_FRAMES else STEP
            self.rms = self.rms if speaking else min(self.rms * step, rms, HIGHEST_RMS)
        else:
            fall = LEARNING_FALL if self._frames <= LEARNING_FRAMES else FALL
            self.rms = max(self.rms * fall, LOWEST_RMS)
        self.silent = self.rms <= LOWEST_RMS and self._frames > LEARNING_FRAMES
