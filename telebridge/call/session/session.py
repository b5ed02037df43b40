"""One phone call: what follows from each event and each command, as effects that the runner performs.

`CallSession` routes what happens and what is wanted to three parts: `PhaseMachine` knows where the media stream is,
`FullDuplex` has the audio both ways, and `FlowDriver` performs the flow. Every answer is a list of effects, to be
performed in order.

One rule: nothing follows from anything once the call is over.
"""

from dataclasses import dataclass, field
from typing import Any

from telebridge.audio.mulaw import FRAME_MS, silence
from telebridge.call.flows.transfers import MayTransfer, anywhere
from telebridge.call.record import CallRecord
from telebridge.call.session.announcements import Announcement
from telebridge.call.session.audio.full_duplex import NO_ACTIVITY, FullDuplex
from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.effects import CallEffect, CloseStream, ReportAnnouncement
from telebridge.call.session.events import (
    ActionDone,
    CallEvent,
    CallOver,
    FlowEnded,
    MessageSaved,
    SpeechArrived,
    SpeechEnded,
    SpeechFailed,
    StreamLost,
    StreamRequested,
    TextTaken,
    TransferBegun,
    TransferEnded,
)
from telebridge.call.session.flow_driver import FlowDriver
from telebridge.call.session.preferences import CallerPreferences
from telebridge.call.session.stream_phase import Phase, PhaseInput, PhaseMachine
from telebridge.deadlines import earliest
from telebridge.errors import NotLive
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.steps import CallBack, Say, Step, Transfer
from telebridge.playback.writer import PlaybackOptions, SendAudio
from telebridge.turns.barge_in import BargeInCause
from telebridge.twilio.media_stream import (
    AudioReceived,
    DigitPressed,
    MarkReturned,
    StreamStarted,
    StreamStopped,
)

