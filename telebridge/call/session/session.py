"""One phone call: what follows from each event and each command, as effects that the runner performs.

`CallSession` makes the parts of a call, and routes to them what happens and what is wanted: `StreamLifecycle` follows
the media stream, `Speaking` and `FullDuplex` have the audio, `Dialogue` speaks with the caller, and `FlowDriver`
performs the flow. Every answer is a list of effects, to be performed in order.

One rule: nothing follows from anything once the call is over.
"""

from dataclasses import dataclass, field
from typing import Any

from telebridge.call.flows.transfers import MayTransfer, anywhere
from telebridge.call.record import CallRecord
from telebridge.call.session.announcements import Announcement
from telebridge.call.session.audio.full_duplex import NO_ACTIVITY, FullDuplex
from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.audio.missing_media import MissingMedia
from telebridge.call.session.audio.speaking import Speaking
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.checkpointer import Checkpointer
from telebridge.call.session.dialogue import Dialogue
from telebridge.call.session.effects import CallEffect, ReportAnnouncement
from telebridge.call.session.ending import CallEnding
from telebridge.call.session.events import (
    ActionDone,
    CallEvent,
    CallOver,
    FlowEnded,
    JudgeAnswered,
    MessageSaved,
    SpeechArrived,
    SpeechEnded,
    SpeechFailed,
    StreamLost,
    StreamRequested,
    TextTaken,
    TransferBegun,
    TransferEnded,
    WordsHeard,
)
from telebridge.call.session.flow_driver import FlowDriver
from telebridge.call.session.preferences import CallerPreferences
from telebridge.call.session.stream_lifecycle import StreamLifecycle
from telebridge.call.session.stream_phase import Phase, PhaseMachine
from telebridge.call.session.transfer import CallTransfer
from telebridge.call.session.words.options import WordOptions
from telebridge.errors import NotLive
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.steps import CallBack, Say, Step, Transfer
from telebridge.playback.writer import PlaybackOptions, SendAudio
from telebridge.timing.deadlines import earliest
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
        words: Whether and how words are heard.
        watches_answers: Whether it is told who answers the calls of campaigns.
    """

    stream_wait_seconds: float = 30.0
    media_timeout_seconds: float = 10.0
    close_seconds: float = 10.0
    held_seconds: float = 60.0
    playback: PlaybackOptions = field(default_factory=PlaybackOptions)
    listening: ListeningOptions = field(default_factory=ListeningOptions)
    clean_streams: bool = True
    may_transfer: MayTransfer = anywhere
    words: WordOptions = field(default_factory=WordOptions)
    watches_answers: bool = True


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
        "_checkpointer",
        "_dialogue",
        "_driver",
        "_duplex",
        "_ending",
        "_missing",
        "_phases",
        "_preferences",
        "_speaking",
        "_stream",
        "clean_streams",
        "record",
    )

    def __init__(self, flow: FlowInterpreter | None, record: CallRecord, options: SessionOptions) -> None:
        self.record = record
        self.clean_streams = options.clean_streams
        self._began_at = 0.0
        self._phases = phases = PhaseMachine(
            wait_seconds=options.stream_wait_seconds,
            silent_seconds=options.media_timeout_seconds,
            close_seconds=options.close_seconds,
            held_seconds=options.held_seconds,
        )
        self._speaking = speaking = Speaking(options.playback)
        self._duplex = FullDuplex(record, speaking, options.listening)
        self._missing = MissingMedia(phases, self._duplex)
        self._dialogue = dialogue = Dialogue(record, self._duplex, options.words)
        self._checkpointer = saves = Checkpointer(flow, record, dialogue, speaking)
        self._ending = CallEnding(flow, record, phases, dialogue, saves)
        self._stream = StreamLifecycle(phases, speaking, dialogue, saves, self._ending)
        self._preferences = CallerPreferences(record)
        transfer = CallTransfer(phases, saves, dialogue, speaking)
        self._driver = FlowDriver(
            flow, phases, dialogue, saves, transfer, self._ending, self._preferences, options.may_transfer
        )
        if flow is not None:
            record.path = flow.path

    @property
    def phase(self) -> Phase:
        """Where the call and its stream are."""
        return self._phases.phase

    @property
    def leaving(self) -> bool:
        """Whether a goodbye is being said, after which nothing else will be."""
        return self._ending.leaving

    @property
    def apology_due(self) -> bool:
        """Whether the caller must still be told that something went wrong."""
        return self._checkpointer.apology

    @property
    def transfer_target(self) -> Transfer | None:
        """The transfer to be made, or in progress."""
        return self._checkpointer.transfer

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of the flow file as they are now; none where a Python flow leads."""
        return self._checkpointer.variables

    @property
    def saying(self) -> str | None:
        """The text of what is being said, as far as it is known; None when nothing is."""
        return self._speaking.text

    # What happened.

    def start(self, *, now: float, checkpoint: Checkpoint | None = None) -> list[CallEffect]:
        """Begin, before the stream exists: the first prompt is fetched while Twilio connects it.

        Args:
            now: Monotonic seconds, as everywhere here.
            checkpoint: Where another process left the call.
        """
        self._began_at = self._dialogue.floor.turns.call_began_at = now
        self._phases.start(now=now, requested=checkpoint is None)
        return self._driver.start(checkpoint, now=now)

    def receive_media(self, frame: AudioReceived, now: float) -> list[CallEffect] | None:
        """Take a frame of the caller's; returns None when nothing follows, not even another deadline.

        A frame that nobody needs ends here: it comes 50 times a second in each call.
        """
        if self._phases.phase.is_over:
            return None
        self._phases.last_media_at = now
        activity = self._duplex.receive_media(frame, now)
        if activity is None:
            return None
        effects = self._driver.receive_media(frame, activity, now=now)
        if not effects and activity is NO_ACTIVITY:
            return None
        if effects and not self.record.acted and self.record.is_person:  # speech has shown it
            self.record.acted = True
            effects = self._checkpointer.save_after(effects, now=now)
        return self._followed(effects, now)

    def handle(self, event: CallEvent, now: float) -> list[CallEffect]:
        """Return what follows from an event; nothing when the call is over."""
        if self._phases.phase.is_over:
            return []
        if type(event) is SpeechArrived:  # audio that arrives changes nothing about who is listened to
            effects = self._speaking.receive(event, now)
            return effects if self.record.first_audio_ms is not None else self._timed(effects, now)
        return self._followed(self._follow(event, now), now)

    def _follow(self, event: CallEvent, now: float) -> list[CallEffect]:
        match event:
            case SpeechArrived() | SpeechEnded() | SpeechFailed():
                return self._speaking.receive(event, now)
            case TextTaken():
                self._speaking.receive_text(event)
                return []
            case MarkReturned() | DigitPressed():
                self._phases.last_sign_at = now
                self.record.acted = self.record.acted or isinstance(event, DigitPressed)
                return self._driver.handle(event, now=now)
            case MessageSaved() | WordsHeard() | JudgeAnswered() | TransferBegun() | TransferEnded():
                return self._driver.handle(event, now=now)
            case ActionDone() | FlowEnded():
                return self._driver.handle(event, now=now) if self._led else []
            case StreamStarted() | StreamLost() | StreamRequested() | StreamStopped() | CallOver():
                if isinstance(event, CallOver):
                    self._driver.call_over(event)
                return self._stream.handle(event, now=now)
            case AudioReceived():
                return self.receive_media(event, now) or []

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, in monotonic seconds, or None.

        Ask again after every command, and after every event that is not of `KEEPS_DEADLINES`.
        """
        missing = self._missing.next_deadline() if self._duplex.awaits_silence else None
        return earliest(self._phases.deadline, self._dialogue.next_deadline(), missing)

    def handle_timeout(self, *, now: float) -> list[CallEffect]:
        """Return what follows from the time being `now`."""
        effects = self._driver.handle_timeout(now=now)
        if self._duplex.awaits_silence:
            for frame in self._missing.frames(now=now):
                activity = self._duplex.receive_media(frame, now)
                if activity is not None:
                    effects += self._driver.receive_media(frame, activity, now=now)
        effects += self._stream.handle_timeout(now=now)
        return self._followed(effects, now)

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
        return self._followed(self._dialogue.announcements.announce(announcement, now=now), now)

    def clear(self, cause: BargeInCause = BargeInCause.API, *, now: float) -> list[CallEffect]:
        """Interrupt what is being said, whatever its barge-in policy."""
        return [] if self.phase.is_over else self._followed(self._driver.clear(cause, now=now), now)

    def hang_up(self, goodbye: Say | None = None, *, now: float) -> list[CallEffect]:
        """End the call, after a goodbye if one is given."""
        return [] if self.phase.is_over else self._followed(self._driver.hang_up(goodbye, now=now), now)

    def jump(self, node: str, *, now: float) -> list[CallEffect]:
        """Leave the step in progress for another node of the flow file."""
        return [] if self.phase.is_over else self._followed(self._driver.jump(node, now=now), now)

    def fall_silent(self, *, now: float) -> list[CallEffect]:
        """Cancel the step in progress of a flow file, and wait in silence for `jump` or `hang_up`."""
        return [] if self.phase.is_over else self._followed(self._driver.fall_silent(now=now), now)

    def machine_answered(
        self,
        message_node: str | None,
        *,
        beeped: bool = False,  # noqa: ARG002 - for a call that is watched
        now: float,
    ) -> list[CallEffect]:
        """Act on a verdict that a machine answered: go to that node of the flow file, or hang up where there is None.

        The verdict is a guess that may come late: nothing follows when the caller has shown to be a person.

        Args:
            message_node: Where the message for a machine begins.
            beeped: Whether the machine's beep was heard, so that nothing need be waited for.
            now: Monotonic seconds.
        """
        if self.record.is_person:
            return []
        return self.hang_up(now=now) if message_node is None else self.jump(message_node, now=now)

    def opt_out(self) -> list[CallEffect]:
        """Note that the caller wants no further call."""
        return [] if self.phase.is_over else self._preferences.opt_out()

    def call_back(self, call_back: CallBack) -> list[CallEffect]:
        """Note when the caller wants to be called again."""
        return [] if self.phase.is_over else self._preferences.call_back(call_back)

    def checkpoint(self, name: str | None, variables: dict[str, Any], *, now: float) -> list[CallEffect]:
        """Save how far a Python flow is, and its variables as they are now."""
        return [] if self.phase.is_over else [self._checkpointer.save_variables(name, variables, now=now)]

    def progress(self, *, now: float) -> bytes:
        """The checkpoint of the call as it is now, encoded; for `SaveProgress`."""
        return self._checkpointer.encode(now=now)

    def forward_audio(self, *, wanted: bool, now: float) -> list[CallEffect]:
        """Forward the caller's audio to the Python flow from now on, or no longer."""
        return [] if self.phase.is_over else self._followed(self._duplex.forward_audio(wanted=wanted), now)

    def take_turns(self, *, wanted: bool, now: float) -> list[CallEffect]:
        """Forward what the caller says to the Python flow from now on, or no longer."""
        if self.phase.is_over:
            return []
        turns = self._dialogue.floor.turns
        if wanted:
            turns.wanted = True
        else:
            turns.stop()
        return self._followed([], now)

    @property
    def _led(self) -> bool:
        """Whether the flow still leads the call: it does not once a goodbye is wanted, nor when the call is over."""
        return not self.phase.is_over and not self.leaving

    def _followed(self, effects: list[CallEffect], now: float) -> list[CallEffect]:
        """The effects of what changed something: who is listened to may have changed too."""
        listening = self._dialogue.attend(live=self._phases.phase.is_live, now=now)
        if listening:
            effects = [*effects, *listening]
        if self._checkpointer.transfer is not None or self._driver.is_recording:
            self.record.acted = True
        return self._timed(effects, now)

    def _timed(self, effects: list[CallEffect], now: float) -> list[CallEffect]:
        """The effects; when the first audio of the call is among them, the record notes the time."""
        if self.record.first_audio_ms is None and any(isinstance(effect, SendAudio) for effect in effects):
            self.record.first_audio_ms = round((now - self._began_at) * 1000, 1)
        return effects
