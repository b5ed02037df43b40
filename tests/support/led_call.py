"""A whole call without an event loop, for Hypothesis to lead: Twilio, Rime, the owner's API and the flow in any order.

The session, the ledger, the client's requests and the protocols of both ends are the product's own: Rime's end and
Twilio's are the same protocol machines turned round. Every utterance has a byte of its own, so that what goes out, and
what is heard, tells which utterance it is of. What the shells decide (`server/twilio/voice.py`,
`call/runner/runner.py`) is repeated here in a line each.
"""

from datetime import UTC, datetime

import msgspec
import yaml

from support.callers import ToldDetector
from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.call.record import CallRecord
from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.effects import (
    AskJudge,
    ClearPlayback,
    ClearSpeech,
    CloseStream,
    PublishEvent,
    RecognizeAudio,
    ReleaseCall,
    ReportAnnouncement,
    ReportOutcome,
    SaveCheckpoint,
    SaveMessage,
    SaveProgress,
    StartAction,
    StartRecognition,
    StartSpeech,
    StopRecognition,
)
from telebridge.call.session.events import (
    SpeechArrived,
    SpeechEnded,
    SpeechFailed,
    StreamLost,
    StreamRequested,
    TransferBegun,
)
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.call.session.stream_phase import Phase
from telebridge.call.session.words.options import FloorOptions, WordOptions
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import Flow
from telebridge.flows.steps import Collect, HangUp, Record, Request, Run, Say, Transfer, Wait, WordRules
from telebridge.playback.writer import SendAudio, SendMark
from telebridge.rime.messages import Side as RimeSide
from telebridge.rime.parameters import RimeOptions, speech_parameters
from telebridge.rime.plain import PlainConnection
from telebridge.rime.structured import Edition, StructuredConnection
from telebridge.rime.utterance import CutOff, RimeUtterance
from telebridge.simulator.media.playout import PlayoutBuffer
from telebridge.speech.speaking_time import VoiceRate
from telebridge.turns.barge_in import BargeInPolicy
from telebridge.turns.voice_activity import VoiceActivityOptions
from telebridge.twilio.media_stream import (
    AudioQueued,
    AudioReceived,
    MarkQueued,
    MediaStream,
    PlaybackCleared,
    Side,
    StreamState,
)

TAGS = 200
FIRST_TAG = 0x20
MOST_DEADLINES = 4000
"""Of a session's in one wait; one that asks for more turns in circles."""
LONGEST_CALL_SECONDS = 26 * 3600
TEXT = "Hello there, one hundred people."
WORDS = ["Hello", "there", "one", "hundred", "people"]
OPTIONS = {
    protocol: RimeOptions(
        url="ws://rime", protocol=protocol, parameters=speech_parameters({"model": model, "speaker": "astra"})
    )
    for protocol, model in (("ws", "arcana"), ("ws2", "mistv2"), ("ws3", "arcana"))
}
FLOW = """
flow: any
start: welcome
nodes:
  welcome: {say: Hello there., then: ask}
  ask:
    menu: "Press one, two or three."
    choices:
      1: {then: number, say: [number, one]}
      2: {then: message, say: [message]}
      3: {then: look, say: [look]}
      4: {then: over, say: [person, four]}
      9: {then: bye, say: [goodbye]}
    confirm: {below: 0.7, say: "{{ heard }}?"}
    no_input: {after: 2s, say: "Still there?", reprompt: 1, then: message}
    no_match: {say: No., reprompt: 1, then: bye}
  number: {collect: "Your number?", digits: {min: 2, max: 3}, accept: any, into: number, then: why}
  why: {listen: "Why do you call?", into: reason, no_input: {after: 2s, then: look}, then: look}
  message: {record: Say something., beep: false, longest: 4s, silence: 1s, then: ask}
  look: {request: {url: "https://example.com/{{ number | default(0) }}"}, then: work, failed: over}
  work: {run: work, then: ask, failed: bye}
  over: {transfer: "+15551230000", then: bye, failed: ask}
  bye: {hang_up: Goodbye.}
"""
ANY_FLOW = Flow.model_validate(yaml.safe_load(FLOW))
NODES = sorted(ANY_FLOW.nodes)
STEPS = [
    Say(TEXT),
    Say(TEXT, barge_in=BargeInPolicy.NONE),
    Say(" "),
    Collect(Say(TEXT)),
    Collect(),
    Collect(Say(TEXT), words=WordRules(choices={"1": ("one", "yes"), "2": ("no",)})),
    Collect(words=WordRules(free=True, silence_seconds=0.5, longest_seconds=3.0)),
    Record(Say(TEXT), beep=False, longest_seconds=3.0, silence_seconds=1.0),
    Record(beep=False),
    Wait(0.5),
    Request("GET", "https://example.com"),
    Run("work", {}),
    Transfer("+15551230000"),
    HangUp(),
]
OFTEN = [Say(TEXT)] * 6


