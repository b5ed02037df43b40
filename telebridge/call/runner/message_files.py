"""The messages that callers left after the beep, as WAV files in one folder.

One rule: a file is whole or not there.
"""

import asyncio
import itertools
import secrets
from collections.abc import Callable
from pathlib import Path

from telebridge.audio import wav
from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.call.messages.message import MessageNote, note_of
from telebridge.call.record import CallRecord
from telebridge.call.session.events import MessageSaved
from telebridge.logs import logger
from telebridge.private_files import FILE_MODE, make_private, make_private_folder, open_private
from telebridge.tasks import Tasks
from telebridge.timing.epoch import Clock, system_clock

log = logger(__name__)


class MessageFiles:
    """Saves messages.

    Args:
        folder: The folder; made with the first message.
        clock: Returns the epoch milliseconds of now.

    Attributes:
        on_saved: Called when a message is complete, with a note beside it; None when nobody wants to know.
    """

    def __init__(self, folder: Path, clock: Clock = system_clock) -> None:
        self.on_saved: Callable[[], None] | None = None
        self._folder = folder
        self._clock = clock
        self._tasks = Tasks("message")

    def save_in_background(
        self, record: CallRecord, audio: bytes, saved: Callable[[MessageSaved], None], *, mail_to: str | None = None
    ) -> None:
        """Save the next message of a call, and call `saved` with its file; it is written even if the call ends before.

        Call it on the event loop's thread. It returns at once; a thread writes.

        Args:
            record: The record of the call.
            audio: Mu-law at 8000 Hz.
            saved: Called with what came of it.
            mail_to: To whom the flow sends it by e-mail; None where the settings say.
        """
        file = self.file(record.call_sid, len(record.recordings) + 1)
        record.recordings.append(str(file))
        length_ms = round(len(audio) / BYTES_PER_MS)
        ends = record.from_number, record.to_number
        note = MessageNote(file.stem, record.call_sid, record.flow, *ends, length_ms, self._clock(), mail_to)
        _ = self._tasks.start(self._save(record.call_sid, file, audio, note, saved))

    async def _save(
        self, call_sid: str, file: Path, audio: bytes, note: MessageNote, saved: Callable[[MessageSaved], None]
    ) -> None:
        try:
            await asyncio.to_thread(self.write, file, audio, note)
        except OSError as error:
            log.error("recording lost", call_sid=call_sid, file=str(file), error=str(error))
            saved(MessageSaved(None))
        else:
            saved(MessageSaved(str(file)))
            if self.on_saved is not None:
                self.on_saved()

    def file(self, call_sid: str, number: int) -> Path:
        """The file of that message of a call, or of the next number that has no file yet."""
        for free in itertools.count(number):
            if not (file := self._folder / f"{call_sid}-{free}.wav").exists():
                return file
        raise AssertionError("numbers have no end")

    def write(self, file: Path, audio: bytes, note: MessageNote | None = None) -> None:
        """Write mu-law at 8000 Hz to a file, whole or not at all, and a note beside it; it waits for the disk.

        Raises:
            OSError: The disk refuses, or there is such a file already.
        """
        make_private_folder(file.parent)
        make_private(file.parent)
        draft = file.with_name(f"{file.stem}-{secrets.token_hex(4)}.part")
        try:
            draft.touch(mode=FILE_MODE)
            wav.write(draft, audio)
            file.touch(mode=FILE_MODE, exist_ok=False)
            if note is not None:
                with open_private(note_of(file), "wb") as opened:
                    opened.write(note.encode())
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)
