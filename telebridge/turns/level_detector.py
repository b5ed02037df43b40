"""The detector of speech that needs no model: whatever is much louder than the line was before."""

import audioop

from typing_extensions import override

from telebridge.audio.mulaw import FRAME_BYTES, FRAME_MS, PCM_WIDTH
from telebridge.turns.voice_activity import SpeechDetector

OVER_FLOOR = 4.0  # 12 dB
LOWEST_RMS = 50.0


class LevelDetector(SpeechDetector):
    """Treats whatever is 12 dB louder than the recent minimum as speech, such as a knock."""

    window_ms = float(FRAME_MS)
    sure_by = None
    onset_windows = 3
    onset_of = 3

    def __init__(self) -> None:
        self._floor = LOWEST_RMS
        self._rest = b""

    @override
    def likelihoods(self, mulaw: bytes) -> list[float]:
        pending = self._rest + mulaw
        whole = len(pending) - len(pending) % FRAME_BYTES
        self._rest = pending[whole:]
        found = []
        for at in range(0, whole, FRAME_BYTES):
            found.append(self._likelihood(pending[at : at + FRAME_BYTES]))  # noqa: PERF401 - a call less a frame
        return found

    @override
    def reset(self) -> None:
        self._rest = b""

    def _likelihood(self, frame: bytes) -> float:
        rms = audioop.rms(audioop.ulaw2lin(frame, PCM_WIDTH), PCM_WIDTH)
        loud = rms >= max(LOWEST_RMS, self._floor) * OVER_FLOOR
        self._floor = rms if rms < self._floor else min(rms, self._floor * 1.005 + 0.1)
        return float(loud)
