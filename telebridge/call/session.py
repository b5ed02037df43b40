"""One phone call: what follows from what happened, without doing any of it.

The session routes. It owns our half of the talk (`Speaking`), the caller's (`Listening`), their keys
(`DigitCollector`) and the flow, and passes events between them. Every answer is a list of effects, to be performed in
order.

One rule: a step of the flow ends when the caller has *heard* it, which the ledger says, not when it was sent.
"""

from dataclasses import dataclass, field

from telebridge.call.effects import CloseStream, Effect, EndCall, HandOnAudio, ReportOutcome
from telebridge.call.events import (
    AudioAsked,
    CallEvent,
    CallOver,
    ClearAsked,
    FlowEnded,
    SpeechArrived,
    SpeechEnded,
    SpeechFailed,
    StepAsked,
    StepCancelled,
    StreamLost,
    TextTaken,
)
from telebridge.call.listening import Heard, Listening, ListeningOptions
from telebridge.call.record import CallRecord
from telebridge.call.speaking import Speaking, SpeechNews, Spoken
from telebridge.call.stream_watch import Phase, StreamWatch
from telebridge.errors import LocalProtocolError
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.steps import Collect, Gathered, HangUp, Outcome, Play, Said, Say, Step, Wait
from telebridge.playback.writer import PlaybackOptions, SendAudio
from telebridge.turns.barge_in import BargeIn, BargeInCause, Decision
from telebridge.turns.digits import Collected, DigitCollector
from telebridge.turns.voice_activity import SpeechEnded as CallerStopped
from telebridge.turns.voice_activity import SpeechStarted as CallerStarted
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


