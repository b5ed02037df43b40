"""What callers said after the beep, as WAV files in one folder."""

import asyncio
import itertools
import secrets
from collections.abc import Callable
from pathlib import Path

from telebridge.audio import wav
from telebridge.call.record import CallRecord
from telebridge.call.session.events import MessageSaved
from telebridge.logs import logger

log = logger(__name__)


class MessageFiles:
    """Keeps recordings.

    Args:
        folder: Where; made when the first one is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing: set[asyncio.Task[None]] = set()

    def keep_behind(self, record: CallRecord, audio: bytes, kept: Callable[[MessageSaved], None]) -> None:
        """Keep the next recording of a call, and tell `kept` where it is; it is written even if the call ends before.

        Must be called on the event loop's thread; nothing is waited for.
        """
        file = self.file(record.call_sid, len(record.recordings) + 1)
        record.recordings.append(str(file))
        writing = asyncio.create_task(self._write(record.call_sid, file, audio, kept), name="recording")
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    async def _write(self, call_sid: str, file: Path, audio: bytes, kept: Callable[[MessageSaved], None]) -> None:
        try:
            await asyncio.to_thread(self.keep, file, audio)
        except OSError as error:
            log.error("recording lost", call_sid=call_sid, file=str(file), error=str(error))
            kept(MessageSaved(None))
        else:
            kept(MessageSaved(str(file)))

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
