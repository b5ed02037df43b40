"""How loud the caller's line is when the caller does not speak: streets, fans, televisions, other people's voices.

One rule: what was there first is the background, whatever it is. Only what rises above it can be the caller.
"""

from telebridge.audio.levels import FULL_SCALE

GATE_RMS = FULL_SCALE * 10 ** (-50 / 20)
"""What is quieter is nobody's speech."""
LOWEST_RMS = 8.0
HIGHEST_RMS = FULL_SCALE * 10 ** (-20 / 20)
STEP = 1.03  # 0.26 dB
SHARE_BELOW = 0.9
FALL = STEP ** (-(1 - SHARE_BELOW) / SHARE_BELOW)
KNOWN_FRAMES = 15
"""300 ms: a background that was followed for less is not known, and any frame is part of it."""
LEARNING_FRAMES = 25
LEARNING_STEP = 1.3
LEARNING_FALL = LEARNING_STEP ** (-(1 - SHARE_BELOW) / SHARE_BELOW)
PEAK_SHARE_BELOW = 0.98
PEAK_FALL = STEP ** (-(1 - PEAK_SHARE_BELOW) / PEAK_SHARE_BELOW)
FAR_BELOW = 0.16  # -16 dB
SHORTEST_GAP_FRAMES = 15
LONGEST_GAP_FRAMES = 200
FRAMES_PER_GAP_FRAME = 2
"""A background is forgotten after a silence of 300 ms, and of half the time it was heard in this call, 4 s at the most:
a "hello?" from the first sample on is no background, and a television whose people catch their breath is one."""


class Background:
    """Follows the level that nine frames of ten stay below, and the one that 98 of 100 do.

    Voices in the background come and go; their loud frames, not their average, are what the caller's must exceed. The
    first level rises within a second and falls within ten; the second one falls much more slowly.

    Attributes:
        rms: The level that nine frames of ten stay below.
        peak: The level that 98 frames of 100 stay below.
        known: Whether enough was heard of it to judge by it.
        silent: Whether it is as low as it can be, and known: a frame that is no louder changes nothing.
    """

    __slots__ = ("_frames", "_gap_frames", "_there_frames", "known", "peak", "rms", "silent")

    def __init__(self) -> None:
        self.rms = self.peak = LOWEST_RMS
        self.known = self.silent = False
        self._frames = 0  # since it began, or was forgotten
        self._there_frames = 0  # not far below it, and it loud enough for speech, since the call began
        self._gap_frames = 0  # at the end of what was followed, far below it

    def follow(self, rms: float, *, step: float = STEP, at_once: bool = True) -> None:
        """Take the level of a frame; a louder one raises the background by `step` at the most.

        Args:
            rms: The level.
            step: A factor; a background that is not known yet rises faster.
            at_once: Whether one that is not known yet rises to the frame at once. Then whoever speaks first is part of
                it, which is right over a prompt and wrong for a message that somebody goes on to leave.
        """
        self._frames += 1
        learning = self._frames <= LEARNING_FRAMES
        there = True
        if rms > self.rms:
            if learning:
                step = HIGHEST_RMS if at_once and not self.known else LEARNING_STEP
            self.rms = min(self.rms * step, rms, HIGHEST_RMS)
            if rms > self.peak:
                self.peak = min(self.peak * step, rms, HIGHEST_RMS)
        else:
            self.rms = max(self.rms * (LEARNING_FALL if learning else FALL), LOWEST_RMS)
            there = rms > self.rms * FAR_BELOW or self.rms == LOWEST_RMS
        if there:
            self._gap_frames = 0
            self._there_frames += self.rms >= GATE_RMS
        else:
            self._far_below(rms)
        self.peak = max(self.peak * PEAK_FALL, self.rms)
        if not learning:
            self.silent = self.rms <= LOWEST_RMS
        if self._frames >= KNOWN_FRAMES:
            self.known = True

    def rise_to(self, rms: float) -> None:
        """It was at least as loud as this all the time: what was taken for the caller is part of it."""
        self.rms = max(self.rms, min(rms, HIGHEST_RMS))
        self.peak = max(self.peak, self.rms)
        self.silent = False

    def _far_below(self, rms: float) -> None:
        self._gap_frames += 1
        longest = SHORTEST_GAP_FRAMES + self._there_frames // FRAMES_PER_GAP_FRAME
        if self._gap_frames >= min(longest, LONGEST_GAP_FRAMES):
            self.rms = self.peak = max(rms, LOWEST_RMS)
            self._frames = self._gap_frames = 0
