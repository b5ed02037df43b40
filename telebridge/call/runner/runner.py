"""Runs one call: moves events and commands into its session, performs the effects, and keeps one timer.

This is a shell: it decides nothing. Call `deliver` with an event, or `perform` with what a command of the session
returned, on the event loop's thread. Everything that follows is done before they return.

One rule: the order of effects on the wire is the order of the session's answers.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, NoReturn

from telebridge.call.flows.python.registry import PythonFlow
from telebridge.call.record import SpokenUtterance
from telebridge.call.runner.flow_tasks import FlowTasks
from telebridge.call.runner.media_line import MediaLine, StreamSocket
from telebridge.call.runner.pending_announcements import PendingAnnouncements
from telebridge.call.runner.ports import CallPorts
from telebridge.call.runner.recognitions import Recognitions
from telebridge.call.runner.speech_streams import SpeechStreams
from telebridge.call.session.checkpoint import Checkpoint, NoCheckpoints
from telebridge.call.session.effects import (
    AskJudge,
    CallEffect,
    ClearPlayback,
    ClearSpeech,
    CloseStream,
    ForwardAudio,
    ForwardTurn,
    PublishEvent,
    RecognizeAudio,
    ReleaseCall,
    ReportAnnouncement,
    ReportOutcome,
    SaveCallBack,
    SaveCheckpoint,
    SaveMessage,
    SaveOptOut,
    SaveProgress,
    StartAction,
    StartRecognition,
    StartSpeech,
    StopRecognition,
)
from telebridge.call.session.events import CallEvent, StreamLost
from telebridge.call.session.session import KEEPS_DEADLINES, CallSession
from telebridge.errors import NotLive, RemoteProtocolError
from telebridge.flows.steps import Play, Say, Transfer
from telebridge.logs import logger
from telebridge.playback.writer import SendAudio, SendMark
from telebridge.tasks import Tasks
from telebridge.timing.timer import DeadlineTimer
from telebridge.turns.barge_in import BargeInPolicy
from telebridge.twilio.media_stream import StreamStarted

log = logger(__name__)


class ForeignStream(RemoteProtocolError):
    """A stream started for another call than the one its token was issued for."""


class CallRunner:
    """One call in this process, from its webhook to its end.

    Args:
        session: Decides what follows from what.
        ports: What the call needs of its surroundings.
        on_end: Called once, when the call is over.
    """

    __slots__ = (
        "_abandoned",
        "_announcements",
        "_flow",
        "_line",
        "_loop",
        "_on_end",
        "_ports",
        "_recognitions",
        "_recording",
        "_speech",
        "_tasks",
        "_timer",
        "session",
    )

    def __init__(self, session: CallSession, ports: CallPorts, *, on_end: Callable[["CallRunner"], None]) -> None:
        self.session = session
        self._ports = ports
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        record, recorder = session.record, ports.recorder
        self._tasks = Tasks("call")
        self._line = MediaLine()
        self._speech = SpeechStreams(ports.source, record.call_sid)
        self._recognitions = Recognitions(ports.recognizer)
        self._flow = FlowTasks(ports.actions, self._tasks, session)
        self._announcements = PendingAnnouncements()
        self._recording = None if recorder is None else recorder.open(record.call_sid, now=self._loop.time())
        self._timer = DeadlineTimer(self._loop)
        self._abandoned = False

    @property
    def streaming(self) -> bool:
        """Whether the stream has started."""
        return self.session.phase.is_live

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of the flow as they are now."""
        return self.session.variables if self._flow.variables is None else self._flow.variables

    @property
    def stream_sid(self) -> str:
        """The name of the current stream; empty before it has started."""
        return self._line.stream.stream_sid

    def start(self, checkpoint: Checkpoint | None = None) -> None:
        """Begin the call, or go on where another process left it; the first prompt is fetched from here on."""
        self.perform(self.session.start(now=self._loop.time(), checkpoint=checkpoint))

    def start_python_flow(
        self, flow: PythonFlow, variables: dict[str, Any], checkpoint: Checkpoint | None = None
    ) -> None:
        """Let a Python flow lead the call that was started; it is cancelled when the call is over."""
        self._flow.lead(flow, variables, checkpoint, perform=self.perform, deliver=self.deliver)

    def announce(self, step: Say | Play) -> "asyncio.Future[SpokenUtterance]":
        """Say or play something outside the flow, once nothing else is.

        Returns:
            How it was heard, once it was; raises `NotLive` when the call ended before, and `SpeechError` when it could
            not be spoken.

        Raises:
            NotLive: The call is ending, or the caller is with somebody else.
        """
        self._require_live()
        announcement, waiting = self._announcements.open(step)
        self.perform(self.session.announce(announcement, now=self._loop.time()))
        return waiting

    def clear(self) -> bool:
        """Interrupt what is being said; returns whether there was something.

        Raises:
            NotLive: The call is ending, or the caller is with somebody else.
        """
        self._require_live()
        spoken = self.session.saying is not None
        self.perform(self.session.clear(now=self._loop.time()))
        return spoken

    def transfer(
        self, number: str, *, timeout_seconds: float, caller_id: str | None, whisper: str | None, at_once: bool = False
    ) -> None:
        """Connect the caller with another party; the flow goes on where it was when that fails.

        What was accepted by `announce` is heard before, unless it is to happen at once.

        Raises:
            NotLive: The call is ending, or its stream is not there.
        """
        self._require_live()
        if not self.session.phase.is_live:
            raise NotLive(self.session.record.call_sid, "has no media stream")
        transfer = Transfer(number, timeout_seconds, caller_id, whisper)
        self.perform(self.session.transfer(transfer, at_once=at_once, now=self._loop.time()))

    def hang_up(self, goodbye: str | None) -> None:
        """End the call, after a goodbye if one is given.

        Raises:
            NotLive: The call is ending, or the caller is with somebody else.
        """
        self._require_live()
        say = None if goodbye is None else Say(goodbye, barge_in=BargeInPolicy.NONE)
        self.perform(self.session.hang_up(say, now=self._loop.time()))

    def machine_answered(self, message_node: str | None, *, beeped: bool = False) -> None:
        """Leave the machine that answered the message of that node of the flow; hang up where there is None.

        Nothing follows when the caller has shown to be a person.

        Args:
            message_node: The node.
            beeped: Whether its beep was heard.
        """
        self.perform(self.session.machine_answered(message_node, beeped=beeped, now=self._loop.time()))

    def abandon(self) -> None:
        """Stop without any effect on the call: another process owns it."""
        self._abandoned = True
        self._timer.cancel()
        self._announcements.fail_all(NotLive(self.session.record.call_sid, "is led by another process"))
        if self._recording is not None:
            self._recording.close(now=self._loop.time())
        self._stop()

    def _require_live(self) -> None:
        if not self.session.phase.with_caller or self.session.leaving:
            reason = "is with somebody else" if self.session.phase.is_away else "is ending"
            raise NotLive(self.session.record.call_sid, reason)

    def deliver(self, event: CallEvent) -> None:
        """Take an event into the session, and perform what follows."""
        effects = self.session.handle(event, self._loop.time())
        if type(event) in KEEPS_DEADLINES:
            self._perform_each(effects)
        else:
            self.perform(effects)

    # The media stream.

    def attach(self, socket: StreamSocket) -> None:
        """Take a socket that Twilio opened; what comes over it goes to `receive_text`. A socket before it is closed."""
        if self._line.connected:
            self._line.close()
            self.deliver(StreamLost())
        self._line.attach(socket)

    def receive_text(self, message: bytes | str) -> None:
        """Take one text message of the stream.

        Raises:
            ForeignStream: The stream is of another call; it must be closed.
            RemoteProtocolError: Twilio broke the protocol; the stream goes on.
        """
        if self.receive_frame(message):
            return
        for event in self._line.stream.receive_text(message):
            if isinstance(event, StreamStarted) and event.call_sid != self.session.record.call_sid:
                raise ForeignStream("Twilio", "started the stream of another call", event.call_sid)
            if isinstance(event, StreamStarted) and self._ports.publish is not None:
                self._ports.publish("stream-started", event.call_sid, {})
            self.deliver(event)

    def receive_frame(self, message: bytes | str) -> bool:
        """Take a text message if it is a frame of the caller's audio, as 50 a second are in each call.

        Returns:
            Whether it was; every other message is for `receive_text`.
        """
        frame = self._line.stream.receive_audio(message)
        if frame is None:
            return False
        now = self._loop.time()
        if self._recording is not None:
            self._recording.add_inbound(frame.payload, now=now)
        effects = self.session.receive_media(frame, now)
        if effects is not None:  # hardly any frame has consequences
            self.perform(effects)
        return True

    def receive_binary(self, message: bytes) -> NoReturn:
        """Take a binary message: Twilio sends none.

        Raises:
            RemoteProtocolError: Always.
        """
        self._line.stream.receive_binary(message)

    def detach(self, socket: StreamSocket) -> None:
        """The socket is gone; without a `stop` before it, the call may come back."""
        if self._line.detach(socket):
            self.deliver(StreamLost())

    # Effects.

    def perform(self, effects: list[CallEffect]) -> None:
        """Perform what the session answered to an event or a command, in order, and set the timer to its deadline."""
        self._perform_each(effects)
        if not self._abandoned:
            self._timer.set(self.session.next_deadline(), self._deadline_came)

    def _perform_each(self, effects: list[CallEffect]) -> None:  # noqa: C901, PLR0912 - a line for each kind
        if self._abandoned:
            return
        for effect in effects:
            if self._recording is not None:
                self._recording.add_effect(effect, self.session.record, now=self._loop.time())
            match effect:
                case SendAudio(payload):
                    self._line.send_audio(payload)
                case SendMark(name):
                    self._line.send_mark(name)
                case ClearPlayback():
                    self._line.clear()
                case StartSpeech(utterance, say):
                    self._speech.start(utterance, say, self.deliver)
                case ClearSpeech(utterance):
                    self._speech.clear(utterance)
                case ForwardAudio(payload):
                    if self._flow.steps is not None:
                        self._flow.steps.receive_audio(payload)
                case StartRecognition() | RecognizeAudio() | StopRecognition():
                    self._recognitions.perform(effect, self.deliver)
                case AskJudge() as question:
                    if self._ports.judge is not None:
                        _ = self._tasks.start(self._ports.judge.ask(question, self.deliver))
                case ReportOutcome() | ForwardTurn():
                    self._flow.report(effect)
                case ReportAnnouncement(number, outcome):
                    self._announcements.finish(number, outcome)
                case StartAction(action):
                    self._ports.checkpoints.hasten()
                    self._flow.start_action(action, self.deliver)
                case SaveMessage(audio, mail_to):
                    files = self._ports.message_files
                    files.save_in_background(self.session.record, audio, self.deliver, mail_to=mail_to)
                case SaveCheckpoint(checkpoint):
                    self._ports.checkpoints.save(self.session.record.call_sid, checkpoint)
                case SaveProgress():
                    self._ports.checkpoints.save_later(self.session.record.call_sid, self._progress)
                case SaveOptOut():
                    if self._ports.opted_out is not None:
                        self._ports.opted_out(self.session.record)
                case SaveCallBack(call_back):
                    if self._ports.call_back is not None:
                        self._ports.call_back(self.session.record, call_back)
                case PublishEvent(kind, data):
                    if self._ports.publish is not None:
                        self._ports.publish(kind, self.session.record.call_sid, data)
                case CloseStream():
                    self._close_stream()
                case ReleaseCall():
                    self._end()

    def _progress(self) -> bytes:
        return self.session.progress(now=self._loop.time())

    def _close_stream(self) -> None:
        """Close the socket, once other processes can know where the call stands: Twilio may ask any of them next."""
        if isinstance(self._ports.checkpoints, NoCheckpoints):
            self._line.close()
        elif self._line.connected:
            flush = partial(self._ports.checkpoints.flush, self.session.record.call_sid)
            _ = self._tasks.start(self._line.close_after(flush))

    def _end(self) -> None:
        self._stop()
        self._on_end(self)

    def _stop(self) -> None:
        self._line.close()
        self._speech.clear_all()
        self._recognitions.close()
        self._flow.end()
        self._tasks.cancel()

    def _deadline_came(self) -> None:
        self.perform(self.session.handle_timeout(now=self._loop.time()))