class Sockets:
    """Hands out connections to Rime that are only their names."""

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


class NoTimeout:
    """Time-outs of Rime's audio need an event loop; `Call.rime_ends` fails requests instead."""

    def receive(self, size):
        pass


class RimeRequest:
    """One utterance at the client, and at Rime, which speaks it as long as it likes."""

    def __init__(self, name, text, tag, protocol, sockets):
        self.name, self.text, self.tag = name, text, tag
        self.spoken = RimeUtterance(name, OPTIONS[protocol], sockets)
        self.socket = self.spoken._connection = sockets.acquire()
        self.spoken._rate = VoiceRate()
        self.spoken._most_bytes = OPTIONS[protocol].most_audio * self.spoken._rate.most_ms(text) * BYTES_PER_MS
        self.spoken._timeout = NoTimeout()
        if text.strip():
            self.spoken._request(text)
        self.done = False
        if protocol == "ws":
            self.rime = PlainConnection(RimeSide.RIME)
        else:
            self.rime = StructuredConnection(RimeSide.RIME, Edition(protocol))

    def chunk(self, size):
        data = bytes([self.tag]) * size
        return data if isinstance(self.rime, PlainConnection) else self.rime.send_chunk(data, self.name)

    def times(self, count):
        starts = [0.3 * at for at in range(count)]
        return self.rime.send_timestamps(WORDS[:count], starts, [start + 0.3 for start in starts], self.name)


