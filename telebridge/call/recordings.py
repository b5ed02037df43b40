"""What callers said after the beep, as WAV files in one folder."""

import itertools
import secrets
from pathlib import Path

from telebridge.audio import wav


class Recordings:
    """Keeps recordings.

    Args:
        folder: Where; made when the first one is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def file(self, call_sid: str, number: int) -> Path:
        """Where the recording of that number of a call is kept, or of the next that nothing was kept under."""
        for free in itertools.count(number):
            if not (file := self._folder / f"{call_sid}-{free}.wav").exists():
                return file
        raise AssertionError("numbers have no end")

    def keep(self, file: Path, audio: bytes) -> None:
        """Write mu-law at 8000 Hz to a file, whole or not at all; it waits for the disk.

        Raises:
            OSError: The disk refuses, or there is such a file already.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.stem}-{secrets.token_hex(4)}.part")
        try:
            wav.write(draft, audio)
            file.touch(exist_ok=False)
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
