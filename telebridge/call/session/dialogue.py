"""The dialogue of a call: utterances of the bridge, the caller's voice and keys, messages they leave.

`Dialogue` performs the steps of a flow that need nobody else, one at a time, and returns `StepOver` at the end of each.
Announcements come from outside the flow; each is said when nothing else is, and a question that it interrupted begins
to wait again.

One rule: a step ends when the caller has *heard* it, which the ledger says, not when it was sent.
"""

from itertools import count

from telebridge.call.record import CallRecord
from telebridge.call.session.announcements import AnnouncementQueue
from telebridge.call.session.answering.screening_turn import ScreeningTurn
from telebridge.call.session.audio.full_duplex import CallerActivity, FullDuplex, UtteranceOver
from telebridge.call.session.effects import CallEffect, ForwardAudio, SaveMessage
from telebridge.call.session.events import JudgeAnswered, WordsHeard
from telebridge.call.session.turn import NO_WORDS, DialogTurn, StepOver, TurnResult
from telebridge.call.session.words.ahead import WordsAhead
from telebridge.call.session.words.floor import FloorWords
from telebridge.call.session.words.options import WordOptions
from telebridge.errors import LocalProtocolError, NotLive
from telebridge.flows.steps import Collect, DialogueStep, Play, Say, Screening, Wait
from telebridge.recognition.source import FinalTranscript
from telebridge.timing.deadlines import earliest
from telebridge.turns.barge_in import BargeInCause
from telebridge.turns.digits import DigitCollector
from telebridge.turns.voice_activity import CallerSpeechEnded, CallerSpeechStarted
from telebridge.turns.words_judge import Settled
from telebridge.twilio.media_stream import AudioReceived


