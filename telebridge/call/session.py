"""One phone call: what follows from what happened, without doing any of it.

The session routes. The talk with the caller is `Talk`'s, the stream is `StreamWatch`'s, the flow leads; here they meet:
an outcome goes to the flow, the step that follows to whoever performs it. Every answer is a list of effects, to be
performed in order.
"""

from dataclasses import dataclass, field

from telebridge.call.checkpoint import Checkpoint
from telebridge.call.effects import (
    CloseStream,
    Effect,
    EndCall,
    KeepCallBack,
    KeepCheckpoint,
    KeepOptOut,
    ReportAnnouncement,
    ReportOutcome,
    StartErrand,
    Tell,
)
from telebridge.call.events import (
    AnnouncementAsked,
    AudioAsked,
    CallBackAsked,
    CallEvent,
    CallOver,
    CheckpointAsked,
    ClearAsked,
    ErrandDone,
    FlowEnded,
    HangUpAsked,
    JumpAsked,
    OptOutAsked,
    RecordingKept,
    SpeechArrived,
    SpeechEnded,
    SpeechFailed,
    StepAsked,
    StepCancelled,
    StreamLost,
    TextTaken,
    TransferAsked,
    TransferBegun,
    TransferEnded,
)
from telebridge.call.listening import ListeningOptions
from telebridge.call.record import CallRecord
from telebridge.call.speaking import from_word
from telebridge.call.stream_watch import Phase, StreamWatch
from telebridge.call.talk import News, StepOver, Talk
from telebridge.errors import LocalProtocolError, NotLive, TelebridgeError
from telebridge.flows.interpreter import FlowInterpreter, Standing
from telebridge.flows.steps import (
    CallBack,
    Collect,
    Done,
    HangUp,
    Outcome,
    Play,
    Record,
    Request,
    Run,
    Say,
    Step,
    Transfer,
    Transferred,
    Wait,
)
from telebridge.playback.writer import PlaybackOptions, SendAudio
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


DIED = "the process that did it has died"
LEADING = StepAsked, StepCancelled, ErrandDone, FlowEnded, TransferAsked
"""What leads a call; after a last word was asked for, nothing does."""

OVERDUE = {Phase.WAITING: "the media stream never came", Phase.AWAY: "caller hung up"}


