"""Floods: of the messages of one stream, of tiny chunks, of audio in one message"""

import asyncio
import json
from base64 import b64encode
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from aiohttp import WSMessage, WSMsgType
from support.faults import fault
from support.sources import ToldSpeech
from support.turns_of_the_loop import Turns
from support.virtual_time import virtually
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.uri import parse_uri
from websockets.utils import accept_key

from telebridge import metrics
from telebridge.audio.mulaw import silence
from telebridge.call.record import CallRecord
from telebridge.call.runner.ports import CallPorts
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.rime.connection import MESSAGES_A_TURN, RimeConnection
from telebridge.rime.parameters import RimeOptions
from telebridge.rime.utterance import MOST_WORDS, RimeUtterance
from telebridge.server.twilio.media import MediaHandler
from telebridge.server.twilio.media_reader import MediaReader
from telebridge.server.twilio.reading_pace import BURST_UNITS, TURN_UNITS, UNITS_A_SECOND
from telebridge.speech.source import Audio, Words
from telebridge.speech.speaking_time import VoiceRate
from telebridge.speech.utterance import EVENTS_A_TURN, JOINED_BYTES, SharedUtterance, Utterance
from telebridge.tasks import Tasks
from telebridge.twilio.media_stream import MediaStream, Side
from telebridge.twilio.messages import MAX_MEDIA_BYTES

TEXT = "We are open from Monday to Friday."


def value(counter):
    return counter._value.get()


class Flood:
    """A WebSocket that has all its messages at once, so that reading it never waits; each is counted."""

    def __init__(self, messages, turns, kind=WSMsgType.TEXT):
        self.pongs = 0
        self._messages = messages
        self._turns = turns
        self._kind = kind

    async def __aiter__(self):
        for message in self._messages:
            self._turns.work()
            yield WSMessage(self._kind, message, None)

    async def pong(self, _message):
        self.pongs += 1


def stream():
    """A live call and Twilio's end of its stream."""
    record = CallRecord("CA1", "test", "+1555", "+1666", "inbound", datetime.now(UTC))
    runner = CallRunner(CallSession(None, record, SessionOptions()), CallPorts(ToldSpeech()), on_end=lambda _: None)
    runner.start()
    runner.attach(SimpleNamespace(send=lambda _: None, drop_queued=lambda: None, close=lambda: None))
    twilio = MediaStream(Side.TWILIO)
    for message in (twilio.send_connected(), twilio.send_start("MZ1", "CA1", "AC1", {})):
        runner.receive_text(message)
    return runner, twilio


async def read(socket, runner):
    """Read a WebSocket to its end, as the handler of media streams does."""
    await MediaHandler(None, None, None)._read(socket, runner, MediaReader(None, runner.receive_text))


@fault(
    "A media stream sends 10,000 messages at once: of audio, of keys, of events nobody knows, or pings.",
    caller="Others: nothing. This one's words and keys come late.",
    operator="`telebridge_streams_paced_total` counts.",
    kept="8 messages of one stream are read in a turn of the event loop, and 500 a second; none is dropped.",
)
@pytest.mark.parametrize("kind", ["audio", "keys", "unknown", "pings"])
@virtually
async def test_a_flood_on_one_stream_leaves_the_others_their_turns(kind):
    runner, twilio = stream()
    count, loop = 2000, asyncio.get_running_loop()
    message = {
        "audio": lambda n: twilio.send_audio(silence(20), n * 20),
        "keys": lambda _: twilio.send_digit("5"),
        "unknown": lambda _: b'{"event":"news","streamSid":"MZ1"}',
        "pings": lambda _: b"ping",
    }[kind]
    messages = [message(n) for n in range(count)]
    began, paced = loop.time(), value(metrics.STREAMS_PACED)
    turns = Turns()
    flood = Flood(messages, turns, WSMsgType.PING if kind == "pings" else WSMsgType.TEXT)
    await read(flood, runner)
    await asyncio.sleep(0)
    assert turns.total == count
    assert turns.most <= TURN_UNITS
    assert flood.pongs == (count if kind == "pings" else 0)
    assert (count - BURST_UNITS) / UNITS_A_SECOND - 1 <= loop.time() - began <= count / UNITS_A_SECOND + 1
    assert value(metrics.STREAMS_PACED) > paced


@fault(
    "A media stream sends a second of audio in each message, a thousand times at once.",
    caller="Others: nothing.",
    operator="`telebridge_streams_paced_total` counts.",
    kept="Large messages count for as many small ones.",
)
@virtually
async def test_large_messages_count_for_as_many_small_ones():
    runner, twilio = stream()
    messages = [twilio.send_audio(silence(1000), n * 1000) for n in range(30)]
    assert len(messages[0]) <= MAX_MEDIA_BYTES
    turns = Turns()
    await read(Flood(messages, turns), runner)
    await asyncio.sleep(0)
    assert turns.total == 30
    assert turns.most == 1


@fault(
    "A media message holds a megabyte: 94 seconds of the caller's voice.",
    caller="Nothing; the stream goes on.",
    operator="One warning; `telebridge_bad_messages_total` counts.",
    kept="The message is dropped before its audio is decoded.",
)
@virtually
async def test_a_message_with_far_too_much_audio_is_dropped():
    _, twilio = stream()
    long_key = twilio.send_digit("5").replace(b"{", b"{" + b" " * MAX_MEDIA_BYTES, 1)
    messages = [silence(1000), silence(1200), silence(10_000), silence(90_000), silence(20)]
    messages = [long_key, *(twilio.send_audio(audio, 0) for audio in messages)]
    taken, bad = [], metrics.BAD_MESSAGES.labels("Twilio")
    record = SimpleNamespace(call_sid="CA1")
    runner = SimpleNamespace(receive_text=taken.append, streaming=True, session=SimpleNamespace(record=record))
    before = value(bad)
    await read(Flood(messages, Turns()), runner)
    assert taken == [messages[0], messages[1], messages[-1]]
    assert value(bad) == before + 3