class Dialogue:
    """The dialogue of one call.

    Attributes:
        digits: The caller's keys.
        ahead: What the caller said before the question to come.
        announcements: What is said outside the flow.
        floor: What the caller says outside of questions.

    Args:
        record: Filled with what was said and typed.
        duplex: The audio of the call.
        listening: Whether and how words are heard.
    """

    __slots__ = ("_duplex", "_listening", "_numbers", "_record", "_turn", "ahead", "announcements", "digits", "floor")

    def __init__(self, record: CallRecord, duplex: FullDuplex, listening: WordOptions = NO_WORDS) -> None:
        self._duplex = duplex
        self._listening = listening
        self._numbers = count(1)  # each recognition of a call has its own
        self.digits = DigitCollector()
        self.announcements = AnnouncementQueue(duplex)
        self._record = record
        self._turn: DialogTurn | None = None
        self.floor = FloorWords(duplex, record, listening, self._numbers)
        self.ahead = WordsAhead(duplex, listening.available)

    # Steps.

    def begin(self, step: DialogueStep, *, now: float) -> list[TurnResult]:
        """Begin a step; the one before it must be over.

        Raises:
            LocalProtocolError: It is not.
        """
        begun = self.announcements.held if self._turn is None else self._turn.step
        if begun is not None:
            raise LocalProtocolError(f"{step} was asked for while {begun} is in progress")
        if self.announcements.in_progress:
            self.announcements.held = step
            return []
        if self.ahead.kept:
            self._follow_ahead(step)
        parts = (self._duplex, self.digits, self._record, self._listening, next(self._numbers), self.ahead)
        self._turn = ScreeningTurn(step, *parts) if isinstance(step, Screening) else DialogTurn(step, *parts)
        return self._go_on(self._turn.begin(now=now), now)

    def _follow_ahead(self, step: DialogueStep) -> None:
        """A step begins: what was said before is kept for the question that follows, as far as it belongs to that."""
        match step:
            case Say() if step.is_blank:
                pass
            case Say() | Play():
                self.ahead.prompt_began()
            case Collect(words=rules) if rules is not None:  # takes it
                pass
            case Wait():
                pass
            case _:
                self.ahead.clear()

    def cancel(self, *, now: float) -> list[CallEffect]:
        """Cancel the step in progress; a message recorded so far is saved all the same."""
        saved = self._drop_turn()
        if self.announcements.in_progress or self._duplex.saying is None:
            return saved
        return [*saved, *self._duplex.interrupt(BargeInCause.API, now=now).effects]

    def end(self, *, now: float) -> list[CallEffect]:
        """The call is over."""
        effects = self._drop_turn()
        if self._duplex.saying is not None:
            cut = self._duplex.interrupt(BargeInCause.HANG_UP, now=now)
            effects += cut.effects
            if self.announcements.in_progress:
                effects.append(self.announcements.finish(cut.utterance))
        return [*effects, *self.announcements.cancel_waiting(NotLive(self._record.call_sid, "is over"))]

    def _drop_turn(self) -> list[CallEffect]:
        mail_to = None if self._turn is None else self._turn.mail_to
        stopped = [] if self._turn is None else self._turn.stop_listening()
        self._turn = self.announcements.held = None
        self.ahead.clear()
        self.digits.stop()
        audio = self._duplex.stop_recording()
        return [*stopped, SaveMessage(audio, mail_to)] if audio else stopped

    def _results_of(self, results: list[TurnResult], now: float) -> list[TurnResult]:
        """The results of the turn in progress; what waits is announced before the flow learns that its step is over."""
        if not results or not isinstance(results[-1], StepOver):
            return results
        stopped = [] if self._turn is None else self._turn.stop_listening()
        if self.ahead.kept and self._turn is not None and isinstance(self._turn.step, Collect):
            self.ahead.clear()
        self._turn = self.announcements.held = None
        return [*results[:-1], *stopped, *self.announcements.begin_next(now=now), results[-1]]

    def _go_on(self, results: list[TurnResult], now: float) -> list[TurnResult]:
        """The same, where the turn may have left the line idle: announcements may come during an open question."""
        return [*self._results_of(results, now), *self.announcements.begin_next(now=now)]

    # What happened.

    def receive_media(self, frame: AudioReceived, activity: CallerActivity, *, now: float) -> list[TurnResult]:
        """Take a frame of the caller's, and what `FullDuplex.receive_media` returned for it."""
        results: list[TurnResult] = []
        if self._duplex.forwarding:
            self._duplex.frame_forwarded()
            results.append(ForwardAudio(frame.payload))
        match activity.speech:
            case CallerSpeechStarted():
                self.digits.speech_started(now=now)
            case CallerSpeechEnded():
                self.digits.speech_ended(now=now)
            case None:
                pass
        heard = self._recognize(frame.payload, activity.speech, now)
        results += activity.effects
        results += self._utterance_over(activity.interrupted, now)
        if heard:
            results += self._results_of(heard, now)  # after what silences the line
        recording = self._duplex.recording
        if recording is not None:
            ending = recording.append(frame.payload, speaking=self._duplex.caller_speaking)
            if ending is not None and self._turn is not None:
                results += self._results_of(self._turn.recording_ended(ending), now)
        return results

    def _recognize(
        self, payload: bytes, change: CallerSpeechStarted | CallerSpeechEnded | None, now: float
    ) -> list[TurnResult]:
        """Give a frame to the recognition of the question, or to that of the words outside of questions."""
        turn, floor = self._turn, self.floor
        if isinstance(change, CallerSpeechStarted):
            self.ahead.answered = False
        if turn is None or not turn.listens:
            effects: list[TurnResult] = [*floor.receive_speech(payload, change, now=now)]
            self._keep_ahead(payload, change)
            return effects
        effects = turn.receive_speech(payload, change, now=now)
        spoken = turn.spoken
        if spoken is None:
            return effects
        if spoken.in_utterance:
            if self._overhears:
                floor.utterance_began(spoken.number, spoken.utterance, now=now)
        elif isinstance(change, CallerSpeechEnded):
            ended_at = now - self._listening.silence_noticed_seconds
            floor.utterance_ended(spoken.number, spoken.utterance, ended_at=ended_at)
        return effects

    def _keep_ahead(self, payload: bytes, change: CallerSpeechStarted | CallerSpeechEnded | None) -> None:
        """Keep what is said over a prompt that is no question."""
        ahead, turn, floor = self.ahead, self._turn, self.floor
        kept = ahead.in_utterance
        begins = not self.announcements.in_progress and turn is not None and isinstance(turn.step, Say | Play | Wait)
        ahead.receive_speech(payload, change, begins=begins, heard_by=floor.own_utterance)
        if kept or ahead.in_utterance:
            self._duplex.recognizing = ahead.in_utterance or floor.in_utterance

    def words_heard(self, heard: WordsHeard, *, now: float) -> list[TurnResult]:
        """The recognizer has heard something: an answer, or words over a prompt.

        What comes during an announcement answers after its end.
        """
        results: list[TurnResult] = []
        asked = None if self._turn is None else self._turn.spoken
        answers = asked is not None and asked.number == heard.number and asked.answers(heard.result.text)
        if self._turn is not None and self.announcements.in_progress:
            self.announcements.late_words.append(heard)
        elif self._turn is not None:
            results = self._results_of(self._turn.words_heard(heard, now=now), now)
        noted = len(self._record.heard)
        effects, settled = self.floor.words_heard(heard, answers=answers, now=now)
        if isinstance(heard.result, FinalTranscript):
            said = (heard.number, heard.result.utterance)
            self.ahead.transcript_heard(said, heard.result, noted=len(self._record.heard) > noted)
        return [*effects, *results, *self._settle(settled, now)]

    def judge_answered(self, answered: JudgeAnswered, *, now: float) -> list[TurnResult]:
        """The judge of the settings has said what words over a prompt mean."""
        effects, settled = self.floor.judge_answered(answered, now=now)
        return [*effects, *self._settle(settled, now)]

    def _settle(self, settled: Settled | None, now: float) -> list[TurnResult]:
        """Do what words, or the lack of them, have decided about the prompt."""
        if settled is None:
            return []
        activity = self._duplex.settle(settled, now=now)
        return [*activity.effects, *self._utterance_over(activity.interrupted, now)]

    def message_saved(self, file: str | None, *, now: float) -> list[TurnResult]:
        """What the caller said is in that file, or could not be saved."""
        return [] if self._turn is None else self._results_of(self._turn.message_saved(file), now)

    def mark_returned(self, name: str, *, now: float) -> list[TurnResult]:
        """A mark came back."""
        return self._utterance_over(self._duplex.mark_returned(name, now=now), now)

    def clear(self, cause: BargeInCause, *, now: float) -> list[TurnResult]:
        """Interrupt what is being said, whatever its barge-in policy."""
        if self._duplex.saying is None:
            return []
        return self._utterance_over(self._duplex.interrupt(cause, now=now), now)

    def _utterance_over(self, over: UtteranceOver | None, now: float) -> list[TurnResult]:
        if over is None:
            return []
        if self.announcements.in_progress:
            report = self.announcements.finish(over.error or over.utterance)
            return [*over.effects, report, *self._after_announcement(now)]
        if self._turn is None:
            return [*over.effects]
        interruption = over.utterance.interruption
        if interruption is not None and interruption.cause is BargeInCause.SPEECH:
            self.ahead.prompt_interrupted()
        if over.error is not None:
            return [*over.effects, *self._results_of(self._turn.prompt_failed(over.error), now)]
        prompted = self._turn.prompt_ended(interruption, now=now)
        return [*over.effects, *self._go_on(prompted, now)]

    def _after_announcement(self, now: float) -> list[TurnResult]:
        results: list[TurnResult] = [*self.announcements.begin_next(now=now)]
        if self.announcements.in_progress:
            return results
        if (held := self.announcements.pop_held()) is not None:
            results += self.begin(held, now=now)
        else:
            self.digits.restart_timers(now=now)
        for key in self.announcements.pop_late_keys():
            results += self.digit_pressed(key, now=now)
        for heard in self.announcements.pop_late_words():
            results += self.words_heard(heard, now=now)
        return results

    def digit_pressed(self, digit: str, *, now: float) -> list[TurnResult]:
        """The caller pressed a key: it interrupts what yields to it, then it is an answer or typed ahead."""
        recording, turn = self._duplex.recording, self._turn
        if turn is not None and recording is not None and (ending := recording.press(digit)) is not None:
            return self._results_of(turn.recording_ended(ending), now)
        if self.digits.is_late_finish_key(digit, now=now):
            self.digits.press(digit, now=now)
            return []
        saying = self._duplex.saying
        if saying is None or not self._duplex.yields(saying, BargeInCause.KEY):
            return self._take_key(digit, now)
        cut = self._duplex.interrupt(BargeInCause.KEY, now=now)
        if self.announcements.in_progress or turn is None:
            return [*self._utterance_over(cut, now), *self._take_key(digit, now)]
        pressed = turn.press(digit, now=now)
        if pressed:
            return [*cut.effects, *self._results_of(pressed, now)]
        prompted = turn.prompt_ended(cut.utterance.interruption, now=now)
        return [*cut.effects, *self._go_on(prompted, now)]

    def _take_key(self, digit: str, now: float) -> list[TurnResult]:
        """A key that interrupts nothing; one that answers a question waits for the end of an announcement."""
        if self.announcements.in_progress:
            self.announcements.late_keys += digit
            return []
        if self._turn is not None:
            return self._results_of(self._turn.press(digit, now=now), now)
        self.digits.press(digit, now=now)
        return []

    def stream_started(self, *, now: float) -> list[CallEffect]:
        """The stream is there; media time begins anew."""
        self.digits.restart_timers(now=now)
        self.ahead.clear()
        lost = [] if self._turn is None else self._turn.speech_lost(now=now)
        return [*lost, *self.floor.speech_lost(now=now), *self._duplex.stream_started(now=now)]

    def attend(self, *, live: bool, now: float) -> list[CallEffect]:
        """Listen as long as somebody wants to know whether the caller speaks, or what they say."""
        floor = self.floor
        awaited = self.digits.collecting or floor.turns.wanted
        if self._duplex.attend(live=live, awaited=awaited, between_steps=self._turn is None):
            self.digits.speech_ended(now=now)
        if not self._overhears:
            return []
        questioned = self._turn is not None and self._turn.listens
        return floor.attend(live=live, questioned=questioned, now=now)

    @property
    def _overhears(self) -> bool:
        """Whether words outside of questions are wanted."""
        return self._duplex.contest is not None or self.floor.own is not None or self.floor.turns.wanted

    # Time.

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        contest = self._duplex.contest
        return earliest(
            self._duplex.next_deadline(),
            None if contest is None else contest.next_deadline(),
            None if self._turn is None else self._turn.next_deadline(announcing=self.announcements.in_progress),
        )

    def handle_timeout(self, *, now: float) -> list[TurnResult]:
        """What follows from the time being `now`."""
        results = self._utterance_over(self._duplex.handle_timeout(now=now), now)
        if self._duplex.contest is not None:
            results += self._settle(self._duplex.contest.handle_timeout(now=now), now)
        if self._turn is not None:
            timed_out = self._turn.handle_timeout(announcing=self.announcements.in_progress, now=now)
            results += self._results_of(timed_out, now)
        return results