class CallSession:
    """A call from its webhook to its end.

    Args:
        flow: The flow that leads the call; None when a Python flow does, which sends `StepAsked`.
        record: Filled as the call goes on.

    Attributes:
        apology_due: Whether the caller must still be told that something went wrong.
        transfer: Whom the caller is to be connected with, or is.
    """

    __slots__ = (
        "_asked_beside",
        "_began_at",
        "_checkpoint",
        "_errand_begun",
        "_errand_done",
        "_flow",
        "_flow_ended",
        "_leaving",
        "_step",
        "_stream",
        "_talk",
        "_words_before",
        "apology_due",
        "record",
        "transfer",
    )

    def __init__(self, flow: FlowInterpreter | None, record: CallRecord, options: SessionOptions) -> None:
        self.record = record
        self.apology_due = False
        self.transfer: Transfer | None = None
        self._flow = flow
        self._talk = Talk(record, options.playback, options.listening)
        self._step: Step | None = None
        self._leaving = False
        self._checkpoint: Checkpoint | None = None  # the one a Python flow began with, or named
        self._began_at = 0.0
        self._words_before = 0  # words of the prompt that were heard in another process
        self._flow_ended: FlowEnded | None = None  # while the caller was away
        self._asked_beside = False  # whether it was not the flow that asked for the transfer
        self._errand_begun = False  # whether it is this process that does the errand in progress
        self._errand_done: Done | None = None  # while the caller was away
        self._stream = StreamWatch(
            wait_seconds=options.stream_wait_seconds,
            silent_seconds=options.media_timeout_seconds,
            close_seconds=options.close_seconds,
        )
        if flow is not None:
            record.path = flow.path

    @property
    def phase(self) -> Phase:
        """Where the call stands."""
        return self._stream.phase

    @property
    def leaving(self) -> bool:
        """Whether a last word is being said, and nothing else will be."""
        return self._leaving

    @property
    def saying(self) -> str | None:
        """What is being said, as far as its text is known; None when nothing is."""
        return self._talk.saying

    # What the shell calls.

    def start(self, *, now: float, checkpoint: Checkpoint | None = None) -> list[Effect]:
        """Begin, before the stream exists: the first prompt is fetched while Twilio connects it.

        Args:
            now: The time.
            checkpoint: Where another process left the call.
        """
        self._began_at = now
        self._stream.wait(now=now)
        self._checkpoint = checkpoint
        if checkpoint is not None:
            self._talk.restore(checkpoint.answer, checkpoint.typed)
            self.record.take_up(checkpoint.result, checkpoint.digits, checkpoint.recordings)
        if self._flow is None:
            away = None if checkpoint is None else checkpoint.transfer
            return [] if away is None else self._stay_away(away, None, now)
        if checkpoint is None or checkpoint.standing is None:
            return self._perform(self._flow.start(), now)
        return self._take_up(self._flow, checkpoint, checkpoint.standing, now)

    def _take_up(self, flow: FlowInterpreter, checkpoint: Checkpoint, standing: Standing, now: float) -> list[Effect]:
        """Go on with a flow file where another process was."""
        step = flow.go_on(standing)
        self.record.path = flow.path
        if checkpoint.transfer is not None:
            return self._stay_away(checkpoint.transfer, step, now)
        if _may_have_happened(step):
            self._step = step
            return [*self._entered(now), *self._step_over(Done(problem=DIED), now)]
        effects = self._perform(_from_word(step, checkpoint.words_heard), now)
        self._words_before = max(0, checkpoint.words_heard - 1) if self._step is not None else 0
        return effects

    def hear(self, frame: AudioReceived, *, now: float) -> list[Effect] | None:
        """What follows from a frame of the caller's; None when nothing does, not even for `next_deadline`."""
        if self._stream.phase is Phase.OVER:
            return None
        self._stream.heard_at = now
        news = self._talk.hear(frame, now=now)
        if news is None:
            return None
        effects = self._settle(news, now)
        self._talk.attend(live=self.phase is Phase.LIVE, now=now)
        return effects

    def handle(self, event: CallEvent, *, now: float) -> list[Effect]:
        """What follows from `event`."""
        if self.phase is Phase.OVER:
            return self._refused(event)
        effects = self._follow(event, now)
        if type(event) is not SpeechArrived:  # audio that arrives changes nothing about who is listened to
            self._talk.attend(live=self.phase is Phase.LIVE, now=now)
        return effects

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        stream, talk = self._stream.next_deadline(), self._talk.next_deadline()
        return talk if stream is None else stream if talk is None else min(stream, talk)

    def handle_timeout(self, *, now: float) -> list[Effect]:
        """What follows from the time being `now`."""
        effects = self._settle(self._talk.handle_timeout(now=now), now)
        if self._stream.is_overdue(now=now):
            effects += self._stream_overdue(now)
        self._talk.attend(live=self.phase is Phase.LIVE, now=now)
        return effects

    def _follow(self, event: CallEvent, now: float) -> list[Effect]:  # noqa: C901, PLR0912 - a line for each kind
        if self._leaving and isinstance(event, LEADING):
            return []
        talk = self._talk
        match event:
            case AudioReceived():
                return self.hear(event, now=now) or []
            case SpeechArrived() | SpeechEnded() | SpeechFailed():
                return self._note_first_audio(talk.speech(event, now=now), now)
            case MarkReturned(name):
                return self._placed(self._settle(talk.mark_returned(name, now=now), now), now)
            case DigitPressed(digit):
                told = Tell("key", {"key": digit})
                return [told, *self._placed(self._settle(talk.digit_pressed(digit, now=now), now), now)]
            case ClearAsked(cause):
                return self._settle(talk.clear(cause, now=now), now)
            case TextTaken():
                talk.text_taken(event)
                return []
            case AudioAsked(wanted):
                return self._settle(talk.hand_on(wanted=wanted), now)
            case StepAsked(step):
                return self._perform(step, now)
            case StepCancelled():
                return self._cancel_step(now)
            case ErrandDone(done):
                return self._errand_over(done, now)
            case RecordingKept():
                return self._settle(talk.recording_kept(event, now=now), now)
            case AnnouncementAsked():
                return self._announce(event, now)
            case TransferAsked(transfer):
                return self._transfer_asked(transfer, now)
            case TransferBegun():
                self._stream.dialling(now=now)
                return []
            case TransferEnded(status):
                return self._transfer_ended(Transferred(status), now)
            case HangUpAsked(goodbye):
                return self._hang_up_asked(goodbye, now)
            case JumpAsked(node):
                return self._jump(node, now)
            case OptOutAsked():
                return self._opt_out()
            case CallBackAsked(call_back):
                return self._call_back(call_back)
            case CheckpointAsked(name, variables):  # as they are now: the flow goes on to change them
                self._checkpoint = Checkpoint.decode(Checkpoint(name=name, variables=variables).encode())
                return self._keep_place(now)
            case FlowEnded():
                return self._end_flow(event, now)
            case StreamStarted():
                return self._stream_started(now)
            case StreamLost():
                return self._stream_lost(now)
            case StreamStopped():
                return [] if self.phase is Phase.AWAY else self._end("caller hung up", now)
            case CallOver(status):
                return self._end(f"call {status}", now)

    def _settle(self, news: list[News], now: float) -> list[Effect]:
        """The effects of what happened in the talk; a step that is over leads to the next."""
        effects: list[Effect] = []
        for each in news:
            if isinstance(each, StepOver):
                effects += self._step_over(each.outcome, now)
                continue
            effects.append(each)
        return self._note_first_audio(effects, now)

    def _note_first_audio(self, effects: list[Effect], now: float) -> list[Effect]:
        if self.record.first_audio_ms is None and any(isinstance(effect, SendAudio) for effect in effects):
            self.record.first_audio_ms = round((now - self._began_at) * 1000, 1)
        return effects

    # Steps of the flow.

    def _perform(self, step: Step, now: float) -> list[Effect]:
        if self.phase in (Phase.CLOSING, Phase.OVER):
            return []
        if self._step is not None:
            raise LocalProtocolError(f"{step} was asked for while {self._step} is in progress")
        self._step = step
        self._words_before = 0
        if self.phase is Phase.AWAY:  # begun once the caller is back
            return []
        wish = [] if self._flow is None else self._wishes(self._flow.standing)
        place = [*wish, *self._entered(now)]
        match step:
            case Say() | Collect() | Play() | Wait() | Record():
                return [*place, *self._settle(self._talk.begin(step, now=now), now)]
            case Request() | Run():
                self._errand_begun = True
                return [*place, StartErrand(step)]
            case Transfer():
                return [*wish, *self._send_away(step, now)]
            case HangUp():
                return [*wish, *self._close("hung up by the flow", now)]

    def _step_over(self, outcome: Outcome | TelebridgeError, now: float) -> list[Effect]:
        self._step = None
        self._errand_begun = False
        if self._leaving:
            return self._close("hung up by request", now)
        if self._flow is None:
            return [ReportOutcome(outcome)]
        if isinstance(outcome, TelebridgeError):  # a flow file has no answer to it; the caller must not hear silence
            return self._close(f"speech failed: {outcome}", now, apology=True)
        return self._perform(self._flow.resume(outcome), now)

    def _end_flow(self, ended: FlowEnded, now: float) -> list[Effect]:
        """A Python flow returned; a caller who is with somebody else is not hung up on."""
        if self.phase is Phase.AWAY:
            self._flow_ended = ended
            return []
        return self._close("flow ended" if ended.error is None else ended.error, now, apology=ended.error is not None)

    def _errand_over(self, done: Done, now: float) -> list[Effect]:
        if not isinstance(self._step, Request | Run):
            return []
        if self.phase is Phase.AWAY:
            self._errand_done = done
            return []
        return self._step_over(done, now)

    def _cancel_step(self, now: float) -> list[Effect]:
        self._step = None
        if self.phase is Phase.AWAY:
            return []
        news = self._talk.cancel(now=now)
        return self._settle([*news, *self._talk.announce_next(now=now)], now)

    # Where the call stands, for another process.

    def _entered(self, now: float) -> list[Effect]:
        if self._flow is None:
            return []
        standing = self._flow.standing
        asked_again = standing.silences or standing.mismatches
        told = [] if asked_again else [Tell("node", {"node": standing.node})]
        return [*told, *self._keep_place(now)]

    def _placed(self, effects: list[Effect], now: float) -> list[Effect]:
        """Something changed inside a step: keep that, unless the step that followed has done so."""
        if self.phase is Phase.OVER or any(isinstance(effect, KeepCheckpoint) for effect in effects):
            return effects
        return [*effects, *self._keep_place(now)]

    def _keep_place(self, now: float) -> list[Effect]:
        place = Checkpoint(
            standing=None if self._flow is None else self._flow.standing,
            answer=self._talk.typed,
            typed=self._talk.ahead,
            words_heard=self._words_before + self._talk.words_heard(now=now),
            transfer=self.transfer,
            name=None if self._checkpoint is None else self._checkpoint.name,
            variables={} if self._checkpoint is None else self._checkpoint.variables,
            result=self.record.result,
            digits=self.record.digits,
            recordings=self.record.recordings,
            over=self._leaving or self.phase is Phase.CLOSING,
            apology=self.apology_due,
        )
        return [KeepCheckpoint(place.encode())]

    def _wishes(self, standing: Standing) -> list[Effect]:
        return [*(self._opt_out() if standing.opted_out else []), *self._call_back(standing.call_back)]

    def _call_back(self, wanted: CallBack | None) -> list[Effect]:
        if wanted is None or wanted == self.record.call_back:
            return []
        self.record.call_back = wanted
        at = None if wanted.at is None else wanted.at.isoformat()
        return [KeepCallBack(wanted), Tell("call-back", {"in_seconds": wanted.in_seconds, "at": at})]

    def _opt_out(self) -> list[Effect]:
        if self.record.opted_out:
            return []
        self.record.opted_out = True
        return [KeepOptOut(), Tell("opt-out", {})]

    # What somebody beside the flow asks for.

    def _jump(self, node: str, now: float) -> list[Effect]:
        """Leave the step in progress for another node of the flow."""
        if self._flow is None or self.phase not in (Phase.WAITING, Phase.LIVE) or self._leaving:
            return []
        effects = self._settle(self._talk.cancel(now=now), now)
        self._step = None
        return [*effects, *self._perform(self._flow.go_to(node), now)]

    def _announce(self, asked: AnnouncementAsked, now: float) -> list[Effect]:
        if self.phase is Phase.AWAY or self.phase is Phase.CLOSING or self._leaving:
            return self._refused(asked)
        return self._settle(self._talk.announce(asked, now=now), now)

    def _refused(self, event: CallEvent) -> list[Effect]:
        """Whoever asked a call for something that it can do no more must not wait for ever."""
        if isinstance(event, AnnouncementAsked):
            return [ReportAnnouncement(event.number, NotLive(self.record.call_sid, "is over, or about to be"))]
        return []

    def _transfer_asked(self, transfer: Transfer, now: float) -> list[Effect]:
        """Connect the caller; the step in progress begins anew if that fails."""
        if self.phase is not Phase.LIVE:
            return []
        self._asked_beside = True
        return self._send_away(transfer, now)

    def _hang_up_asked(self, goodbye: Say | None, now: float) -> list[Effect]:
        if self.phase in (Phase.CLOSING, Phase.OVER):
            return []
        effects = self._settle(self._talk.cancel(now=now), now)
        if goodbye is None or self.phase is Phase.AWAY:
            return [*effects, *self._close("hung up by request", now)]
        self._leaving = True
        self._step = None
        effects += self._keep_place(now)
        return [*effects, *self._settle(self._talk.begin(goodbye, now=now), now)]

    # Transfers.

    def _send_away(self, transfer: Transfer, now: float) -> list[Effect]:
        """Close the stream; Twilio then asks what follows, and is told whom to dial."""
        self.transfer = transfer
        self._stream.away(now=now)
        told = Tell("transfer", {"to": transfer.to})
        cut = self._settle([*self._talk.cancel(now=now), *self._talk.stream_lost(now=now)], now)
        return [told, *cut, *self._keep_place(now), CloseStream()]

    def _stay_away(self, transfer: Transfer, step: Step | None, now: float) -> list[Effect]:
        """Wait for the end of a transfer that another process began."""
        self.transfer, self._step = transfer, step
        self._asked_beside = not isinstance(step, Transfer)
        self._stream.away(now=now)
        return []

    def _transfer_ended(self, transferred: Transferred, now: float) -> list[Effect]:
        """The caller is back, or was never away."""
        if self.phase is not Phase.AWAY:
            return []
        asked_beside, self._asked_beside, self.transfer = self._asked_beside, False, None
        self._stream.wait(now=now)
        told = Tell("transfer-ended", {"status": transferred.status})
        if asked_beside and transferred.connected:
            return [told, *self._close("transferred", now)]
        if self._flow_ended is not None:
            return [told, *self._end_flow(self._flow_ended, now)]
        if not asked_beside and isinstance(self._step, Transfer):
            return [told, *self._step_over(transferred, now)]
        return [told, *self._go_on(now)]

    def _go_on(self, now: float) -> list[Effect]:
        """Begin the step in progress anew: the caller has heard other things meanwhile."""
        done, self._errand_done = self._errand_done, None
        if isinstance(self._step, Request | Run):  # what may have arrived is not sent again
            done = done or (None if self._errand_begun else Done(problem=DIED))
            place = self._keep_place(now)
            return place if done is None else [*place, *self._step_over(done, now)]
        step, self._step = self._step, None
        return [] if step is None else self._perform(step, now)

    # The stream.

    def _stream_started(self, now: float) -> list[Effect]:
        if self.phase is Phase.AWAY:
            return [CloseStream()]  # the flow transferred the caller before Twilio had connected the stream
        self._stream.opened(now=now)
        return self._settle(self._talk.stream_started(now=now), now)

    def _stream_lost(self, now: float) -> list[Effect]:
        """The stream is gone but the call may live: wait for Twilio to bring it back, then say again what it cut."""
        if self.phase is Phase.CLOSING:
            return self._end("", now)
        if self.phase is not Phase.LIVE:
            return []
        self._stream.wait(now=now)
        # Its socket may be half open for minutes; once closed, Twilio asks what follows, and brings the call back.
        return [CloseStream(), *self._settle(self._talk.stream_lost(now=now), now)]

    def _stream_overdue(self, now: float) -> list[Effect]:
        if self.phase is Phase.LIVE:
            return self._stream_lost(now)
        return self._end(OVERDUE.get(self.phase, ""), now)

    # The end.

    def _close(self, reason: str, now: float, *, apology: bool = False) -> list[Effect]:
        """The flow is over. Without a stream nothing is to close: the answer to Twilio's next question hangs up."""
        self.apology_due = apology
        self.record.end_reason = self.record.end_reason or reason
        if self.phase is Phase.WAITING:
            return self._end(reason, now)
        self._stream.closing(now=now)
        return [*self._keep_place(now), CloseStream()]

    def _end(self, reason: str, now: float) -> list[Effect]:
        self._stream.over()
        self._step = None
        if self._flow is not None:
            self.record.result.update(self._flow.found)
        self.record.end_reason = self.record.end_reason or reason
        return [*self._talk.end(now=now), EndCall()]


def _may_have_happened(step: Step) -> bool:
    """Whether a step was perhaps done by the process that died, and doing it again could do harm."""
    return isinstance(step, Run) or (isinstance(step, Request) and step.method in ("POST", "PATCH"))


def _from_word(step: Step, heard: int) -> Step:
    """A step whose prompt goes on at the last word that was heard in another process."""
    match step:
        case Say(str() as text, voice, barge_in):
            return Say(from_word(text, heard), voice, barge_in)
        case Collect(Say(str() as text, voice, barge_in), rules):
            return Collect(Say(from_word(text, heard), voice, barge_in), rules)
        case _:
            return step
