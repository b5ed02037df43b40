"""What leaves over the socket of a call, while there is one."""

import json

import pytest

from telebridge.call.runner.media_line import MediaLine, StreamSocket
from telebridge.errors import LocalProtocolError
from telebridge.twilio.media_stream import MediaStream, Side


class Wire(StreamSocket):
    """Notes what is done to it, in order."""

    def __init__(self):
        self.done = []

    def send(self, message):
        self.done.append(json.loads(message)["event"])

    def drop_queued(self):
        self.done.append("dropped")

    def close(self):
        self.done.append("closed")


def begin(line):
    """Let Twilio start the stream."""
    twilio = MediaStream(Side.TWILIO)
    for message in (twilio.send_connected(), twilio.send_start("MZ1", "CA1", "AC1", {})):
        list(line.stream.receive_text(message))


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def line(wire):
    line = MediaLine()
    line.attach(wire)
    begin(line)
    return line


def test_audio_and_marks_leave_in_their_order(line, wire):
    line.send_audio(bytes(160))
    line.send_mark("m1")
    assert wire.done == ["media", "mark"]


def test_what_waits_to_leave_is_dropped_before_twilio_is_told_to_drop_the_rest(line, wire):
    line.clear()
    assert wire.done == ["dropped", "clear"]


def test_a_stream_that_has_not_started_is_not_cleared_and_takes_no_audio(wire):
    line = MediaLine()
    line.attach(wire)
    line.clear()
    with pytest.raises(LocalProtocolError):
        line.send_audio(bytes(160))
    assert wire.done == []


def test_without_a_socket_nothing_leaves_and_nothing_is_closed(line, wire):
    assert line.detach(wire)
    assert not line.connected
    line.send_audio(bytes(160))
    line.clear()
    line.close()
    assert wire.done == []


def test_a_socket_that_was_replaced_is_gone_without_a_word(line, wire):
    second = Wire()
    line.attach(second)
    assert not line.detach(wire)
    assert line.connected
    begin(line)
    line.send_audio(bytes(160))
    assert (wire.done, second.done) == ([], ["media"])


async def test_the_socket_is_closed_after_what_must_come_before(line, wire):
    second = Wire()

    async def keep():
        wire.done.append("kept")
        line.attach(second)

    await line.close_after(keep)
    assert (wire.done, second.done) == (["kept", "closed"], []), "another that came meanwhile stays open"
