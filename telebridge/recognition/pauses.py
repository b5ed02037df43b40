"""Whether the caller pauses in what they say, by the level of the audio alone.

A pause here says when it is worth to hear what was said so far, and nothing else: when the caller has stopped is told
by the detector of the call.

One rule: in doubt nobody pauses. Who speaks on after a pause is noticed with their first frame.
"""

import audioop

from telebridge.audio.levels import FULL_SCALE
from telebridge.audio.mulaw import BYTES_PER_MS, PCM_WIDTH, frames, to_pcm

PAUSE_MS = 200.0
"""So long a silence is a pause: what it interrupts is nearly always over. A call knows the end of speech 200 ms later
at the earliest, which is as long as hearing a word takes."""
QUIETEST_RMS = FULL_SCALE * 10 ** (-50 / 20)
"""What is quieter is nobody's speech."""
BELOW_VOICE = 0.06
"""24 dB: what is so much quieter than the voice is silence, and no last, soft sound of it."""
OVER_NOISE, MOST_NOISE = 1.6, 0.5
"""4 dB: so is what is hardly louder than the quietest frame, where that is well below the voice."""
FOLLOWED = 0.1
"""How much of a frame goes into the level of the voice: it is that of the last 200 ms of speech."""


class SpeechPauses:
    """Follows the audio of one utterance, from its first byte.

    Attributes:
        silent_ms: How much silence it ends with so far.
    """

    __slots__ = ("_noise_rms", "_voice_rms", "silent_ms")

    def __init__(self) -> None:
        self._voice_rms = self.silent_ms = 0.0
        self._noise_rms = float(FULL_SCALE)  # of the quietest frame

    def receive(self, mulaw: bytes) -> None:
        """Take the audio that comes next."""
        for frame in frames(mulaw):
            rms = audioop.rms(to_pcm(frame), PCM_WIDTH)
            self._noise_rms = min(self._noise_rms, rms)
            noise = min(self._noise_rms * OVER_NOISE, self._voice_rms * MOST_NOISE)
            if rms < max(QUIETEST_RMS, self._voice_rms * BELOW_VOICE, noise):
                self.silent_ms += len(frame) / BYTES_PER_MS
            else:
                self._voice_rms += (rms - self._voice_rms) * (FOLLOWED if self._voice_rms else 1.0)
                self.silent_ms = 0.0

    @property
    def spoken(self) -> bool:
        """Whether anything was loud enough to be speech."""
        return self._voice_rms > 0

    @property
    def paused(self) -> bool:
        """Whether the caller has spoken, and is silent now for as long as a pause takes."""
        return self.spoken and self.silent_ms >= PAUSE_MS
