"""Carries one call: moves events into its session, performs the effects, and keeps one timer.

This is a shell: it decides nothing. Whoever has news calls `deliver`, on the event loop's thread; everything that
follows is done before it returns, so the order of effects on the wire is the order of the session's answers.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, NoReturn, Protocol

from telebridge.call.checkpoint import Checkpoint
from telebridge.call.effects import (
    ClearPlayback,
    ClearSpeech,
    CloseStream,
    Effect,
    EndCall,
    HandOnAudio,
    KeepCallBack,
    KeepCheckpoint,
    KeepOptOut,
    KeepRecording,
    ReportAnnouncement,
    ReportOutcome,
    StartErrand,
    StartSpeech,
    Tell,
)
from telebridge.call.events import (
    AnnouncementAsked,
    CallEvent,
    ClearAsked,
    ErrandDone,
    FlowEnded,
    HangUpAsked,
    RecordingKept,
    SpeechArrived,
    SpeechEnded,
    SpeechFailed,
    StreamLost,
    TextTaken,
    TransferAsked,
)
from telebridge.call.flight_recorder import FlightLog
from telebridge.call.outside import NoCheckpoints, Outside
from telebridge.call.python_flow import Call, PythonFlow
from telebridge.call.record import SpokenUtterance
from telebridge.call.session import CallSession
from telebridge.call.stream_watch import Phase
from telebridge.errors import NotLive, RemoteProtocolError, SpeechError, SpeechRejected, TelebridgeError
from telebridge.flows.steps import Errand, Play, Say, Transfer
from telebridge.logs import logger
from telebridge.playback.writer import SendAudio, SendMark
from telebridge.speech.source import SpeechStream
from telebridge.turns.barge_in import BargeInPolicy
from telebridge.twilio.media_stream import AudioReceived, HeardByBridge, MediaStream, Side, StreamStarted, StreamState

log = logger(__name__)


class ForeignStream(RemoteProtocolError):
    """A stream started for another call than the one its token was issued for."""


class StreamSocket(Protocol):
    """The way out of one media stream. Nothing here waits."""

    def send(self, message: bytes) -> None:
        """Queue a message for Twilio."""
        ...

    def drop_queued(self) -> None:
        """Forget the messages that have not left yet."""
        ...

    def close(self) -> None:
        """Close the socket once what is queued has left."""
        ...


class CallRunner:
    """One call in this process, from its webhook to its end.

    Args:
        session: Decides.
        outside: The world around it.
        on_end: Told once, when the call is over.
    """

    __slots__ = (
        "_abandoned",
        "_announced",
        "_announcements",
        "_errand",
        "_flight",
        "_loop",
        "_on_end",
        "_outside",
        "_python_call",
        "_rings_at",
        "_socket",
        "_speech",
        "_stream",
        "_tasks",
        "_timer",
        "_writing",
        "session",
    )

    def __init__(self, session: CallSession, outside: Outside, *, on_end: Callable[["CallRunner"], None]) -> None:
        self.session = session
        self._outside = outside
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._socket: StreamSocket | None = None
        self._stream: MediaStream[HeardByBridge] = MediaStream(Side.BRIDGE)
        self._speech: dict[str, SpeechStream] = {}
        self._python_call: Call | None = None
        self._announced: dict[int, asyncio.Future[SpokenUtterance]] = {}
        self._announcements = 0
        self._errand: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing: set[asyncio.Task[None]] = set()
        flights = outside.flights
        self._flight = None if flights is None else flights.open(session.record.call_sid, now=self._loop.time())
        self._timer: asyncio.TimerHandle | None = None
        self._abandoned = False
        self._rings_at = 0.0  # kept here, because not every event loop's timers can tell it

    @property
    def streaming(self) -> bool:
        """Whether the stream has started."""
        return self.session.phase is Phase.LIVE

    def start(self, checkpoint: Checkpoint | None = None) -> None:
        """Begin the call, or go on where another process left it; the first prompt is fetched from here on."""
        self._perform(self.session.start(now=self._loop.time(), checkpoint=checkpoint))

    def start_python_flow(
        self, flow: PythonFlow, variables: dict[str, Any], checkpoint: Checkpoint | None = None
    ) -> None:
        """Let a Python flow lead the call that was started; it is cancelled when the call is over."""
        self._python_call = Call(self.deliver, self.session.record, variables, resumed_from=checkpoint)
        _ = self._spawn(self._lead(flow, self._python_call))

    def announce(self, step: Say | Play) -> "asyncio.Future[SpokenUtterance]":
        """Say or play something beside the flow, once nothing else is.

        Returns:
            How it was heard, once it was; raises `NotLive` when the call ended before, and `SpeechError` when it could
            not be spoken.

        Raises:
            NotLive: The call is ending, or the caller is with somebody else.
        """
        self._require_live()
        self._announcements += 1
        asked = AnnouncementAsked(self._announcements, step)
        waiting: asyncio.Future[SpokenUtterance] = self._loop.create_future()
        self._announced[asked.number] = waiting
        self.deliver(asked)
        return waiting

    def clear(self) -> bool:
        """Silence what is being said; whether there was something.

        Raises:
            NotLive: The call is ending, or the caller is with somebody else.
        """
        self._require_live()
        spoken = self.session.saying is not None
        self.deliver(ClearAsked())
        return spoken

    def transfer(self, number: str, *, timeout_seconds: float, caller_id: str | None, whisper: str | None) -> None:
        """Connect the caller with somebody else; the flow goes on where it was when that fails.

        Raises:
            NotLive: The call is ending, or its stream is not there.
        """
        self._require_live()
        if self.session.phase is not Phase.LIVE:
            raise NotLive(self.session.record.call_sid, "has no media stream")
        self.deliver(TransferAsked(Transfer(number, timeout_seconds, caller_id, whisper)))

    def hang_up(self, goodbye: str | None) -> None:
        """End the call, after a last word where there is one.

        Raises:
            NotLive: The call is ending, or the caller is with somebody else.
        """
        self._require_live()
        self.deliver(HangUpAsked(None if goodbye is None else Say(goodbye, barge_in=BargeInPolicy.NONE)))

    def abandon(self) -> None:
        """Another process leads the call: stop, and tell nobody."""
        self._abandoned = True
        if self._timer is not None:
            self._timer.cancel()
        for number in list(self._announced):
            self._announcement_over(number, NotLive(self.session.record.call_sid, "is led by another process"))
        if self._flight is not None:
            self._flight.close(now=self._loop.time())
        self._stop()

    def _require_live(self) -> None:
        if self.session.phase not in (Phase.WAITING, Phase.LIVE) or self.session.leaving:
            reason = "is with somebody else" if self.session.phase is Phase.AWAY else "is ending"
            raise NotLive(self.session.record.call_sid, reason)

    def deliver(self, event: CallEvent) -> None:
        """Something happened: do what follows."""
        self._perform(self.session.handle(event, now=self._loop.time()))

    # The media stream.

    def attach(self, socket: StreamSocket) -> None:
        """Take a socket that Twilio opened; what comes over it goes to `receive`. A socket before it is closed."""
        if self._socket is not None:
            self._socket.close()
            self.deliver(StreamLost())
        self._socket = socket
        self._stream = MediaStream(Side.BRIDGE)

    def receive(self, message: bytes | str) -> None:
        """Take one text message of the stream.

        Raises:
            ForeignStream: The stream is of another call; it must be closed.
            RemoteProtocolError: Twilio broke the protocol; the stream goes on.
        """
        for event in self._stream.receive_text(message):
            if type(event) is AudioReceived:  # 50 a second, of which hardly any has consequences
                if self._flight is not None:
                    self._flight.heard(event.payload, now=self._loop.time())
                effects = self.session.hear(event, now=self._loop.time())
                if effects is not None:
                    self._perform(effects)
                continue
            if isinstance(event, StreamStarted) and event.call_sid != self.session.record.call_sid:
                raise ForeignStream("Twilio", "started the stream of another call", event.call_sid)
            self.deliver(event)

    def receive_binary(self, message: bytes) -> NoReturn:
        """Take a binary message: Twilio sends none.

        Raises:
            RemoteProtocolError: Always.
        """
        self._stream.receive_binary(message)

    def detach(self, socket: StreamSocket) -> None:
        """The socket is gone; without a `stop` before it, the call may come back."""
        if self._socket is socket:
            self._socket = None
            self.deliver(StreamLost())

    # Effects.

    def _perform(self, effects: list[Effect]) -> None:  # noqa: C901, PLR0912 - a line for each kind
        if self._abandoned:
            return
        for effect in effects:
            if self._flight is not None:
                self._fly(self._flight, effect)
            match effect:
                case SendAudio(payload):
                    self._send(self._stream.send_media(payload))
                case SendMark(name):
                    self._send(self._stream.send_mark(name))
                case ClearPlayback():
                    self._clear_playback()
                case StartSpeech(utterance, say):
                    self._start_speech(utterance, say)
                case ClearSpeech(utterance):
                    if (stream := self._speech.pop(utterance, None)) is not None:
                        stream.clear()
                case HandOnAudio(payload):
                    if self._python_call is not None:
                        self._python_call.hear(payload)
                case ReportOutcome(outcome):
                    if self._python_call is not None:
                        self._python_call.report(outcome)
                case ReportAnnouncement(number, outcome):
                    self._announcement_over(number, outcome)
                case StartErrand(errand):
                    self._start_errand(errand)
                case KeepRecording(audio):
                    self._keep_recording(audio)
                case KeepCheckpoint(checkpoint):
                    self._outside.checkpoints.keep(self.session.record.call_sid, checkpoint)
                case KeepOptOut():
                    self._outside.opted_out(self.session.record)
                case KeepCallBack(call_back):
                    self._outside.call_back(self.session.record, call_back)
                case Tell(kind, data):
                    self._outside.watch(kind, self.session.record.call_sid, data)
                case CloseStream():
                    self._close_stream()
                case EndCall():
                    self._end()
        self._arm_timer()

    def _fly(self, flight: FlightLog, effect: Effect) -> None:
        """Enter what is done in the flight recorder."""
        now = self._loop.time()
        match effect:
            case SendAudio(payload):
                flight.sent(payload, now=now)
            case ClearPlayback():
                flight.cleared(now=now)
            case Tell(kind, data):
                flight.note(kind, data, now=now)
            case StartSpeech(utterance, say):
                flight.note("speak", {"utterance": utterance, "text": say.text}, now=now)
            case CloseStream():
                flight.note("close-stream", {}, now=now)
            case EndCall():
                flight.note("end", self.session.record.as_json(), now=now)
                flight.close(now=now)
            case _:
                pass

    def _send(self, message: bytes) -> None:
        if self._socket is not None:
            self._socket.send(message)

    def _clear_playback(self) -> None:
        if self._socket is not None and self._stream.state is StreamState.STREAMING:
            self._socket.drop_queued()
            self._socket.send(self._stream.send_clear())

    def _start_speech(self, utterance: str, say: Say) -> None:
        text = say.text if isinstance(say.text, str) else self._told(utterance, say.text)
        stream = self._outside.source.speak(text, voice=say.voice)
        self._speech[utterance] = stream
        _ = self._spawn(self._listen(utterance, stream))

    async def _listen(self, utterance: str, stream: SpeechStream) -> None:
        """Hand on what the source makes, until it has made all."""
        try:
            async for event in stream:
                self.deliver(SpeechArrived(utterance, event))
        except SpeechError as error:
            log.warning("speech failed", call_sid=self.session.record.call_sid, utterance=utterance, error=str(error))
            self.deliver(SpeechFailed(utterance, error))
        except Exception as error:  # the top of a task: a fault of ours must not leave the caller in silence
            log.exception("speech broke off", call_sid=self.session.record.call_sid, utterance=utterance)
            self.deliver(SpeechFailed(utterance, SpeechRejected(f"{type(error).__name__}: {error}")))
        else:
            self.deliver(SpeechEnded(utterance))
        finally:
            self._speech.pop(utterance, None)

    async def _told(self, utterance: str, tokens: AsyncIterable[str]) -> AsyncIterator[str]:
        """Pass the tokens of a streamed text on, telling the session each."""
        async for token in tokens:
            self.deliver(TextTaken(utterance, token))
            yield token

    def _announcement_over(self, number: int, outcome: SpokenUtterance | TelebridgeError) -> None:
        waiting = self._announced.pop(number)
        if waiting.done():  # nobody waits any more
            return
        if isinstance(outcome, TelebridgeError):
            waiting.set_exception(outcome)
            waiting.exception()  # whoever did not wait for it need not be told
        else:
            waiting.set_result(outcome)

    def _start_errand(self, errand: Errand) -> None:
        if self._errand is not None:
            self._errand.cancel()
        self._errand = self._spawn(self._do(errand))

    async def _do(self, errand: Errand) -> None:
        self.deliver(ErrandDone(await self._outside.errands.do(errand)))

    def _keep_recording(self, audio: bytes) -> None:
        record = self.session.record
        file = self._outside.recordings.file(record.call_sid, len(record.recordings) + 1)
        record.recordings.append(str(file))
        writing = self._loop.create_task(self._write_recording(file, audio))
        self._writing.add(writing)  # not among the call's tasks: it outlives the call
        writing.add_done_callback(self._writing.discard)

    async def _write_recording(self, file: Path, audio: bytes) -> None:
        try:
            await asyncio.to_thread(self._outside.recordings.keep, file, audio)
        except OSError as error:
            log.error("recording lost", call_sid=self.session.record.call_sid, file=str(file), error=str(error))
            self.deliver(RecordingKept(None))
        else:
            self.deliver(RecordingKept(str(file)))

    async def _lead(self, flow: PythonFlow, call: Call) -> None:
        """Run a Python flow to its end; what it raises ends this call and no other."""
        try:
            await flow(call)
        except SpeechError as error:
            self.deliver(FlowEnded(f"speech failed: {error}"))
        except Exception as error:  # the top of a task that runs a user's code
            log.exception("flow failed", call_sid=call.sid, flow=self.session.record.flow)
            self.deliver(FlowEnded(f"flow failed: {type(error).__name__}: {error}"))
        else:
            self.deliver(FlowEnded())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _close_stream(self) -> None:
        """Close the socket, once other processes can know where the call stands: Twilio may ask any of them next."""
        if self._socket is None:
            return
        if isinstance(self._outside.checkpoints, NoCheckpoints):
            self._socket.close()
        else:
            _ = self._spawn(self._close_when_kept(self._socket))

    async def _close_when_kept(self, socket: StreamSocket) -> None:
        await self._outside.checkpoints.flush(self.session.record.call_sid)
        socket.close()

    def _end(self) -> None:
        self._stop()
        self._on_end(self)

    def _stop(self) -> None:
        if self._socket is not None:
            self._socket.close()
        for stream in self._speech.values():
            stream.clear()
        self._speech.clear()
        if self._python_call is not None:
            self._python_call.end()
        for task in self._tasks:
            if task is not asyncio.current_task():
                task.cancel()

    # The timer.

    def _arm_timer(self) -> None:
        """One timer for the earliest deadline; one that rings too early does no harm and is left alone."""
        deadline = self.session.next_deadline()
        if self._timer is not None:
            if deadline is not None and self._rings_at <= deadline:
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None:
            self._rings_at = deadline
            self._timer = self._loop.call_at(deadline, self._timer_rang)

    def _timer_rang(self) -> None:
        self._timer = None
        self._perform(self.session.handle_timeout(now=self._loop.time()))
