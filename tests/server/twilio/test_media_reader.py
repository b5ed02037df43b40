"""Frames of a caller's audio are taken where they arrive; everything else goes the ordinary way, and in order."""

import asyncio
import base64
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from support.virtual_time import virtually
from support.websocket_frames import CONTINUATION, PING, TEXT, client_frame, masked_payload

from telebridge.server.twilio.media_reader import MOST_FRAMES, FrameBoundaries, MediaReader
from telebridge.server.twilio.reading_pace import TURN_UNITS, UNIT_BYTES, UNITS_A_SECOND
from telebridge.twilio.messages import MAX_MEDIA_BYTES


def audio(number):
    """A message with a frame of audio."""
    media = {"payload": base64.b64encode(bytes([number % 256]) * 160).decode(), "timestamp": str(number * 20)}
    return json.dumps({"event": "media", "streamSid": "MZ1", "media": media}).encode()


def is_audio(message):
    return b'"media"' in message


class Aiohttp(asyncio.Protocol):
    """The protocol that is served, and the task that reads from it, one message for each call of `read`."""

    def __init__(self, taken):
        self.taken = taken
        self.bytes = b""
        self.parts = []

    def data_received(self, data):
        self.bytes += data

    def read(self):
        """Read the next whole message; returns whether there was one."""
        while (parsed := self.parse()) is not None:
            opcode, final, payload = parsed
            if opcode == PING:
                self.taken.append(payload)
                return True
            self.parts.append(payload)
            if final:
                self.taken.append(b"".join(self.parts))
                self.parts = []
                return True
        return False

    def parse(self):
        data = self.bytes
        if len(data) < 2:
            return None
        size, at = data[1] & 0x7F, 2
        if size >= 126:
            at = 4 if size == 126 else 10
            size = int.from_bytes(data[2:at])
        if len(data) < at + 4 + size:
            return None
        mask, payload = data[at : at + 4], data[at + 4 : at + 4 + size]
        self.bytes = data[at + 4 + size :]
        return data[0] & 0x0F, bool(data[0] & 0x80), masked_payload(payload, mask)


class Line:
    """One stream: what was taken of it, in order."""

    def __init__(self, refuses=lambda _: False):
        self.taken = []
        self.direct = 0
        self.refuses = refuses
        self.served = Aiohttp(self.taken)
        self.reader = MediaReader(self.served, self.receive_frame)

    def receive_frame(self, message):
        if not is_audio(message) or self.refuses(message):
            return False
        self.direct += 1
        self.taken.append(message)
        return True

    def read(self):
        if self.served.read():
            self.reader.message_read()
            return True
        return False


MASKS = st.binary(min_size=4, max_size=4)


@st.composite
def sent(draw):
    """Frames as a client may send them, and the messages that they carry."""
    frames, messages = [], []
    for number in range(draw(st.integers(1, 12))):
        mask = draw(MASKS)
        kind = draw(st.sampled_from(["audio", "audio", "audio", "audio", "key", "ping", "fragments", "long"]))
        message = {
            "key": b'{"event":"dtmf","digit":"%d"}' % number,
            "ping": b"p%d" % number,
            "long": b'{"event":"news","number":%d,"text":"%b"}' % (number, b"x" * 66_000),
        }.get(kind, audio(number))
        if kind == "fragments":
            cut = draw(st.integers(0, len(message)))
            frames.append(client_frame(message[:cut], mask, final=False))
            if draw(st.booleans()):
                messages.append(b"between")
                frames.append(client_frame(b"between", mask, opcode=PING))
            frames.append(client_frame(message[cut:], mask, opcode=CONTINUATION))
        else:
            frames.append(client_frame(message, mask, opcode=PING if kind == "ping" else TEXT))
        messages.append(message)
    return b"".join(frames), messages


@settings(max_examples=40)
@given(sent(), st.lists(st.tuples(st.integers(1, 900), st.integers(0, 3)), min_size=1), st.integers(0, 3))
def test_no_message_is_lost_or_overtakes_another_wherever_the_bytes_are_cut(stream, cuts, refused):
    @virtually
    async def run():
        data, messages = stream
        line, at, turn = Line(lambda message: refused and len(message) % (refused + 1) == 0), 0, 0
        while at < len(data):
            size, reads = cuts[turn % len(cuts)]
            size *= 1 if len(data) < 20_000 else 50
            line.reader.data_received(data[at : at + size])
            at, turn = at + size, turn + 1
            for _ in range(reads):
                line.read()
        while line.read():
            pass
        assert line.taken == messages

    run()


@virtually
async def test_the_frames_of_a_call_never_reach_the_task():
    line = Line()
    for number in range(1000):
        await asyncio.sleep(0.02)
        line.reader.data_received(client_frame(audio(number), b"mask"))
    assert line.direct == 1000
    assert not line.served.bytes


@virtually
async def test_after_another_message_was_read_frames_are_taken_again():
    line = Line()
    line.reader.data_received(client_frame(b'{"event":"dtmf"}'))
    line.reader.data_received(client_frame(audio(1)))
    assert line.direct == 0
    assert line.read()
    line.reader.data_received(client_frame(audio(2)))
    assert line.direct == 0
    assert line.read()
    assert line.read()
    line.reader.data_received(client_frame(audio(3)))
    assert line.direct == 1


@virtually
async def test_what_comes_faster_than_a_call_sends_goes_the_ordinary_way_which_waits():
    line = Line()
    for number in range(100):
        line.reader.data_received(client_frame(audio(number)))
    assert line.direct == TURN_UNITS
    while line.read():
        pass
    await asyncio.sleep(100 / UNITS_A_SECOND)
    line.reader.data_received(client_frame(audio(100)))
    assert line.direct == TURN_UNITS + 1


@virtually
async def test_a_message_with_far_too_much_audio_is_left_to_the_task():
    line = Line()
    line.reader.data_received(client_frame(b'{"event":"media","payload":"' + b"A" * MAX_MEDIA_BYTES + b'"}'))
    assert line.direct == 0
    assert line.read()


@virtually
async def test_once_stopped_it_takes_nothing():
    line = Line()
    line.reader.stop()
    line.reader.data_received(client_frame(audio(1)))
    assert line.direct == 0
    assert line.served.bytes


def test_a_piece_of_very_many_frames_is_not_followed():
    boundaries = FrameBoundaries()
    boundaries.receive(client_frame(b"") * (2 * MOST_FRAMES))
    assert boundaries.messages <= MOST_FRAMES + 1
    assert not boundaries.between_messages
    boundaries.receive(client_frame(b""))
    assert not boundaries.between_messages


@virtually
async def test_a_large_message_that_the_task_reads_counts_for_as_many_small_ones():
    reader = Line().reader
    assert reader.wait_seconds(400) is None
    assert reader.wait_seconds((TURN_UNITS - 3) * UNIT_BYTES) is None
    assert reader.wait_seconds(0) == 0.0, "the share of this turn is used up"
    assert reader.wait_seconds(0) is None