class Transport:
    """Of a connection that has all its bytes already; notes that reading pauses."""

    def __init__(self):
        self.reading = True

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def is_closing(self):
        return False

    def set_write_buffer_limits(self, *_):
        pass

    def write(self, _data):
        pass


class RimeFlood(RimeConnection):
    """A connection to Rime over which all messages come at once, when something is sent."""

    def __init__(self, messages, turns):
        super().__init__(ClientProtocol(parse_uri("ws://rime/")))
        self.connection_made(Transport())
        self._messages = messages
        self._turns = turns
        self.request = self.protocol.connect()
        self.protocol.send_request(self.request)
        accept = accept_key(self.request.headers["Sec-WebSocket-Key"])
        upgraded = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        self.data_received(b"HTTP/1.1 101 Switching Protocols\r\n" + upgraded.encode())

    async def send(self, _message):
        if not self._messages:
            return
        messages, self._messages = self._messages, []
        taker, self.receiver = self.receiver, self
        self._taker = taker
        self.data_received(b"".join(Frame(Opcode.TEXT, each.encode()).serialize(mask=False) for each in messages))

    def message_received(self, message, *, text):
        self._turns.work()
        self._taker.message_received(message, text=text)

    def connection_closed(self):
        self._taker.connection_closed()


class OneConnection:
    """Lends one connection."""

    def __init__(self, connection):
        self._connection = connection

    async def acquire(self, _address, *, fresh=False):
        return self._connection

    def release(self, _address, _connection):
        pass

    def close(self, _connection, last_message=None):
        pass


def chunk(data, **values):
    return json.dumps({"type": "chunk", "data": b64encode(data).decode(), "contextId": "c", **values})


async def spoken(messages, turns, sink=None):
    """What a call gets of an utterance whose messages come at once."""
    options = RimeOptions(url="ws://127.0.0.1:1", protocol="ws3")
    spoken = RimeUtterance("c", options, OneConnection(RimeFlood(messages, turns)))
    tasks = Tasks("test")
    spoken.start(TEXT, "address", VoiceRate(), tasks)
    return [event async for event in spoken.utterance]


@fault(
    "Rime sends an utterance in thousands of chunks of one byte, or chunks of another utterance without end.",
    caller="Their prompt; others: nothing.",
    operator="Nothing.",
    kept="16 messages of one connection are read in a turn of the event loop.",
)
@pytest.mark.parametrize("foreign", [False, True])
@virtually
async def test_a_flood_of_tiny_chunks_leaves_the_others_their_turns(foreign):
    count = 4000
    tiny = [chunk(b"\xfe", contextId="other" if foreign else "c")] * count
    messages = [chunk(silence(2000)), *tiny, json.dumps({"type": "done", "contextId": "c"})]
    turns = Turns()
    events = await spoken(messages, turns)
    await asyncio.sleep(0)
    audio = b"".join(event.data for event in events)
    assert len(audio) == 16_000 + (0 if foreign else count)
    assert turns.total == count + 2
    assert turns.most <= MESSAGES_A_TURN
    await asyncio.sleep(0)


@fault(
    "Rime sends more word times than a text can have words, over and over.",
    caller="Their prompt.",
    operator="Nothing.",
    kept="Memory: word times beyond the characters of the text are dropped.",
)
@virtually
async def test_word_times_are_bounded_by_the_text():
    words = {"words": ["a"] * 50, "start": [0.1] * 50, "end": [0.2] * 50}
    times = json.dumps({"type": "timestamps", "word_timestamps": words, "contextId": "c"})
    messages = [*[times] * 1000, chunk(silence(2000)), json.dumps({"type": "done", "contextId": "c"})]
    turns = Turns()
    events = await spoken(messages, turns)
    await asyncio.sleep(0)
    kept = sum(len(event.words) for event in events if isinstance(event, Words))
    assert 0 < kept <= len(TEXT) + MOST_WORDS


@fault(
    "A call asks for a prompt that another one is having spoken, after thousands of tiny chunks of it came.",
    caller="All of it.",
    operator="Nothing.",
    kept="What waits is joined to pieces of 200 ms, and passed on in shares.",
)
@virtually
async def test_what_waits_for_a_listener_is_passed_on_in_shares():
    shared = SharedUtterance(lambda: None, lambda _: None)
    data = bytes(range(256)) * 100
    for at in range(len(data)):
        shared.put(Audio(data[at : at + 1]))
    assert len(shared.events) <= EVENTS_A_TURN + len(data) // JOINED_BYTES + 1
    received, ended = [], asyncio.Event()
    turns = Turns()

    class Sink:
        def put(self, event):
            turns.work()
            received.append(event.data)

        def end(self, error=None):
            assert error is None
            ended.set()

    shared.listen().subscribe(Sink())
    shared.end()
    await ended.wait()
    await asyncio.sleep(0)
    assert b"".join(received) == data
    assert turns.most <= EVENTS_A_TURN


@fault(
    "A listener is gone while what waited for it is passed on.",
    caller="Nothing more of it.",
    operator="Nothing.",
    kept="Nothing comes after a clear.",
)
@virtually
async def test_a_clear_in_the_middle_of_a_share_stops_it():
    utterance, received = Utterance(), []

    class Sink:
        def put(self, event):
            received.append(event.data)
            utterance.clear()

        def end(self, error=None):
            raise AssertionError

    for _ in range(40):
        utterance.put(Audio(b"x" * JOINED_BYTES))
    utterance.subscribe(Sink())
    await asyncio.sleep(1)
    assert len(received) == 1
