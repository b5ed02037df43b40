"""One phone call: what follows from what happened, without doing any of it.

`CallSession` routes events and commands to its parts: `PhaseMachine` knows where the stream is, `FlowDriver` performs the
steps of the flow, `Dialogue` what is said and heard, and `Checkpointer` saves where the call stands. Every answer is a
list of effects, to be performed in order.
"""

from dataclasses import dataclass, field
from typing import Any

from telebridge.call.record import CallRecord
from telebridge.call.session.announcements import Announcement
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.checkpointer import Checkpointer
from telebridge.call.session.dialogue import Dialogue
from telebridge.call.session.effects import (
    CallEffect,
    CloseStream,
    PublishEvent,
    ReportAnnouncement,
)
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
    TextTaken,
    TransferBegun,
    TransferEnded,
)
from telebridge.call.session.flow_driver import FlowDriver
from telebridge.call.session.listening import ListeningOptions
from telebridge.call.session.stream_phase import Phase, PhaseMachine
from telebridge.deadlines import earliest
from telebridge.errors import NotLive
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.steps import CallBack, Say, Step, Transfer, Transferred
from telebridge.playback.writer import PlaybackOptions, SendAudio
from telebridge.turns.barge_in import BargeInCause
from telebridge.twilio.media_stream import (
    AudioReceived,
    DigitPressed,
    MarkReturned,
    StreamStarted,
    StreamStopped,
)


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How a call waits.

    Args:
        stream_wait_seconds: How long to wait for the stream, at the start and after it was lost.
        media_timeout_seconds: Twilio sends 50 messages a second, in silence too; a stream quiet for this long is dead.
        close_seconds: How long to wait for the end of a stream that we closed.
        playback: How audio is cut into messages.
        listening: How the caller is listened to.
    """

    stream_wait_seconds: float = 30.0
    media_timeout_seconds: float = 10.0
    close_seconds: float = 10.0
    playback: PlaybackOptions = field(default_factory=PlaybackOptions)
    listening: ListeningOptions = field(default_factory=ListeningOptions)


OVERDUE = {Phase.WAITING: "the media stream never came", Phase.AWAY: "caller hung up"}


class CallSession:
    """A call from its webhook to its end.

    Args:
        flow: The flow that leads the call; None when a Python flow does, which calls `perform_step`.
        record: Filled as the call goes on.
    """

    __slots__ = ("_began_at", "_course", "_place", "_stream", "_talk", "record")

    def __init__(self, flow: FlowInterpreter | None, record: CallRecord, options: SessionOptions) -> None:
        self.record = record
        self._began_at = 0.0
        self._stream = PhaseMachine(
            wait_seconds=options.stream_wait_seconds,
            silent_seconds=options.media_timeout_seconds,
            close_seconds=options.close_seconds,
        )
        self._talk = Dialogue(record, options.playback, options.listening)
        self._place = Checkpointer(flow, record, self._talk)
        self._course = FlowDriver(flow, record, self._talk, self._stream, self._place)
        if flow is not None:
            record.path = flow.path

    @property
    def phase(self) -> Phase:
        """Where the call stands."""
        return self._stream.phase

    @property
    def leaving(self) -> bool:
        """Whether a last word is being said, and nothing else will be."""
        return self._course.leaving

    @property
    def apology_due(self) -> bool:
        """Whether the caller must still be told that something went wrong."""
        return self._place.apology

    @property
    def transfer_target(self) -> Transfer | None:
        """Whom the caller is to be connected with, or is."""
        return self._place.transfer

    @property
    def saying(self) -> str | None:
        """What is being said, as far as its text is known; None when nothing is."""
        return self._talk.duplex.speaking.text

    # What the shell calls.

    def start(self, *, now: float, checkpoint: Checkpoint | None = None) -> list[CallEffect]:
        """Begin, before the stream exists: the first prompt is fetched while Twilio connects it.

        Args:
            now: The time.
            checkpoint: Where another process left the call.
        """
        self._began_at = now
        self._stream.wait(now=now)
        if checkpoint is not None:
            self._place.take_up(checkpoint)
        return self._course.start(checkpoint, now=now)

    def hear(self, frame: AudioReceived, *, now: float) -> list[CallEffect] | None:
        """What follows from a frame of the caller's; None when nothing does, not even for `next_deadline`."""
        if self._stream.phase is Phase.OVER:
            return None
        self._stream.heard_at = now
        news = self._talk.hear(frame, now=now)
        if news is None:
            return None
        effects = self._sounded(self._course.settle(news, now=now), now)
        self._talk.attend(live=self._stream.phase is Phase.LIVE, now=now)
        return effects

    def handle(self, event: CallEvent, *, now: float) -> list[CallEffect]:
        """Return what follows from an event; nothing when the call is over."""
        if self.phase is Phase.OVER:
            return []
        effects = self._sounded(self._follow(event, now), now)
        if type(event) is not SpeechArrived:  # audio that arrives changes nothing about who is listened to
            self._talk.attend(live=self.phase is Phase.LIVE, now=now)
        return effects

    # Commands. Each returns what is to be performed; a call that is over takes none.

    def perform_step(self, step: Step, *, now: float) -> list[CallEffect]:
        """Begin the next step of a Python flow; its result comes as `ReportOutcome`.

        Raises:
            LocalProtocolError: The step before it is not over.
        """
        return self._commanded(self._course.perform(step, now=now), now) if self._led else []

    def cancel_step(self, *, now: float) -> list[CallEffect]:
        """Cancel the step in progress: the Python flow does not wait for it any more."""
        return self._commanded(self._course.cancel_step(now=now), now) if self._led else []

    def transfer(self, transfer: Transfer, *, now: float) -> list[CallEffect]:
        """Connect the caller with another party, outside the flow; without a stream nothing happens."""
        return self._commanded(self._course.transfer_asked(transfer, now=now), now) if self._led else []

    def announce(self, announcement: Announcement, *, now: float) -> list[CallEffect]:
        """Say or play something outside the flow, once nothing else is; `ReportAnnouncement` says how it went."""
        if self.phase not in (Phase.WAITING, Phase.LIVE) or self._course.leaving:
            error = NotLive(self.record.call_sid, "is over, or about to be")
            return [ReportAnnouncement(announcement.number, error)]
        return self._commanded(self._talk.announcements.announce(announcement, now=now), now)

    def clear(self, cause: BargeInCause = BargeInCause.API, *, now: float) -> list[CallEffect]:
        """Interrupt what is being said, whatever its barge-in policy."""
        if self.phase is Phase.OVER:
            return []
        return self._commanded(self._course.settle(self._talk.clear(cause, now=now), now=now), now)

    def hang_up(self, goodbye: Say | None = None, *, now: float) -> list[CallEffect]:
        """End the call, after a goodbye if one is given."""
        return [] if self.phase is Phase.OVER else self._commanded(self._course.hang_up(goodbye, now=now), now)

    def jump(self, node: str, *, now: float) -> list[CallEffect]:
        """Leave the step in progress for another node of the flow file."""
        return [] if self.phase is Phase.OVER else self._commanded(self._course.jump(node, now=now), now)

    def opt_out(self) -> list[CallEffect]:
        """Note that the caller wants no further call."""
        return [] if self.phase is Phase.OVER else self._course.opt_out()

    def call_back(self, call_back: CallBack) -> list[CallEffect]:
        """Note when the caller wants to be called again."""
        return [] if self.phase is Phase.OVER else self._course.call_back(call_back)

    def checkpoint(self, name: str | None, variables: dict[str, Any], *, now: float) -> list[CallEffect]:
        """Save how far a Python flow is, and its variables as they are now."""
        if self.phase is Phase.OVER:
            return []
        self._place.name(name, variables)
        return [self._place.keep(now=now)]

    def forward_audio(self, *, wanted: bool, now: float) -> list[CallEffect]:
        """Forward the caller's audio to the Python flow from now on, or no longer."""
        return [] if self.phase is Phase.OVER else self._commanded(self._talk.duplex.hand_on(wanted=wanted), now)

    # Time.

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        return earliest(self._stream.next_deadline(), self._talk.next_deadline())

    def handle_timeout(self, *, now: float) -> list[CallEffect]:
        """What follows from the time being `now`."""
        effects = self._course.settle(self._talk.handle_timeout(now=now), now=now)
        if self._stream.is_overdue(now=now):
            effects += self._stream_overdue(now)
        effects = self._sounded(effects, now)
        self._talk.attend(live=self.phase is Phase.LIVE, now=now)
        return effects

    def _follow(self, event: CallEvent, now: float) -> list[CallEffect]:
        match event:
            case AudioReceived():
                return self.hear(event, now=now) or []
            case SpeechArrived() | SpeechEnded() | SpeechFailed():
                return [*self._talk.duplex.speaking.receive(event, now=now)]
            case TextTaken():
                self._talk.duplex.speaking.text_taken(event)
                return []
            case MarkReturned() | DigitPressed() | MessageSaved():
                return self._follow_caller(event, now)
            case ActionDone() | FlowEnded() | TransferBegun() | TransferEnded():
                return self._follow_flow(event, now)
            case StreamStarted():
                return self._stream_started(now)
            case StreamLost():
                return self._stream_lost(now)
            case StreamStopped():
                return [] if self.phase is Phase.AWAY else self._course.end("caller hung up", now=now)
            case CallOver(status):
                return self._course.end(f"call {status}", now=now)

    def _follow_caller(self, event: MarkReturned | DigitPressed | MessageSaved, now: float) -> list[CallEffect]:
        talk, course = self._talk, self._course
        match event:
            case MarkReturned(name):
                return self._place.changed(course.settle(talk.mark_returned(name, now=now), now=now), now=now)
            case DigitPressed(digit):
                told = PublishEvent("key", {"key": digit})
                followed = course.settle(talk.digit_pressed(digit, now=now), now=now)
                return [told, *self._place.changed(followed, now=now)]
            case MessageSaved():
                return course.settle(talk.recording_kept(event, now=now), now=now)

    def _follow_flow(
        self, event: ActionDone | FlowEnded | TransferBegun | TransferEnded, now: float
    ) -> list[CallEffect]:
        match event:
            case ActionDone(done):
                return self._course.errand_over(done, now=now) if self._led else []
            case FlowEnded():
                return self._course.end_flow(event, now=now) if self._led else []
            case TransferBegun():
                self._stream.dialling(now=now)
                return []
            case TransferEnded(status):
                return self._course.transfer_ended(Transferred(status), now=now)

    @property
    def _led(self) -> bool:
        """Whether the flow still leads the call: it does not after a goodbye was asked for, nor when it is over."""
        return self.phase is not Phase.OVER and not self._course.leaving

    def _commanded(self, effects: list[CallEffect], now: float) -> list[CallEffect]:
        """The effects of a command; who is listened to may have changed."""
        self._talk.attend(live=self.phase is Phase.LIVE, now=now)
        return self._sounded(effects, now)

    def _sounded(self, effects: list[CallEffect], now: float) -> list[CallEffect]:
        """The effects; the first that sound are noted in the record."""
        if self.record.first_audio_ms is None and any(isinstance(effect, SendAudio) for effect in effects):
            self.record.first_audio_ms = round((now - self._began_at) * 1000, 1)
        return effects

    # The stream.

    def _stream_started(self, now: float) -> list[CallEffect]:
        if self.phase is Phase.AWAY:
            return [CloseStream()]  # the flow transferred the caller before Twilio had connected the stream
        self._stream.opened(now=now)
        return self._talk.stream_started(now=now)

    def _stream_lost(self, now: float) -> list[CallEffect]:
        """The stream is gone but the call may live: wait for Twilio to bring it back, then say again what it cut."""
        if self.phase is Phase.CLOSING:
            return self._course.end("", now=now)
        if self.phase is not Phase.LIVE:
            return []
        self._stream.wait(now=now)
        # Its socket may be half open for minutes; once closed, Twilio asks what follows, and brings the call back.
        return [CloseStream(), *self._talk.duplex.speaking.stream_lost(now=now)]

    def _stream_overdue(self, now: float) -> list[CallEffect]:
        if self.phase is Phase.LIVE:
            return self._stream_lost(now)
        return self._course.end(OVERDUE.get(self.phase, ""), now=now)
