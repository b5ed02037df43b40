"""The loudness of both sides of a recorded call along its time, from its WAV file, also while that grows.

One rule: of a file that was read before only what is new is read, so a live call that is watched costs its new seconds.
"""

import audioop
import math
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from telebridge.audio.mulaw import PCM_WIDTH, SAMPLE_RATE
from telebridge.call.runner.call_recording import HEADER_BYTES

FRAME = 2 * PCM_WIDTH
"""A sample of both tracks."""
FIRST_SAMPLES = SAMPLE_RATE // 40
MOST_COLUMNS = 600
KEPT_FILES = 64
READ_BYTES = 1 << 20
FULL_SCALE = 32768
HEIGHT = 50
"""How high a column of the loudest sound is, to each side."""


@dataclass(frozen=True, slots=True)
class Waveform:
    """How loud the two sides of a call were.

    Args:
        column_ms: How long a column lasts.
        caller: The height of each column of the caller's track, from 0 to `HEIGHT`.
        bridge: That of the bridge's track.
    """

    column_ms: float
    caller: tuple[int, ...]
    bridge: tuple[int, ...]

    @property
    def length_ms(self) -> float:
        """How long the recording is."""
        return len(self.caller) * self.column_ms

    @staticmethod
    def path(heights: tuple[int, ...]) -> str:
        """The columns as the path of an SVG element: one unit wide each, around a middle line at `HEIGHT`."""
        shown = ((at, height) for at, height in enumerate(heights) if height)
        return "".join(f"M{at + 0.5} {HEIGHT - height}V{HEIGHT + height}" for at, height in shown)


class Waveforms:
    """Reads the waveforms of recordings, and remembers those that were read last. Its method blocks on the disk."""

    def __init__(self) -> None:
        self._files: OrderedDict[Path, _GrowingFile] = OrderedDict()
        self._lock = Lock()

    def read(self, file: Path) -> Waveform | None:
        """The waveform of a recording so far; None when there is none."""
        with self._lock:
            growing = self._files.get(file)
            try:
                status = file.stat()
                if growing is None or status.st_ino != growing.inode or status.st_size < growing.offset:
                    growing = _GrowingFile(status.st_ino)
                growing.read_on(file)
            except OSError:
                self._files.pop(file, None)
                return None
            self._files[file] = growing
            self._files.move_to_end(file)
            while len(self._files) > KEPT_FILES:
                self._files.popitem(last=False)
            return growing.waveform()


@dataclass(slots=True)
class _GrowingFile:
    """What was read of a file; whatever is too short for a column is read again."""

    inode: int
    offset: int = HEADER_BYTES
    samples: int = FIRST_SAMPLES  # of a column
    peaks: tuple[list[int], list[int]] = field(default_factory=lambda: ([], []))

    def read_on(self, file: Path) -> None:
        with file.open("rb") as content:
            while True:
                content.seek(self.offset)
                block = content.read(READ_BYTES)
                size = self.samples * FRAME
                whole = len(block) // size * size
                if not whole:
                    return
                self.offset += whole
                self._add(block[:whole])

    def _add(self, block: bytes) -> None:
        for track, (left, right) in zip(self.peaks, ((1, 0), (0, 1)), strict=True):
            mono, size = audioop.tomono(block, PCM_WIDTH, left, right), self.samples * PCM_WIDTH
            track += [audioop.max(mono[at : at + size], PCM_WIDTH) for at in range(0, len(mono), size)]
        while len(self.peaks[0]) > MOST_COLUMNS:
            if len(self.peaks[0]) % 2:  # a half column at the end is read again
                self.offset -= self.samples * FRAME
                self.peaks[0].pop()
                self.peaks[1].pop()
            for track in self.peaks:
                track[:] = [max(pair) for pair in zip(track[::2], track[1::2], strict=True)]
            self.samples *= 2

    def waveform(self) -> Waveform:
        caller, bridge = (tuple(_height(peak) for peak in track) for track in self.peaks)
        return Waveform(self.samples * 1000 / SAMPLE_RATE, caller, bridge)


def _height(peak: int) -> int:
    """The square root of the amplitude, so that quiet speech is seen, too."""
    return round(HEIGHT * math.sqrt(peak / FULL_SCALE))
