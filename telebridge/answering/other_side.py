"""What whoever answered a call does: speaks, is silent, beeps. Everything is counted in media time.

One rule: a beep is no speech, and who has said nothing before a beep has no mailbox.
"""

import audioop
from collections import deque
from dataclasses import dataclass

from telebridge.answering.beep import Beep, BeepDetector
from telebridge.audio.mulaw import BYTES_PER_MS, FRAME_MS, PCM_WIDTH, to_pcm

LOUD_RMS = 250
"""-42 dBFS: a voice on a telephone is louder."""
OVER_FLOOR = 3.0  # 10 dB
LOWEST_FLOOR = 50.0
ONSET_FRAMES = 4
SILENCE_MS = 500.0
"""So much silence ends what somebody says; between two sentences of a greeting it is less."""
LEAD_FRAMES = 15
"""What a recognizer is given of the time before speech was noticed."""


@dataclass(frozen=True, slots=True)
class OtherSideChange:
    """What changed with a frame.

    Args:
        began: Whether they began to speak.
        ended: Whether they stopped.
        beep: The beep that is over.
    """

    began: bool = False
    ended: bool = False
    beep: Beep | None = None


NO_CHANGE = OtherSideChange()


class OtherSide:
    """Follows the audio of whoever answered.

    Attributes:
        now_ms: Media time since they are followed.
        speaking: Whether they speak.
        speech_ms: How long they have spoken in all, pauses between words included.
        silent_ms: For how long they have not been heard.
        first_ms: When they first spoke; None before.
    """

    def __init__(self) -> None:
        self.now_ms = 0.0
        self.speaking = False
        self.speech_ms = 0.0
        self.silent_ms = 0.0
        self.first_ms: float | None = None
        self._beeps = BeepDetector()
        self._lead: deque[bytes] = deque(maxlen=LEAD_FRAMES)
        self._floor = LOWEST_FLOOR
        self._loud = 0  # frames in a row

    @property
    def sounding(self) -> bool:
        """Whether a tone sounds that may be a beep."""
        return self._beeps.sounding

    @property
    def lead(self) -> bytes:
        """The last 300 ms."""
        return b"".join(self._lead)

    def receive_frame(self, mulaw: bytes) -> OtherSideChange:
        """Take the next frame of mu-law."""
        ms = len(mulaw) / BYTES_PER_MS
        self.now_ms += ms
        self._lead.append(mulaw)
        beep = self._beeps.receive_frame(mulaw)
        rms = audioop.rms(to_pcm(mulaw), PCM_WIDTH) if mulaw else 0
        loud = rms >= LOUD_RMS and rms >= self._floor * OVER_FLOOR and not self._beeps.begun
        self._floor = float(rms) if rms < self._floor else min(float(rms), self._floor * 1.004 + 0.1)
        self._loud = self._loud + 1 if loud else 0
        self.silent_ms = 0.0 if loud else self.silent_ms + ms
        began = ended = False
        if not self.speaking:
            began = self.speaking = self._loud >= ONSET_FRAMES
            self.speech_ms += ONSET_FRAMES * FRAME_MS if began else 0.0
            if began and self.first_ms is None:
                self.first_ms = self.now_ms - ONSET_FRAMES * FRAME_MS
        else:
            self.speech_ms += ms
            ended = self.silent_ms >= SILENCE_MS
            if ended:
                self.speaking = False
                self.speech_ms -= self.silent_ms
        if not began and not ended and beep is None:
            return NO_CHANGE
        return OtherSideChange(began, ended, beep)
