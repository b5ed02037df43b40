"""Brings messages into the database, and sends their e-mails.

A message is a file with a note beside it. The note is read into the database, as soon as that is there, and deleted;
then its e-mail is due, and tried again until the server has taken it, for `LONGEST_MS`.

One rule: nothing is lost at a restart. Notes lie on the disk, e-mails that are due in the database.
"""

import asyncio
import random
from contextlib import suppress
from functools import partial
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from telebridge.call.messages.mail import MailServer, addresses_in, mail_of
from telebridge.call.messages.message import NOTE_SUFFIX, CallerMessage, MessageNote, file_of
from telebridge.call.messages.store import CallerMessages
from telebridge.logs import logger
from telebridge.tasks import in_daemon_thread
from telebridge.timing.backoff import backoff_seconds
from telebridge.timing.epoch import Clock, system_clock

log = logger(__name__)

LOOK_SECONDS = 5.0
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 30.0, 3600.0
LONGEST_MS = 3 * 86_400_000
"""So long an e-mail is tried."""
ABANDONED_SECONDS = 3600.0
"""A note this old without its file is of a process that died while it wrote: there is no message."""


class MessageDelivery:
    """Delivers the messages of one machine. Start `run` as a task.

    Args:
        store: The messages in the database.
        folder: Where the files are.
        server: Sends e-mails.
        clock: Returns the epoch milliseconds of now.
    """

    def __init__(self, store: CallerMessages, folder: Path, server: MailServer, clock: Clock = system_clock) -> None:
        self._store = store
        self._folder = folder
        self._server = server
        self._clock = clock
        self._wanted = asyncio.Event()

    def wake(self) -> None:
        """A message was recorded: look now. Call it on the event loop's thread."""
        self._wanted.set()

    async def run(self) -> None:
        """Deliver what is there, at once and then every `LOOK_SECONDS` or when something new is there."""
        logged = ""
        while True:
            self._wanted.clear()
            try:
                await self.look()
            except (SQLAlchemyError, OSError) as error:
                if not logged:
                    log.warning("messages wait: the database is away", error=str(error))
                logged = str(error)
            except Exception as error:  # the top of a task: an error must not end the delivery
                if str(error) != logged:
                    log.exception("messages cannot be delivered")
                logged = str(error)
            else:
                logged = ""
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._wanted.wait()

    async def look(self) -> None:
        """Read the notes into the database, and send what is due.

        Raises:
            SQLAlchemyError, OSError: The database is away; the notes stay.
        """
        for note, file, path in await asyncio.to_thread(self._notes):
            await self._add(note, file)
            await asyncio.to_thread(path.unlink, missing_ok=True)
        if not self._server.host:
            return
        for message, due_at in await self._store.due(self._clock()):
            if not await asyncio.to_thread(message.file.exists):
                continue  # on the disk of another machine
            if await self._store.claim(message.note.id, due_at, self._clock()):
                await self._send(message)

    async def _add(self, note: MessageNote, file: Path) -> None:
        addresses = addresses_in(note.mail_to if note.mail_to is not None else ", ".join(self._server.to))
        if addresses and not self._server.host:
            log.warning("message is not sent by e-mail: mail.host is not set", message=note.id)
        due_at = self._clock() if addresses and self._server.host else None
        if await self._store.add(note, file, mail_to=", ".join(addresses), due_at=due_at):
            log.info("message recorded", message=note.id, seconds=note.length_ms / 1000)

    async def _send(self, message: CallerMessage) -> None:
        message_id = message.note.id
        try:
            audio = await asyncio.to_thread(message.file.read_bytes)
            mail = mail_of(message, audio, sender=self._server.sender)
            # What is not sent when the process ends is due again.
            await in_daemon_thread("e-mail", partial(self._server.send, mail))
        except (OSError, ValueError) as error:
            await self._failed(message, str(error) or type(error).__name__)
        else:
            await self._store.sent(message_id, self._clock())
            log.info("message sent by e-mail", message=message_id, to=message.mail_to)

    async def _failed(self, message: CallerMessage, error: str) -> None:
        failures, now = message.mail_failures + 1, self._clock()
        seconds = backoff_seconds(
            failures,
            first=FIRST_RETRY_SECONDS,
            longest=LONGEST_RETRY_SECONDS,
            jitter=random.random(),  # noqa: S311 - spreads retries
        )
        over = now - message.note.recorded_at > LONGEST_MS
        due_at = None if over else now + round(seconds * 1000)
        await self._store.failed(message.note.id, error, failures=failures, due_at=due_at)
        if over:
            log.error("message is not sent by e-mail, and no longer tried", message=message.note.id, error=error)
        else:
            log.warning("message is not sent by e-mail yet", message=message.note.id, error=error, failures=failures)

    def _notes(self) -> list[tuple[MessageNote, Path, Path]]:
        """The notes whose messages are complete, in a thread; one that cannot be read is put aside."""
        found = []
        for path in sorted(self._folder.absolute().glob(f"*{NOTE_SUFFIX}")):
            file = file_of(path)
            try:
                if file.exists():
                    found.append((MessageNote.decode(path.read_bytes()), file, path))
                elif self._clock() - path.stat().st_mtime * 1000 > ABANDONED_SECONDS * 1000:
                    path.unlink()
            except ValueError as error:
                log.error("note of a message cannot be read", file=str(path), error=str(error))
                path.rename(path.with_suffix(".unreadable"))
            except OSError as error:
                log.warning("note of a message cannot be read", file=str(path), error=str(error))
        return found