class LedCall:
    """One call, and what the shells and the other ends do of themselves. `count` notes what happened."""

    protocol = "ws"
    judged = "sound"
    """What decides whether the caller takes the floor: `sound`, `words`, or the caller's `own` judge."""
    hears = True
    """Whether the recognizer is there."""

    def forget(self):
        """Nothing has happened yet."""
        self.begun, self.numbers = 0, 0
        self.sockets, self.requests, self.current = Sockets(), {}, None
        self.playout, self.cut_at, self.stale, self.marks = PlayoutBuffer(), 0, set(), []
        self.bridge, self.twilio, self.former, self.frames = MediaStream(Side.BRIDGE), None, [], 0
        self.connected = self.closing = self.released = self.saying = False
        self.announced, self.reported = set(), set()
        self.actions = self.messages = 0
        self.heard, self.questions = {}, []  # the utterances of each recognition, and the judge's open questions
        self.kept = self.leads = None

    def lead(self, checkpoint):
        """Begin the call in a process, or in another one from its checkpoint on."""
        activity = VoiceActivityOptions(silence_ms=100)
        floor = FloorOptions(own_judge=True) if self.judged == "own" else FloorOptions()
        words = WordOptions(lambda: self.hears, floor=None if self.judged == "sound" else floor)
        listening = ListeningOptions(detector=ToldDetector, voice_activity=activity)
        options = SessionOptions(listening=listening, words=words)
        record = CallRecord("CA1", "test", "+1", "+2", "inbound", datetime.now(UTC))
        interpreter = FlowInterpreter(ANY_FLOW, {}) if self.leads == "file" else None
        self.session = CallSession(interpreter, record, options)
        self.perform(self.session.start(now=self.now, checkpoint=checkpoint))

    def count(self, happened):
        self.reached[happened] += 1

    def tell(self, event):
        self.count(type(event).__name__)
        self.perform(self.session.handle(event, now=self.now))

    def perform(self, effects):  # noqa: C901, PLR0912 - a line for each kind
        assert not (effects and self.released), f"{effects} after the call was released"
        for effect in effects or []:
            self.count(type(effect).__name__)
            match effect:
                case StartSpeech(name, say):
                    self.speech_starts(name, say.text)
                case SendAudio(payload):
                    assert set(payload) == {self.current.tag}, "only what is being said goes out"
                    self.send(self.bridge.send_media(payload))
                case SendMark(name):
                    self.send(self.bridge.send_mark(name))
                case ClearPlayback():
                    if self.connected and self.bridge.state is StreamState.STREAMING:
                        self.send(self.bridge.send_clear())
                case ClearSpeech(name):
                    self.stale.add(self.requests[name].tag)
                    self.requests[name].spoken.utterance.clear()
                    self.cut_at = self.playout.heard_bytes(now=self.now)
                case ReportOutcome():
                    self.saying = False
                case ReportAnnouncement(number):
                    assert number not in self.reported, "an announcement is reported once"
                    self.reported.add(number)
                case StartAction():
                    self.actions += 1
                case SaveMessage():
                    self.messages += 1
                case StartRecognition(number):
                    assert number not in self.heard, "each recognition has a number of its own"
                    self.heard[number] = 0
                case RecognizeAudio(number, _, begins):
                    assert self.heard[number] or begins, "an utterance begins before it goes on"
                    self.heard[number] += begins
                case StopRecognition(number):
                    assert number in self.heard, "what is stopped was started"
                case AskJudge(number):
                    self.questions.append(number)
                case SaveCheckpoint(checkpoint):
                    self.kept = Checkpoint.decode(checkpoint)
                case SaveProgress():
                    self.kept = Checkpoint.decode(self.session.progress(now=self.now))
                case PublishEvent(_, data):
                    msgspec.json.encode(data)
                case CloseStream():
                    self.closing = True
                    self.stream_is_over()
                case ReleaseCall():
                    self.released = True

    def speech_starts(self, name, text):
        self.begun += 1
        tag = FIRST_TAG + self.begun % TAGS
        self.current = self.requests[name] = RimeRequest(name, text, tag, self.protocol, self.sockets)
        self.stale.discard(tag)

    def send(self, message):
        """Twilio receives what the bridge sent, unless its socket is gone."""
        if not self.connected or self.twilio is None:
            return
        for event in self.twilio.receive_text(message):
            match event:
                case AudioQueued(payload):
                    self.playout.queue_audio(payload, now=self.now)
                case MarkQueued(name):
                    self.marks += self.playout.queue_mark(name, now=self.now)
                case PlaybackCleared():
                    self.marks += self.playout.clear(now=self.now)

    def receive(self, message):
        """The bridge receives a message of the stream."""
        for event in self.bridge.receive_text(message):
            if isinstance(event, AudioReceived):
                self.count("AudioReceived")
                self.perform(self.session.receive_media(event, now=self.now))
            else:
                self.tell(event)

    @property
    def streaming(self):
        return self.connected and self.twilio is not None and self.twilio.state is StreamState.STREAMING

    @property
    def commanded(self):
        """Whether the API takes commands for the call."""
        return self.session.phase.with_caller and not self.session.leaving

    def stream_opens(self):
        if self.connected:
            self.socket_is_gone()
        self.bridge, self.twilio, self.connected = MediaStream(Side.BRIDGE), MediaStream(Side.TWILIO), True
        self.closing = False
        self.stream_is_over()
        self.frames = 0
        self.receive(self.twilio.send_connected())

    def stream_is_over(self):
        """Twilio plays no more of what it had queued."""
        self.playout, self.cut_at, self.marks = PlayoutBuffer(), 0, []

    def socket_is_gone(self):
        """It broke, or was closed after `stop` or by us: the runner cannot know which."""
        self.connected = False
        self.former.append(self.twilio)
        self.stream_is_over()
        self.tell(StreamLost())

    def deadlines(self, until):
        for _ in range(MOST_DEADLINES):
            due = self.session.next_deadline()
            if due is None or due > until:
                self.now = max(self.now, until)
                return
            self.now = max(self.now, due)
            self.perform(self.session.handle_timeout(now=self.now))
        raise AssertionError("the session's deadlines turn in circles")

    def next_step(self):
        if self.session.phase in (Phase.WAITING, Phase.HELD):
            self.tell(StreamRequested())
        elif self.session.phase is Phase.AWAY and self.session.transfer_target is not None:
            self.tell(TransferBegun())

    def rime_sends(self, request, message):
        for listener in [each for each in self.requests.values() if each.socket == request.socket]:
            if self.protocol == "ws" and listener is not request:
                continue  # a plain socket has one request in its life
            if listener.done or listener.spoken.utterance.over:
                continue  # it no longer reads
            wire = listener.spoken._wire
            event = wire.receive_binary(message) if isinstance(message, bytes) else wire.receive_text(message)
            if isinstance(listener.spoken._receive(event, listener.socket), CutOff):
                self.count("too much audio")
                self.request_ends(listener, CutOff())
            self.deliver(listener)

    def request_ends(self, request, end):
        request.spoken._judge(request.text, end)
        self.count("spoken")
        request.done = True
        request.spoken._pass_on(request.spoken._container_check.finish())
        request.spoken.utterance.end()
        self.deliver(request)
        self.tell(SpeechEnded(request.name))

    def request_fails(self, request, error):
        """No provider is left for the rest of it."""
        self.count(type(error).__name__)
        request.done = True
        request.spoken.utterance.end(error)
        self.deliver(request)
        self.tell(SpeechFailed(request.name, error))

    def deliver(self, request):
        """Hand on what the client lets through."""
        for event in list(request.spoken.utterance._events):
            self.tell(SpeechArrived(request.name, event))
        request.spoken.utterance._events.clear()

    def ended(self):
        assert self.released
        assert self.session.phase is Phase.OVER
        assert self.announced <= self.reported, "each announcement has a report"
        msgspec.json.encode(self.session.record.as_json())
