"""Messages that callers left come into the database and out by e-mail: once, whatever dies or is away meanwhile."""

import asyncio
import io
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from sqlalchemy.exc import SQLAlchemyError
from support.databases import make_migrated
from support.faults import fault
from support.smtp import smtp

from telebridge.audio import wav
from telebridge.audio.tones import sine
from telebridge.call.messages.delivery import LONGEST_MS, MessageDelivery
from telebridge.call.messages.mail import MailServer
from telebridge.call.messages.store import LEASE_MS, CallerMessages
from telebridge.call.record import CallRecord
from telebridge.call.runner.message_files import MessageFiles
from telebridge.database.database import database_of
from telebridge.database.engine import open_database
from telebridge.timing.epoch import epoch_ms

NOW = epoch_ms(datetime(2026, 3, 2, 9, tzinfo=UTC))
RECORD = CallRecord("CA1", "desk", "+15551230001", "+15551230000", "inbound", datetime(2026, 3, 2, tzinfo=UTC))
AUDIO = sine(440, 2400)


class Machine:
    """One machine: its disk, its clock, the database; `process` is a process that has just started."""

    def __init__(self, folder, engine):
        self.folder, self.now = folder / "recordings", NOW
        self.store = CallerMessages(database_of(engine))

    def process(self, server):
        return MessageDelivery(self.store, self.folder, server, lambda: self.now)

    async def record(self, mail_to=None):
        saved = asyncio.get_running_loop().create_future()
        files = MessageFiles(self.folder, lambda: self.now)
        files.save_in_background(RECORD, AUDIO, saved.set_result, mail_to=mail_to)
        RECORD.recordings.clear()
        return (await saved).file

    async def messages(self):
        return await self.store.page(heard=None, limit=9, before=None)


@asynccontextmanager
async def machine(tmp_path):
    make_migrated(tmp_path / "telebridge.db")
    engine = open_database(f"sqlite:///{tmp_path}/telebridge.db")
    try:
        yield Machine(tmp_path, engine)
    finally:
        await engine.dispose()


@pytest.mark.parametrize(
    ("mail_to", "expected"), [(None, "office@example.com"), ("a@x.test, b@x.test", "a@x.test, b@x.test")]
)
async def test_a_message_goes_out_with_its_sound(tmp_path, mail_to, expected):
    async with machine(tmp_path) as here, smtp() as server:
        await here.record(mail_to)
        await here.process(server.mail_server).look()
        [mail], [message] = server.mails, await here.messages()
    assert mail["To"] == expected
    assert mail["Subject"] == "Message from +15551230001 (0:02)"
    assert mail["Message-ID"] == "<CA1-1@example.com>"
    [attached] = mail.iter_attachments()
    assert wav.read(io.BytesIO(attached.get_content())) == AUDIO
    assert (message.mailed_at, message.mail_error) == (NOW, None)
    assert [file.name for file in here.folder.iterdir()] == ["CA1-1.wav"]


@fault(
    "The mail server refuses a message that a caller left, or is away, and the process restarts meanwhile.",
    caller="Nothing: their message was kept.",
    operator="A line in the log for each try, and the reason in `GET /api/messages`; then the e-mail.",
    kept="The message, and that it is to be sent: it is tried for three days, with growing pauses up to an hour.",
)
async def test_a_message_that_was_refused_is_sent_later_and_once(tmp_path):
    async with machine(tmp_path) as here, smtp("451 try later") as server:
        await here.record()
        await here.process(server.mail_server).look()
        [waiting] = await here.messages()
        assert "451" in waiting.mail_error
        await here.process(server.mail_server).look()
        assert server.mails == [], "not before its time"
        here.now += 46_000
        await here.process(MailServer("127.0.0.1", 1, "none", sender="a@x.test")).look()  # nobody listens there
        here.now += 92_000
        for _ in range(3):
            await here.process(server.mail_server).look()
        [sent] = await here.messages()
    assert len(server.mails) == 1
    assert (sent.mail_error, sent.mailed_at) == (None, here.now)


@fault(
    "The process dies while it sends a message by e-mail.",
    caller="Nothing: their message was kept.",
    operator="The e-mail, two minutes later, perhaps a second time with the same `Message-ID`.",
    kept="The message; no other process sends it before those two minutes.",
)
async def test_what_a_process_that_died_had_taken_is_sent_by_another(tmp_path):
    async with machine(tmp_path) as here, smtp() as server:
        await here.record()
        offline = MailServer("127.0.0.1", 1, "none", sender="a@x.test", to=("office@example.com",))
        delivery = here.process(offline)
        delivery._send = lambda _message: asyncio.sleep(0)  # dies where it sends
        await delivery.look()
        await here.process(server.mail_server).look()
        assert server.mails == []
        here.now += LEASE_MS
        await asyncio.gather(*(here.process(server.mail_server).look() for _ in range(3)))
    assert len(server.mails) == 1


@fault(
    "The database is away while a caller leaves a message.",
    caller="Nothing: their message is kept as a file.",
    operator="One warning in the log; the message is in the list once the database is back.",
    kept="The message, with a note beside it until the database knows it, over restarts too.",
)
async def test_a_message_waits_on_the_disk_for_the_database(tmp_path):
    async with machine(tmp_path) as here, smtp() as server:
        await here.record()
        away = here.process(server.mail_server)
        away._store = Away()
        with pytest.raises(SQLAlchemyError):
            await away.look()
        await here.process(server.mail_server).look()
        assert len(await here.messages()) == len(server.mails) == 1


class Away:
    async def add(self, *_, **__):
        raise SQLAlchemyError("away")


async def test_without_a_mail_server_messages_are_kept_and_never_mailed_later(tmp_path):
    async with machine(tmp_path) as here, smtp() as server:
        await here.record()
        await here.process(MailServer()).look()
        await here.process(server.mail_server).look()
        [message] = await here.messages()
    assert (server.mails, message.mailed_at, message.mail_to) == ([], None, "")


async def test_after_three_days_nobody_tries_any_more(tmp_path):
    async with machine(tmp_path) as here, smtp("554 never", "554 never") as server:
        await here.record()
        await here.process(server.mail_server).look()
        here.now += LONGEST_MS + 1
        for _ in range(2):
            await here.process(server.mail_server).look()
        assert (server.mails, server.answers) == ([], [])


async def test_a_note_that_cannot_be_read_is_put_aside(tmp_path):
    async with machine(tmp_path) as here, smtp() as server:
        file = await here.record()
        (here.folder / "CA1-1.note.json").write_text("{")
        await here.process(server.mail_server).look()
        assert sorted(each.name for each in here.folder.iterdir()) == ["CA1-1.note.unreadable", "CA1-1.wav"]
        assert await here.messages() == []
    assert file.endswith("CA1-1.wav")