KEEPS_DEADLINES: frozenset[type[CallEvent]] = frozenset({SpeechArrived})
"""Events after which `next_deadline` is what it was before, so that nobody need ask for it.

Audio that arrives is sent or kept. Only the final mark of an utterance has a deadline, and `SpeechEnded` sends that.
"""
HUNG_UP = "caller hung up"
MISSING_SECONDS = 1.0
"""After so long without a frame media counts as missing."""
FILL_SECONDS = 0.2
"""So much silence is filled in at a time."""
FRAME_OF_SILENCE = silence(FRAME_MS)


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a call waits.

    Args:
        stream_wait_seconds: How long to wait for the stream, at the start and after it was lost.
        media_timeout_seconds: Twilio sends 50 messages a second, in silence too; a stream with no sign of life,
            media, mark or key, for so long is dead.
        close_seconds: How long to wait for the end of a stream that we closed.
        held_seconds: How long a call whose stream Twilio stopped may be brought back, unless Twilio reports its end.
        playback: How audio is cut into messages.
        listening: How the caller is listened to.
        clean_streams: Whether streamed texts of Python flows are cleaned of markup.
        may_transfer: Whether the flow may transfer the call to a number or address.
    """

    stream_wait_seconds: float = 30.0
    media_timeout_seconds: float = 10.0
    close_seconds: float = 10.0
    held_seconds: float = 60.0
    playback: PlaybackOptions = field(default_factory=PlaybackOptions)
    listening: ListeningOptions = field(default_factory=ListeningOptions)
    clean_streams: bool = True
    may_transfer: MayTransfer = anywhere


class CallSession:
    """A call from its webhook to its end.

    Call `start` once, then the methods as things happen; perform what each returns, and call `handle_timeout` when
    `next_deadline` says so.

    Args:
        flow: The flow file that leads the call; None when a Python flow does, which calls `perform_step`.
        record: Filled as the call goes on.
        options: How the call waits.

    Attributes:
        clean_streams: Whether streamed texts of Python flows are cleaned of markup.
    """

    __slots__ = (
        "_began_at",
        "_driver",
        "_duplex",
        "_filled_to",
        "_phases",
        "_preferences",
        "_speaking",
        "clean_streams",
        "record",
    )

    def __init__(self, flow: FlowInterpreter | None, record: CallRecord, options: SessionOptions) -> None:
        self.record = record
        self.clean_streams = options.clean_streams
        self._began_at = 0.0
        self._filled_to = 0.0  # until when silence took the place of media that is missing
        self._phases = PhaseMachine(
            wait_seconds=options.stream_wait_seconds,
            silent_seconds=options.media_timeout_seconds,
            close_seconds=options.close_seconds,
            held_seconds=options.held_seconds,
        )
        self._duplex = FullDuplex(record, options.playback, options.listening)
        self._speaking = self._duplex.speaking
        self._preferences = CallerPreferences(record)
        self._driver = FlowDriver(flow, record, self._duplex, self._phases, self._preferences, options.may_transfer)
        if flow is not None:
            record.path = flow.path

    @property
    def phase(self) -> Phase:
        """Where the call and its stream are."""
        return self._phases.phase

    @property
    def leaving(self) -> bool:
        """Whether a goodbye is being said, after which nothing else will be."""
        return self._driver.leaving

    @property
    def apology_due(self) -> bool:
        """Whether the caller must still be told that something went wrong."""
        return self._driver.apology_due

    @property
    def transfer_target(self) -> Transfer | None:
        """The transfer to be made, or in progress."""
        return self._driver.transfer_target

    @property
    def saying(self) -> str | None:
        """The text of what is being said, as far as it is known; None when nothing is."""
        return self._duplex.text

    # What happened.

    def start(self, *, now: float, checkpoint: Checkpoint | None = None) -> list[CallEffect]:
        """Begin, before the stream exists: the first prompt is fetched while Twilio connects it.

        Args:
            now: Monotonic seconds, as everywhere here.
            checkpoint: Where another process left the call.
        """
        self._began_at = now
        self._phases.start(now=now, requested=checkpoint is None)
        return self._driver.start(checkpoint, now=now)

    def receive_media(self, frame: AudioReceived, *, now: float) -> list[CallEffect] | None:
        """Take a frame of the caller's; returns None when nothing follows, not even another deadline.

        A frame that nobody needs ends here: it comes 50 times a second in each call.
        """
        if self._phases.phase.is_over:
            return None
        self._phases.last_media_at = now
        activity = self._duplex.receive_media(frame, now=now)
        if activity is None:
            return None
        effects = self._driver.receive_media(frame, activity, now=now)
        if not effects and activity is NO_ACTIVITY:
            return None
        return self._followed(effects, now)

    def handle(self, event: CallEvent, *, now: float) -> list[CallEffect]:
        """Return what follows from an event; nothing when the call is over."""
        if self.phase.is_over:
            return []
        if type(event) is SpeechArrived:  # audio that arrives changes nothing about who is listened to
            return self._timed(self._speaking.receive(event, now=now), now)
        return self._followed(self._follow(event, now), now)

    def _follow(self, event: CallEvent, now: float) -> list[CallEffect]:
        match event:
            case SpeechArrived() | SpeechEnded() | SpeechFailed():
                return self._speaking.receive(event, now=now)
            case TextTaken():
                self._speaking.receive_text(event)
                return []
            case MarkReturned() | DigitPressed():
                self._phases.last_sign_at = now
                return self._driver.handle(event, now=now)
            case MessageSaved() | TransferBegun() | TransferEnded():
                return self._driver.handle(event, now=now)
            case ActionDone() | FlowEnded():
                return self._driver.handle(event, now=now) if self._led else []
            case StreamStarted() | StreamLost() | StreamRequested() | StreamStopped() | CallOver():
                return self._follow_stream(event, now)
            case AudioReceived():
                return self.receive_media(event, now=now) or []

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, in monotonic seconds, or None.

        Ask again after every command, and after every event that is not of `KEEPS_DEADLINES`.
        """
        return earliest(self._driver.next_deadline(), self._silence_due())

    def handle_timeout(self, *, now: float) -> list[CallEffect]:
        """Return what follows from the time being `now`."""
        effects = [*self._driver.handle_timeout(now=now), *self._fill_in_silence(now)]
        if self._phases.is_overdue(now=now):
            effects += self._stream_overdue(now)
        return self._followed(effects, now)

    def _silence_due(self) -> float | None:
        """When silence takes the place of media that is missing; None while nobody waits for silence."""
        if not self._phases.phase.is_live or not self._duplex.awaits_silence:
            return None
        since = max(self._phases.last_media_at, self._phases.started_at)
        return since + MISSING_SECONDS if self._filled_to <= since else self._filled_to + FILL_SECONDS

    def _fill_in_silence(self, now: float) -> list[CallEffect]:
        """Let a stream without media, such as one that is muted, be silent: timers of silence run by the clock."""
        due = self._silence_due()
        if due is None or now < due:
            return []
        since = max(self._phases.last_media_at, self._phases.started_at, self._filled_to)
        self._filled_to = now
        effects: list[CallEffect] = []
        for _ in range(round((now - since) * 1000 / FRAME_MS)):
            frame = AudioReceived(FRAME_OF_SILENCE, round(self._duplex.media_ms))
            activity = self._duplex.receive_media(frame, now=now)
            if activity is not None:
                effects += self._driver.receive_media(frame, activity, now=now)
        return effects

    # Commands. Each returns what is to be performed; a call that is over takes none.

    def perform_step(self, step: Step, *, now: float) -> list[CallEffect]:
        """Begin the next step of a Python flow; its result comes as `ReportOutcome`.

        Raises:
            LocalProtocolError: The step before it is not over.
        """
        return self._followed(self._driver.perform(step, now=now), now) if self._led else []

    def cancel_step(self, *, now: float) -> list[CallEffect]:
        """Cancel the step in progress: the Python flow does not wait for it any more."""
        return self._followed(self._driver.cancel_step(now=now), now) if self._led else []

    def transfer(self, transfer: Transfer, *, at_once: bool = False, now: float) -> list[CallEffect]:
        """Connect the caller with another party, outside the flow; without a stream nothing happens.

        Args:
            transfer: With whom.
            at_once: Whether announcements that were accepted are cut off; otherwise they are heard first.
            now: Monotonic seconds.
        """
        return self._followed(self._driver.transfer(transfer, at_once=at_once, now=now), now) if self._led else []

    def announce(self, announcement: Announcement, *, now: float) -> list[CallEffect]:
        """Say or play something outside the flow, once nothing else is; `ReportAnnouncement` says how it went."""
        if not self.phase.with_caller or self.leaving:
            error = NotLive(self.record.call_sid, "is over, or about to be")
            return [ReportAnnouncement(announcement.number, error)]
        return self._followed(self._driver.announce(announcement, now=now), now)

    def clear(self, cause: BargeInCause = BargeInCause.API, *, now: float) -> list[CallEffect]:
        """Interrupt what is being said, whatever its barge-in policy."""
        return [] if self.phase.is_over else self._followed(self._driver.clear(cause, now=now), now)

    def hang_up(self, goodbye: Say | None = None, *, now: float) -> list[CallEffect]:
        """End the call, after a goodbye if one is given."""
        return [] if self.phase.is_over else self._followed(self._driver.hang_up(goodbye, now=now), now)

    def jump(self, node: str, *, now: float) -> list[CallEffect]:
        """Leave the step in progress for another node of the flow file."""
        return [] if self.phase.is_over else self._followed(self._driver.jump(node, now=now), now)

    def opt_out(self) -> list[CallEffect]:
        """Note that the caller wants no further call."""
        return [] if self.phase.is_over else self._preferences.opt_out()

    def call_back(self, call_back: CallBack) -> list[CallEffect]:
        """Note when the caller wants to be called again."""
        return [] if self.phase.is_over else self._preferences.call_back(call_back)

    def checkpoint(self, name: str | None, variables: dict[str, Any], *, now: float) -> list[CallEffect]:
        """Save how far a Python flow is, and its variables as they are now."""
        return [] if self.phase.is_over else self._driver.checkpoint(name, variables, now=now)

    def forward_audio(self, *, wanted: bool, now: float) -> list[CallEffect]:
        """Forward the caller's audio to the Python flow from now on, or no longer."""
        return [] if self.phase.is_over else self._followed(self._duplex.forward_audio(wanted=wanted), now)

    @property
    def _led(self) -> bool:
        """Whether the flow still leads the call: it does not once a goodbye is wanted, nor when the call is over."""
        return not self.phase.is_over and not self.leaving

    def _followed(self, effects: list[CallEffect], now: float) -> list[CallEffect]:
        """The effects of what changed something: who is listened to may have changed too."""
        self._driver.attend(now=now)
        return self._timed(effects, now)

    def _timed(self, effects: list[CallEffect], now: float) -> list[CallEffect]:
        """The effects; when the first audio of the call is among them, the record notes the time."""
        if self.record.first_audio_ms is None and any(isinstance(effect, SendAudio) for effect in effects):
            self.record.first_audio_ms = round((now - self._began_at) * 1000, 1)
        return effects

    # The stream.

    def _follow_stream(
        self, event: StreamStarted | StreamLost | StreamRequested | StreamStopped | CallOver, now: float
    ) -> list[CallEffect]:
        match event:
            case StreamStarted():
                if not self._phases.handle(PhaseInput.STREAM_STARTED, now=now).is_live:
                    return [CloseStream()]  # Twilio connected it after a transfer, or after the end of the flow
                return self._driver.stream_started(now=now)
            case StreamLost():
                return self._stream_lost(now)
            case StreamRequested():
                return self._stream_requested(now)
            case StreamStopped():
                return self._stream_stopped(now)
            case CallOver("completed") if self.phase.is_held:
                return self._driver.end(HUNG_UP, now=now)
            case CallOver(status):
                return self._driver.end(f"call {status}", now=now)

    def _stream_stopped(self, now: float) -> list[CallEffect]:
        """Twilio ended the stream; whether the call is over, it will say. What was cut is kept until then."""
        was_live = self.phase.is_live
        phase = self._phases.handle(PhaseInput.STREAM_STOPPED, now=now)
        if phase.is_over:
            return self._driver.end("", now=now)
        return self._driver.stream_stopped(now=now) if was_live else []

    def _stream_requested(self, now: float) -> list[CallEffect]:
        """The call is brought back: what was cut is requested while Twilio connects the stream."""
        if not self._phases.handle(PhaseInput.STREAM_REQUESTED, now=now).is_waiting:
            return []
        if self._phases.cannot_stream(now=now):
            return self._driver.give_up("the media stream cannot be kept up", now=now)
        return self._speaking.request_speech()

    def _stream_lost(self, now: float) -> list[CallEffect]:
        """The stream is gone but the call may live: wait for Twilio to bring it back, then say again what it cut."""
        was_live = self.phase.is_live
        if self._phases.handle(PhaseInput.STREAM_LOST, now=now).is_over:
            return self._driver.end("", now=now)
        if not was_live:
            return []
        # Its socket may be half open for minutes; once closed, Twilio asks what follows, and brings the call back.
        return [CloseStream(), *self._duplex.stream_lost(now=now)]

    def _stream_overdue(self, now: float) -> list[CallEffect]:
        match self.phase:
            case Phase.LIVE:
                return self._stream_lost(now)
            case Phase.WAITING:
                return self._driver.end("the media stream never came", now=now)
            case Phase.AWAY | Phase.HELD:
                return self._driver.end(HUNG_UP, now=now)
            case Phase.CLOSING | Phase.OVER:
                return self._driver.end("", now=now)
