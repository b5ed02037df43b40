"""Messages have a file each, whatever was kept before."""

import asyncio
import wave
from datetime import UTC, datetime

import pytest
from support.faults import fault
from support.flows import alive

from telebridge.call.record import CallRecord
from telebridge.call.runner.message_files import MessageFiles
from telebridge.call.session.events import MessageSaved


def frames(file):
    with wave.open(str(file)) as opened:
        return opened.getnframes()


def test_a_number_under_which_something_is_kept_is_passed_over(tmp_path):
    files = MessageFiles(tmp_path / "recordings")
    first = files.file("CA1", 1)
    files.write(first, b"a" * 800)
    second = files.file("CA1", 1)
    files.write(second, b"b" * 80)
    assert [file.name for file in (first, second)] == ["CA1-1.wav", "CA1-2.wav"]
    assert [frames(file) for file in (first, second)] == [800, 80]


def test_what_is_kept_is_never_overwritten(tmp_path):
    files = MessageFiles(tmp_path)
    file = files.file("CA1", 1)
    files.write(file, b"a" * 800)
    with pytest.raises(FileExistsError):
        files.write(file, b"b" * 80)
    assert frames(file) == 800
    assert list(tmp_path.iterdir()) == [file]


async def saved(files, record, audio):
    """Save a message in the background; gives the event that follows."""
    told = asyncio.get_running_loop().create_future()
    files.save_in_background(record, audio, told.set_result)
    assert not told.done(), "nobody waits for the disk"
    assert len(alive()) == 1
    return await told


async def test_a_call_goes_on_while_its_recordings_are_written_and_is_told_where(tmp_path):
    files = MessageFiles(tmp_path)
    record = CallRecord("CA1", "test", "+1555", "+1666", "inbound", datetime.now(UTC))
    for number in (1, 2):
        file = tmp_path / f"CA1-{number}.wav"
        assert await saved(files, record, b"a" * 800) == MessageSaved(str(file))
        assert frames(file) == 800
    assert record.recordings == [str(tmp_path / "CA1-1.wav"), str(tmp_path / "CA1-2.wav")]


@fault(
    "The disk refuses the file of a caller's message.",
    caller="What the flow says when nothing was recorded.",
    operator="No file in the record.",
    kept="The call, and the length of what was said.",
)
async def test_a_call_is_told_that_the_disk_refused(tmp_path):
    (tmp_path / "taken").write_text("")
    record = CallRecord("CA1", "test", "+1555", "+1666", "inbound", datetime.now(UTC))
    assert await saved(MessageFiles(tmp_path / "taken"), record, b"a" * 800) == MessageSaved(None)