class CallSession:
    """A call from its webhook to its end.

    Args:
        flow: The flow that leads the call; None when a Python flow does, which sends `StepAsked`.
        record: Filled as the call goes on.
    """

    __slots__ = (
        "_began_at",
        "_digits",
        "_flow",
        "_handing_on",
        "_listening",
        "_options",
        "_speaking",
        "_step",
        "_stream",
        "_waits_until",
        "apology_due",
        "record",
    )

    def __init__(self, flow: FlowInterpreter | None, record: CallRecord, options: SessionOptions) -> None:
        self.record = record
        self.apology_due = False
        self._flow = flow
        self._options = options
        self._speaking = Speaking(options.playback)
        self._listening = Listening(options.listening)
        self._handing_on = False  # whether somebody takes the caller's audio
        self._digits = DigitCollector()
        self._step: Step | None = None
        self._waits_until: float | None = None  # the end of a step that only waits
        self._began_at = 0.0
        self._stream = StreamWatch(
            wait_seconds=options.stream_wait_seconds,
            silent_seconds=options.media_timeout_seconds,
            close_seconds=options.close_seconds,
        )

    @property
    def phase(self) -> Phase:
        """Where the call stands."""
        return self._stream.phase

    @property
    def saying(self) -> str | None:
        """What is being said, as far as its text is known; None when nothing is."""
        return self._speaking.text

    # What the shell calls.

    def start(self, *, now: float) -> list[Effect]:
        """Begin, before the stream exists: the first prompt is fetched while Twilio connects it."""
        self._began_at = now
        self._stream.wait(now=now)
        return [] if self._flow is None else self._perform(self._flow.start(), now)

    def hear(self, frame: AudioReceived, *, now: float) -> list[Effect] | None:
        """What follows from a frame of the caller's; None when nothing does, not even for `next_deadline`."""
        if self._stream.phase is Phase.OVER:
            return None
        listening = self._listening
        self._stream.heard_at = now
        heard = self._listen(now) if listening.keep(frame) else None
        if heard is None and not self._handing_on:
            return None
        effects: list[Effect] = []
        if self._handing_on:
            listening.handed_on()
            effects.append(HandOnAudio(frame.payload))
        if heard is not None:
            effects += self._caller_heard(heard, now)
            self._attend(now)
        return effects

    def handle(self, event: CallEvent, *, now: float) -> list[Effect]:
        """What follows from `event`."""
        if self.phase is Phase.OVER:
            return []
        effects = self._follow(event, now)
        self._attend(now)
        return effects

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        deadlines = (
            self._stream.next_deadline(),
            self._digits.next_deadline(),
            self._speaking.next_deadline(),
            self._waits_until,
        )
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def handle_timeout(self, *, now: float) -> list[Effect]:
        """What follows from the time being `now`."""
        effects = self._spoken(self._speaking.handle_timeout(now=now), now)
        if (collected := self._digits.handle_timeout(now=now)) is not None:
            effects += self._collected(collected, now)
        if self._waits_until is not None and self._waits_until <= now:
            effects += self._prompt_over(None, now)
        if self._stream.is_overdue(now=now):
            effects += self._stream_overdue(now)
        self._attend(now)
        return effects

    def _follow(self, event: CallEvent, now: float) -> list[Effect]:  # noqa: C901, PLR0912 - a line for each kind
        match event:
            case AudioReceived():
                return self.hear(event, now=now) or []
            case SpeechArrived() | SpeechEnded() | SpeechFailed():
                return self._speech(event, now)
            case MarkReturned(name):
                return self._spoken(self._speaking.mark_returned(name, now=now), now)
            case DigitPressed(digit):
                return self._digit_pressed(digit, now)
            case ClearAsked(cause):
                return self._clear_asked(cause, now)
            case TextTaken():
                self._speaking.text_taken(event)
                return []
            case AudioAsked(wanted):
                self._handing_on = wanted
                return [HandOnAudio(self._listening.hand_on())] if wanted else []
            case StepAsked(step):
                return self._perform(step, now)
            case StepCancelled():
                return self._cancel_step(now)
            case FlowEnded(error):
                return self._close("flow ended" if error is None else error, now, apology=error is not None)
            case StreamStarted():
                return self._stream_started(now)
            case StreamLost():
                return self._stream_lost(now)
            case StreamStopped():
                return self._end("caller hung up", now)
            case CallOver(status):
                return self._end(f"call {status}", now)

    # Steps of the flow.

    def _perform(self, step: Step, now: float) -> list[Effect]:
        if self.phase in (Phase.CLOSING, Phase.OVER):
            return []
        if self._step is not None:
            raise LocalProtocolError(f"{step} was asked for while {self._step} is in progress")
        self._step = step
        match step:
            case Say():
                return self._say(step, now)
            case Play():
                effects = self._speaking.play(step, now=now)
                self._note_first_audio(effects, now)
                return effects
            case Wait(seconds):
                self._waits_until = now + seconds
                return []
            case Collect():
                return self._collect(step, now)
            case HangUp():
                return self._close("hung up by the flow", now)

    def _say(self, say: Say, now: float) -> list[Effect]:
        if isinstance(say.text, str) and not say.text.strip():
            return self._prompt_over(None, now)
        effects = self._speaking.begin(say)
        if self._listening.speaking and self._yields(say, BargeInCause.SPEECH):
            self._listening.prompt_waits()
            effects += self._speaking.pause(now=now)  # who speaks already is heard out
        return effects

    def _collect(self, step: Collect, now: float) -> list[Effect]:
        """Keys that were typed ahead answer the question before it is asked; the prompt is then skipped."""
        prompt = step.prompt
        if prompt is not None and not self._yields(prompt, BargeInCause.KEY):
            return self._say(prompt, now)
        collected = self._digits.start(step.rules, now=now)
        if collected is not None:
            return self._collected(collected, now)
        if prompt is None or self._digits.typed:
            self._digits.prompt_ended(now=now)
            return []
        return self._say(prompt, now)

    def _prompt_over(self, interruption: BargeIn | None, now: float) -> list[Effect]:
        """The prompt of the step was heard or interrupted: go on with the step."""
        if not isinstance(self._step, Collect):
            return self._finish_step(Said(interruption), now)
        if not self._digits.collecting:
            collected = self._digits.start(self._step.rules, now=now)
            if collected is not None:
                return self._collected(collected, now)
        self._digits.prompt_ended(now=now)
        return []

    def _collected(self, collected: Collected, now: float) -> list[Effect]:
        """The digits are in; a prompt that still plays yields first."""
        effects: list[Effect] = []
        if self._speaking.in_progress is not None:
            effects, _ = self._interrupt(BargeInCause.KEY, now)
        if collected.digits:
            self.record.digits.append(collected.digits)
        return effects + self._finish_step(Gathered(collected.digits, collected.ending), now)

    def _finish_step(self, outcome: Outcome, now: float) -> list[Effect]:
        self._step = self._waits_until = None
        if self._flow is None:
            return [ReportOutcome(outcome)]
        return self._perform(self._flow.resume(outcome), now)

    def _cancel_step(self, now: float) -> list[Effect]:
        self._step = self._waits_until = None
        self._digits.stop()
        if self._speaking.in_progress is None:
            return []
        return self._interrupt(BargeInCause.API, now)[0]

    # Speech and barge-in.

    def _speech(self, event: SpeechNews, now: float) -> list[Effect]:
        effects = self._speaking.receive(event, now=now)
        self._note_first_audio(effects, now)
        return effects

    def _spoken(self, spoken: Spoken | None, now: float) -> list[Effect]:
        """An utterance was heard to its end, or to where its source failed."""
        if spoken is None:
            return []
        self.record.utterances.append(spoken.utterance)
        if spoken.error is None:
            return self._prompt_over(None, now)
        self._digits.stop()
        if self._flow is not None:  # a flow file has no answer to it, and the caller must not hear silence
            return self._close(f"speech failed: {spoken.error}", now, apology=True)
        self._step = None
        return [ReportOutcome(spoken.error)]

    def _digit_pressed(self, digit: str, now: float) -> list[Effect]:
        if self._digits.is_late_finish_key(digit, now=now):
            self._digits.press(digit, now=now)
            return []
        effects: list[Effect] = []
        interruption = None
        saying = self._speaking.in_progress
        if saying is not None and self._yields(saying, BargeInCause.KEY):
            effects, interruption = self._interrupt(BargeInCause.KEY, now)
        collected = self._digits.press(digit, now=now)
        if collected is not None:
            return effects + self._collected(collected, now)
        if interruption is not None:
            effects += self._prompt_over(interruption, now)
        return effects

    def _clear_asked(self, cause: BargeInCause, now: float) -> list[Effect]:
        if self._speaking.in_progress is None:
            return []
        effects, interruption = self._interrupt(cause, now)
        return effects + self._prompt_over(interruption, now)

    def _interrupt(self, cause: BargeInCause, now: float) -> tuple[list[Effect], BargeIn | None]:
        stop_ms = self._listening.floor.stop_ms if cause is BargeInCause.SPEECH else 0.0
        effects, utterance = self._speaking.interrupt(cause, now=now, stop_ms=stop_ms)
        self._listening.interrupted()
        self.record.utterances.append(utterance)
        return effects, utterance.interruption

    # The caller's voice.

    def _listen(self, now: float) -> Heard | None:
        speaking = self._speaking
        saying = speaking.in_progress
        yields = saying is not None and self._yields(saying, BargeInCause.SPEECH)
        return self._listening.hear(
            played_ms=(lambda: speaking.heard_ms(now=now)) if yields else None,
            sounded=(lambda ms: speaking.sounded(ms, now=now)) if speaking.sounds(now=now) else None,
        )

    def _caller_heard(self, heard: Heard, now: float) -> list[Effect]:
        match heard.speech:
            case CallerStarted():
                self._digits.speech_started(now=now)
            case CallerStopped():
                self._digits.speech_ended(now=now)
            case None:
                pass
        match heard.decision:
            case Decision.PAUSE:
                return self._speaking.pause(now=now)
            case Decision.RESUME:
                effects = self._speaking.resume(now=now)
                self._note_first_audio(effects, now)
                return effects
            case Decision.COMMIT:
                return self._clear_asked(BargeInCause.SPEECH, now)
            case None:
                return []

    def _attend(self, now: float) -> None:
        """Listen as long as somebody wants to know whether the caller speaks."""
        saying = self._speaking.in_progress
        wanted = self._digits.collecting if saying is None else self._yields(saying, BargeInCause.SPEECH)
        between_steps = self._step is None and self._listening.speaking  # a Python flow takes a moment to go on
        attentive = self.phase is Phase.LIVE and (wanted or self._listening.floor.callers or between_steps)
        if self._listening.attentive and not attentive:
            self._digits.speech_ended(now=now)
        self._listening.attend(attentive=attentive)

    def _yields(self, say: Say, cause: BargeInCause) -> bool:
        return say.yields_to(cause, self._options.listening.barge_in.policy)

    def _note_first_audio(self, effects: list[Effect], now: float) -> None:
        if self.record.first_audio_ms is None and any(isinstance(effect, SendAudio) for effect in effects):
            self.record.first_audio_ms = round((now - self._began_at) * 1000, 1)

    # The stream.

    def _stream_started(self, now: float) -> list[Effect]:
        self._stream.opened(now=now)
        self._listening = Listening(self._options.listening)  # media time begins anew with each stream
        effects = self._speaking.stream_opened(now=now)
        self._note_first_audio(effects, now)
        return effects

    def _stream_lost(self, now: float) -> list[Effect]:
        """The stream is gone but the call may live: wait for Twilio to bring it back, then say again what it cut."""
        if self.phase is Phase.CLOSING:
            return self._end("", now)
        if self.phase is Phase.WAITING:
            return []
        self._stream.wait(now=now)
        # Its socket may be half open for minutes; once closed, Twilio asks what follows, and brings the call back.
        return [CloseStream(), *self._speaking.stream_lost(now=now)]

    def _stream_overdue(self, now: float) -> list[Effect]:
        if self.phase is Phase.LIVE:
            return self._stream_lost(now)
        return self._end("the media stream never came" if self.phase is Phase.WAITING else "", now)

    # The end.

    def _close(self, reason: str, now: float, *, apology: bool = False) -> list[Effect]:
        """The flow is over. Without a stream nothing is to close: the answer to Twilio's next question hangs up."""
        self.apology_due = apology
        self.record.end_reason = self.record.end_reason or reason
        if self.phase is Phase.WAITING:
            return self._end(reason, now)
        self._stream.closing(now=now)
        return [CloseStream()]

    def _end(self, reason: str, now: float) -> list[Effect]:
        self._stream.over()
        self._waits_until = None
        self._digits.stop()
        self.record.end_reason = self.record.end_reason or reason
        effects: list[Effect] = []
        if self._speaking.in_progress is not None:
            effects, _ = self._interrupt(BargeInCause.HANG_UP, now)
        return [*effects, EndCall()]
