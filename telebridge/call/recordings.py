"""What callers said after the beep, as WAV files in one folder."""

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
        """Where the recording of that number of a call is kept."""
        return self._folder / f"{call_sid}-{number}.wav"

    def keep(self, file: Path, audio: bytes) -> None:
        """Write mu-law at 8000 Hz to a file, whole or not at all; it waits for the disk.

        Raises:
            OSError: The disk refuses.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".part")
        wav.write(draft, audio)
        draft.replace(file)
