"""What passes between the caller and the bridge: our utterances, their voice, their keys, their recording.

It performs the steps of a flow that need nobody else, one at a time, and says when each is over. AnnouncementQueue come
from beside the flow; each is said when nothing else is, and a question it fell into begins to wait anew.

One rule: a step ends when the caller has *heard* it, which the ledger says, not when it was sent.
"""

from telebridge.call.record import CallRecord
from telebridge.call.session.announcements import AnnouncementQueue
from telebridge.call.session.effects import CallEffect, ForwardAudio, SaveMessage
from telebridge.call.session.events import MessageSaved
from telebridge.call.session.full_duplex import FullDuplex, UtteranceOver
from telebridge.call.session.listening import CallerActivity, ListeningOptions
from telebridge.call.session.turn import DialogTurn, StepOver, TurnResult
from telebridge.deadlines import earliest
from telebridge.errors import LocalProtocolError, NotLive
from telebridge.flows.steps import Spoken
from telebridge.playback.writer import PlaybackOptions
from telebridge.turns.barge_in import BargeInCause, Decision
from telebridge.turns.digits import DigitCollector
from telebridge.turns.voice_activity import CallerSpeechEnded, CallerSpeechStarted
from telebridge.twilio.media_stream import AudioReceived


class Dialogue:
    """The talk of one call. What concerns one of its parts alone is told to that part.

    Attributes:
        duplex: Both voices.
        digits: The caller's keys.
        announcements: What is said beside the flow.
    """

    __slots__ = ("_record", "_step", "announcements", "digits", "duplex")

    def __init__(self, record: CallRecord, playback: PlaybackOptions, listening: ListeningOptions) -> None:
        self.duplex = FullDuplex(record, playback, listening)
        self.digits = DigitCollector()
        self.announcements = AnnouncementQueue(self.duplex)
        self._record = record
        self._step: DialogTurn | None = None

    # Steps.

    def begin(self, step: Spoken, *, now: float) -> list[TurnResult]:
        """Begin a step; the one before it must be over.

        Raises:
            LocalProtocolError: It is not.
        """
        begun = self.announcements.held if self._step is None else self._step.asked
        if begun is not None:
            raise LocalProtocolError(f"{step} was asked for while {begun} is in progress")
        if self.announcements.in_progress:
            self.announcements.held = step
            return []
        self._step = DialogTurn(step, self.duplex, self.digits, self._record)
        return self._went_on(self._step.begin(now=now), now)

    def cancel(self, *, now: float) -> list[CallEffect]:
        """Nobody waits for the step any more; what was recorded so far is kept all the same."""
        kept = self._drop_step()
        if self.announcements.in_progress or self.duplex.speaking.in_progress is None:
            return kept
        return [*kept, *self.duplex.interrupt(BargeInCause.API, now=now).effects]

    def end(self, *, now: float) -> list[CallEffect]:
        """The call is over."""
        effects = self._drop_step()
        if self.duplex.speaking.in_progress is not None:
            cut = self.duplex.interrupt(BargeInCause.HANG_UP, now=now)
            effects += cut.effects
            if self.announcements.in_progress:
                effects.append(self.announcements.over(cut.utterance))
        return [*effects, *self.announcements.refuse(NotLive(self._record.call_sid, "is over"))]

    def _drop_step(self) -> list[CallEffect]:
        self._step = self.announcements.held = None
        self.digits.stop()
        audio = self.duplex.stop_recording()
        return [SaveMessage(audio)] if audio else []

    def _followed(self, news: list[TurnResult], now: float) -> list[TurnResult]:
        """The news of the step in progress; before whoever leads hears that it is over, what waits is announced."""
        if not news or not isinstance(news[-1], StepOver):
            return news
        self._step = self.announcements.held = None
        return [*news[:-1], *self.announcements.begin_next(now=now), news[-1]]

    def _went_on(self, news: list[TurnResult], now: float) -> list[TurnResult]:
        """The same, where the step may have left the line idle: a question that is open lets others have their say."""
        return [*self._followed(news, now), *self.announcements.begin_next(now=now)]

    # What happened.

    def hear(self, frame: AudioReceived, *, now: float) -> list[TurnResult] | None:
        """What follows from a frame of the caller's; None when nothing does."""
        duplex = self.duplex
        listening = duplex.listening
        worth = listening.keep(frame)
        if not worth and not duplex.handing_on and duplex.recording is None:
            return None
        news: list[TurnResult] = []
        heard = duplex.hear(now=now) if worth else None
        if duplex.handing_on:
            listening.handed_on()
            news.append(ForwardAudio(frame.payload))
        if heard is not None:
            news += self._caller_heard(heard, now)
        if duplex.recording is not None:
            ending = duplex.recording.hear(frame.payload, speaking=listening.speaking)
            if ending is not None and self._step is not None:
                news += self._followed(self._step.recording_over(ending), now)
        return news if news or heard is not None else None

    def _caller_heard(self, heard: CallerActivity, now: float) -> list[TurnResult]:
        match heard.speech:
            case CallerSpeechStarted():
                self.digits.speech_started(now=now)
            case CallerSpeechEnded():
                self.digits.speech_ended(now=now)
            case None:
                pass
        match heard.decision:
            case Decision.PAUSE:
                return [*self.duplex.speaking.pause(now=now)]
            case Decision.RESUME:
                return [*self.duplex.speaking.resume(now=now)]
            case Decision.COMMIT:
                return self.clear(BargeInCause.SPEECH, now=now)
            case None:
                return []

    def recording_kept(self, event: MessageSaved, *, now: float) -> list[TurnResult]:
        """What the caller said is in a file, or could not be kept."""
        return [] if self._step is None else self._followed(self._step.recording_kept(event.file), now)

    def mark_returned(self, name: str, *, now: float) -> list[TurnResult]:
        """A mark came back."""
        return self._utterance_over(self.duplex.mark_returned(name, now=now), now)

    def clear(self, cause: BargeInCause, *, now: float) -> list[TurnResult]:
        """Somebody takes the floor from what is being said, whatever its policy."""
        if self.duplex.speaking.in_progress is None:
            return []
        return self._utterance_over(self.duplex.interrupt(cause, now=now), now)

    def _utterance_over(self, over: UtteranceOver | None, now: float) -> list[TurnResult]:
        if over is None:
            return []
        if self.announcements.in_progress:
            report = self.announcements.over(over.error or over.utterance)
            return [*over.effects, report, *self._after_announcement(now)]
        if self._step is None:
            return [*over.effects]
        if over.error is not None:
            return [*over.effects, *self._followed(self._step.failed(over.error), now)]
        prompted = self._step.prompt_over(over.utterance.interruption, now=now)
        return [*over.effects, *self._went_on(prompted, now)]

    def _after_announcement(self, now: float) -> list[TurnResult]:
        news: list[TurnResult] = [*self.announcements.begin_next(now=now)]
        if self.announcements.in_progress:
            return news
        if (held := self.announcements.take_held()) is not None:
            news += self.begin(held, now=now)
        else:
            self.digits.wait_anew(now=now)
        for key in self.announcements.take_late_keys():
            news += self.digit_pressed(key, now=now)
        return news

    def digit_pressed(self, digit: str, *, now: float) -> list[TurnResult]:
        """The caller pressed a key: it ends what yields to it, then it counts."""
        recording, step = self.duplex.recording, self._step
        if step is not None and recording is not None and (ending := recording.press(digit)) is not None:
            return self._followed(step.recording_over(ending), now)
        if self.digits.is_late_finish_key(digit, now=now):
            self.digits.press(digit, now=now)
            return []
        saying = self.duplex.speaking.in_progress
        if saying is None or not self.duplex.yields(saying, BargeInCause.KEY):
            return self._take_key(digit, now)
        cut = self.duplex.interrupt(BargeInCause.KEY, now=now)
        if self.announcements.in_progress or step is None:
            return [*self._utterance_over(cut, now), *self._take_key(digit, now)]
        pressed = step.press(digit, now=now)
        if pressed:
            return [*cut.effects, *self._followed(pressed, now)]
        prompted = step.prompt_over(cut.utterance.interruption, now=now)
        return [*cut.effects, *self._went_on(prompted, now)]

    def _take_key(self, digit: str, now: float) -> list[TurnResult]:
        """A key that interrupts nothing; one that answers a question waits for the end of an announcement."""
        if self.announcements.in_progress:
            self.announcements.late_keys += digit
            return []
        if self._step is not None:
            return self._followed(self._step.press(digit, now=now), now)
        self.digits.press(digit, now=now)
        return []

    def stream_started(self, *, now: float) -> list[CallEffect]:
        """The stream is there; media time begins anew."""
        self.digits.wait_anew(now=now)
        return self.duplex.stream_started(now=now)

    def attend(self, *, live: bool, now: float) -> None:
        """Listen as long as somebody wants to know whether the caller speaks."""
        if self.duplex.attend(live=live, awaited=self.digits.collecting, between_steps=self._step is None):
            self.digits.speech_ended(now=now)

    # Time.

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        return earliest(
            self.duplex.speaking.next_deadline(),
            None if self._step is None else self._step.next_deadline(announcing=self.announcements.in_progress),
        )

    def handle_timeout(self, *, now: float) -> list[TurnResult]:
        """What follows from the time being `now`."""
        news = self._utterance_over(self.duplex.handle_timeout(now=now), now)
        if self._step is not None:
            timed_out = self._step.handle_timeout(announcing=self.announcements.in_progress, now=now)
            news += self._followed(timed_out, now)
        return news
