"""The detector of speech that needs no model: whatever is much louder than the line was before."""

import audioop

from typing_extensions import override

from telebridge.audio.mulaw import FRAME_BYTES, FRAME_MS, PCM_WIDTH
from telebridge.turns.windows import WindowDetector

OVER_FLOOR = 4.0  # 12 dB
LOWEST_RMS = 50.0


class LevelDetector(WindowDetector):
    """Treats whatever is 12 dB louder than the recent minimum as speech, such as a knock."""

    window_bytes = FRAME_BYTES
    window_ms = float(FRAME_MS)
    sure_by = None
    onset_windows = 3
    onset_of = 3

    def __init__(self) -> None:
        super().__init__()
        self._floor = LOWEST_RMS

    @override
    def _judged(self, windows: bytes) -> list[float]:
        found = []
        for at in range(0, len(windows), FRAME_BYTES):
            rms = audioop.rms(audioop.ulaw2lin(windows[at : at + FRAME_BYTES], PCM_WIDTH), PCM_WIDTH)
            found.append(float(rms >= max(LOWEST_RMS, self._floor) * OVER_FLOOR))
            self._floor = rms if rms < self._floor else min(rms, self._floor * 1.005 + 0.1)
        return found
