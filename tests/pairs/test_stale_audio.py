"""After a cut nothing of the old utterance is heard, whatever Rime still sends, in whatever order and pieces.

The session, the ledger, the client's requests and both Rime protocols, driven without an event loop; Rime's end is the
same protocol machine turned round, and never stops talking. Every utterance has a byte of its own.
"""

from datetime import UTC, datetime

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.callers import QUIET, SPEECH, ToldDetector

from telebridge.call.record import CallRecord
from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.effects import (
    ClearPlayback,
    ClearSpeech,
    ReportOutcome,
    StartSpeech,
)
from telebridge.call.session.events import (
    SpeechArrived,
    SpeechEnded,
)
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.flows.steps import Say
from telebridge.playback.writer import SendAudio, SendMark
from telebridge.rime.messages import Side
from telebridge.rime.parameters import RimeOptions, speech_parameters
from telebridge.rime.plain import PlainConnection
from telebridge.rime.structured import Edition, StructuredConnection
from telebridge.rime.utterance import RimeUtterance
from telebridge.simulator.media.playout import PlayoutBuffer
from telebridge.speech.source import Audio
from telebridge.turns.voice_activity import VoiceActivityOptions
from telebridge.twilio.media_stream import AudioReceived, DigitPressed, MarkReturned, StreamStarted

TAGS = 200
FIRST_TAG = 0x20


class Sockets:
    """Hands out connections that are only their names."""

    def __init__(self):
        self.made = 0
        self.idle = []
        self.closed = set()

    def acquire(self):
        if self.idle:
            return self.idle.pop()
        self.made += 1
        return self.made

    def release(self, _address, connection):
        self.idle.append(connection)

    def close(self, connection, last_message=None):
        self.closed.add(connection)


class Request:
    """One utterance at the client, and at Rime, which speaks it as long as it likes."""

    def __init__(self, name, tag, protocol, sockets):
        self.name, self.tag = name, tag
        self.spoken = RimeUtterance(name, OPTIONS[protocol], sockets)
        self.socket = self.spoken._connection = sockets.acquire()
        self.spoken._request("Hello.")
        self.done = False
        if protocol == "ws":
            self.rime = PlainConnection(Side.RIME)
        else:
            self.rime = StructuredConnection(Side.RIME, Edition(protocol))

    def chunk(self, size):
        data = bytes([self.tag]) * size
        if isinstance(self.rime, PlainConnection):
            return data
        return self.rime.send_chunk(data, self.name)


OPTIONS = {
    protocol: RimeOptions(
        url="ws://rime", protocol=protocol, parameters=speech_parameters({"model": model, "speaker": "astra"})
    )
    for protocol, model in (("ws", "arcana"), ("ws2", "mistv2"), ("ws3", "arcana"))
}


class Call(RuleBasedStateMachine):
    protocol = "ws"

    def __init__(self):
        super().__init__()
        options = SessionOptions(
            listening=ListeningOptions(detector=ToldDetector, voice_activity=VoiceActivityOptions(silence_ms=100))
        )
        record = CallRecord("CA1", "test", "+1", "+2", "inbound", datetime.now(UTC))
        self.session = CallSession(None, record, options)
        self.now, self.frames, self.begun = 0.0, 0, 0
        self.sockets, self.requests, self.current = Sockets(), {}, None
        self.playout, self.cut_at, self.stale = PlayoutBuffer(), 0, set()
        self.marks = []
        self.saying = False
        self.session.start(now=0.0)
        self.tell(StreamStarted("MZ1", "CA1", "AC1", {}))

    def tell(self, event):
        self.perform(self.session.handle(event, now=self.now))

    def perform(self, effects):
        for effect in effects or []:
            match effect:
                case StartSpeech(name, _):
                    self.begun += 1
                    self.current = self.requests[name] = Request(
                        name, FIRST_TAG + self.begun % TAGS, self.protocol, self.sockets
                    )
                    self.stale.discard(self.current.tag)
                case SendAudio(payload):
                    assert set(payload) == {self.current.tag}, "only what is being said goes out"
                    self.playout.queue_audio(payload, now=self.now)
                case SendMark(name):
                    self.returned(self.playout.queue_mark(name, now=self.now))
                case ClearPlayback():
                    self.returned(self.playout.clear(now=self.now))
                case ClearSpeech(name):
                    self.stale.add(self.requests[name].tag)
                    self.requests[name].spoken.utterance.clear()
                    self.cut_at = self.playout.heard_bytes(now=self.now)
                case ReportOutcome():
                    self.saying = False

    def returned(self, names):
        self.marks += names

    def deliver(self, request):
        """Hand on what the client lets through."""
        for event in list(request.spoken.utterance._events):
            self.tell(SpeechArrived(request.name, event))
        request.spoken.utterance._events.clear()

    @precondition(lambda self: not self.saying)
    @rule()
    def say(self):
        self.saying = True
        self.perform(self.session.perform_step(Say("Hello."), now=self.now))

    @precondition(lambda self: self.requests)
    @rule(data=st.data(), size=st.integers(min_value=1, max_value=4000))
    def rime_speaks(self, data, size):
        """Audio of any utterance ever asked for comes over its socket, and whoever listens there gets it."""
        names = list(self.requests)[-6:]
        request = self.requests[data.draw(st.sampled_from(names))]
        message = request.chunk(size)
        for listener in [each for each in self.requests.values() if each.socket == request.socket]:
            if self.protocol == "ws" and listener is not request:
                continue  # a plain socket has one request in its life
            if listener.done:
                continue  # it no longer reads
            wire = listener.spoken._wire
            event = wire.receive_binary(message) if isinstance(message, bytes) else wire.receive_text(message)
            listener.spoken._receive(event, listener.socket)
            self.deliver(listener)

    @precondition(lambda self: self.current is not None and not self.current.done)
    @rule()
    def rime_is_done(self):
        request = self.current
        request.done = True
        if request.spoken.utterance.over:
            return
        if self.protocol != "ws":
            request.spoken._receive(
                request.spoken._wire.receive_text(request.rime.send_done(request.name)), request.socket
            )
        request.spoken._pass_on(request.spoken._container_check.finish())
        request.spoken.utterance.end()
        self.deliver(request)
        self.tell(SpeechEnded(request.name))

    @rule(frame=st.sampled_from([QUIET, QUIET, SPEECH]), count=st.integers(min_value=1, max_value=25))
    def caller(self, frame, count):
        for _ in range(count):
            self.now += 0.02
            self.perform(self.session.receive_media(AudioReceived(frame, self.frames * 20), now=self.now))
            self.frames += 1
            self.returned(self.playout.handle_timeout(now=self.now))

    @rule()
    def marks_come_back(self):
        marks, self.marks = self.marks, []
        for name in marks:
            self.tell(MarkReturned(name))

    @rule(key=st.sampled_from("12#"))
    def key(self, key):
        self.tell(DigitPressed(key))

    @rule()
    def api(self):
        self.perform(self.session.clear(now=self.now))

    @rule(seconds=st.floats(min_value=0.001, max_value=0.4))
    def wait(self, seconds):
        self.now += seconds
        self.returned(self.playout.handle_timeout(now=self.now))

    @invariant()
    def nothing_stale_is_heard_or_will_be(self):
        queued = b"".join(bytes(run.audio[max(0, self.cut_at - run.first) :]) for run in self.playout._runs)
        assert not self.stale & set(queued[-20_000:])


def machine_of(protocol):
    """A hundred thousand steps in the three of them."""
    case = type(f"CallOver{protocol}", (Call,), {"protocol": protocol}).TestCase
    case.settings = settings(max_examples=700, stateful_step_count=50, deadline=None)
    case.pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
    return case


TestPlain = machine_of("ws")
TestOlderJson = machine_of("ws2")
TestJson = machine_of("ws3")


def test_the_machine_would_notice_a_stale_byte():
    call = Call()
    call.say()
    call.requests["u1"].spoken.utterance.put(Audio(bytes([call.current.tag]) * 800))
    call.deliver(call.current)
    call.key("1")
    call.playout.queue_audio(bytes([call.requests["u1"].tag]) * 10, now=call.now)
    with pytest.raises(AssertionError):
        call.nothing_stale_is_heard_or_will_be()
