"""One dialog turn: a step of a flow that needs nobody but the caller, from its prompt to its outcome.

A turn says its prompt, and knows what follows once that was heard or interrupted: nothing more, an open question, or
the beep and the recording after it. VoiceXML calls such a step a form item.

One rule: a turn is over once. `StepOver` is the last of the results that contain it, and nothing follows it.
"""

from dataclasses import asdict, dataclass, replace

from telebridge.audio.mulaw import BYTES_PER_MS
from telebridge.audio.tones import beep
from telebridge.call.record import CallRecord, HeardAnswer
from telebridge.call.session.audio.full_duplex import FullDuplex
from telebridge.call.session.effects import CallEffect, PublishEvent, SaveMessage
from telebridge.call.session.events import WordsHeard
from telebridge.call.session.words.ahead import WordsAhead
from telebridge.call.session.words.options import WordOptions
from telebridge.call.session.words.spoken_answer import SpokenAnswer, SpokenResult
from telebridge.errors import TelebridgeError
from telebridge.flows.steps import (
    Collect,
    DialogueStep,
    Gathered,
    Play,
    Record,
    Recorded,
    RecordingEnd,
    Said,
    Say,
    Screening,
    StepResult,
    Wait,
)
from telebridge.recognition.source import FinalTranscript
from telebridge.timing.deadlines import earliest
from telebridge.turns.barge_in import BargeIn, BargeInCause
from telebridge.turns.digits import Collected, DigitCollector, Ending
from telebridge.turns.voice_activity import CallerSpeechEnded, CallerSpeechStarted

NO_WORDS = WordOptions()
MASK = "*"
"""Stands for a key that is secret."""


@dataclass(frozen=True, slots=True)
class StepOver:
    """The step in progress is over."""

    outcome: StepResult | TelebridgeError


TurnResult = CallEffect | StepOver


class DialogTurn:
    """A turn in progress.

    Attributes:
        step: The step that it performs.

    Args:
        step: The step that it performs.
        duplex: The audio of the call; nothing is being said when the step begins.
        digits: The caller's keys; those typed ahead may answer it.
        record: What answers a question is noted here.
        listening: Whether and how words are heard.
        number: The number of this turn's recognition.
        ahead: What the caller said before; it may answer the question.
    """

    __slots__ = (
        "_ahead",
        "_beeped",
        "_digits",
        "_duplex",
        "_listening",
        "_noted_before",
        "_number",
        "_record",
        "_recorded",
        "_said_before",
        "_spoken",
        "_waits_until",
        "step",
    )

    def __init__(
        self,
        step: DialogueStep,
        duplex: FullDuplex,
        digits: DigitCollector,
        record: CallRecord,
        listening: WordOptions = NO_WORDS,
        number: int = 0,
        ahead: WordsAhead | None = None,
    ) -> None:
        self.step = step
        self._ahead = ahead or WordsAhead(duplex, listening.available)
        self._said_before: SpokenResult | None = None  # the answer, where it was known before the question
        self._noted_before = False  # whether that stands in the record
        self._listening = listening
        self._number = number
        self._spoken: SpokenAnswer | None = None  # once the recognizer listens
        self._duplex = duplex
        self._digits = digits
        self._record = record
        self._waits_until: float | None = None  # the end of a step that only waits
        self._beeped = False
        self._recorded: Recorded | None = None  # ended, but not yet saved

    @property
    def mail_to(self) -> str | None:
        """To whom a message that it records is sent by e-mail; None where the settings say."""
        return self.step.mail_to if isinstance(self.step, Record) else None

    @property
    def listens(self) -> bool:
        """Whether it gives what the caller says to a recognition of its own."""
        return self._spoken is not None

    @property
    def spoken(self) -> SpokenAnswer | None:
        """The words of its question, while a recognizer listens for them."""
        return self._spoken

    @property
    def secret(self) -> bool:
        """Whether what the caller answers is kept out of records and events."""
        return isinstance(self.step, Collect) and self.step.secret

    def begin(self, *, now: float) -> list[TurnResult]:
        """Begin the turn."""
        match self.step:
            case Say() as say:
                return self._say(say, now)
            case Play() as play:
                return [*self._duplex.play(play, now=now)]
            case Wait(seconds):
                self._waits_until = now + seconds
                return []
            case Collect() as collect:
                self.step = collect = self._as_heard(collect)
                if collect.words is not None and collect.words.free and not self._listening.available():
                    return [StepOver(Gathered("", Ending.UNHEARD))]
                return [*self._listen(collect, asked=collect.prompt is None, now=now), *self._collect(collect, now)]
            case Record(prompt):
                return self.prompt_ended(None, now=now) if prompt is None else self._say(prompt, now)
            case Screening():  # a turn of its own, `ScreeningTurn`
                return []

    def _say(self, say: Say, now: float) -> list[TurnResult]:
        return self.prompt_ended(None, now=now) if say.is_blank else [*self._duplex.say(say, now=now)]

    def _collect(self, step: Collect, now: float) -> list[TurnResult]:
        """Keys that were typed ahead answer the question before it is asked; the prompt is then skipped."""
        prompt = step.prompt
        if prompt is not None and not self._duplex.yields(prompt, BargeInCause.KEY):
            return self._say(prompt, now)
        collected = self._digits.start(step.rules, now=now)
        if collected is not None:
            return self._collected(collected, now)
        if self._said_before is not None:
            return self._understood(self._said_before, now)
        if prompt is None or self._digits.typed:
            self._digits.prompt_ended(now=now)
            return []
        return self._say(prompt, now)

    def prompt_ended(self, interruption: BargeIn | None, *, now: float) -> list[TurnResult]:
        """The prompt was heard or interrupted: go on with what follows it."""
        match self.step:
            case Collect(_, rules) as collect:
                collected = None if self._digits.collecting else self._digits.start(rules, now=now)
                if collected is not None:
                    return self._collected(collected, now)
                self._digits.prompt_ended(now=now)
                listened = self._listen(collect, asked=True, now=now)
                said = self._said_before
                return [*listened] if said is None else [*listened, *self._understood(said, now)]
            case Record() as record:
                return self._record_now(record, now)
            case _:
                return [StepOver(Said(interruption))]

    def prompt_failed(self, error: TelebridgeError) -> list[TurnResult]:
        """The prompt could not be spoken to its end."""
        self._digits.stop()
        return [StepOver(error)]

    def press(self, digit: str, *, now: float) -> list[TurnResult]:
        """Take a key; it is typed ahead for the next question when this turn asks none."""
        collected = self._digits.press(digit, now=now)
        return [] if collected is None else self._collected(collected, now)

    def _collected(self, collected: Collected, now: float, *, spoken: bool = False) -> list[TurnResult]:
        """The digits are complete; a prompt that still plays is interrupted first."""
        effects: list[CallEffect] = []
        if not spoken and self._spoken is not None and self._spoken.in_utterance:
            self._ahead.answered = True  # what they say belongs to this question
        if self._duplex.saying is not None:
            effects = self._duplex.interrupt(BargeInCause.KEY, now=now).effects
        if collected.digits:
            shown = MASK * len(collected.digits) if self.secret else collected.digits
            self._record.digits.append(shown)
            effects.append(PublishEvent("digits", {"digits": shown}))
        return [*effects, StepOver(Gathered(collected.digits, collected.ending))]

    # Words.

    def _as_heard(self, collect: Collect) -> Collect:
        """The question as it is asked: for words only where a recognizer listens."""
        if collect.words is None or collect.words.free:
            return collect
        if not self._listening.available():
            return replace(collect, words=None)
        return replace(collect, prompt=collect.words.prompt or collect.prompt)

    def _listen(self, collect: Collect, *, asked: bool, now: float) -> list[CallEffect]:
        """Have the recognizer listen: while the prompt plays that yields to speech, or once the question was asked."""
        prompt, words = collect.prompt, collect.words
        if words is None or self._spoken is not None:
            return []
        if not asked and prompt is not None and not self._duplex.yields(prompt, BargeInCause.SPEECH):
            return []
        text = prompt.text if prompt is not None and isinstance(prompt.text, str) else ""
        self._spoken = spoken = SpokenAnswer(self._number, words, self._listening, text)
        effects = [*spoken.start(), *self._listen_back(collect, spoken, now)]
        if self._duplex.caller_speaking and not spoken.in_utterance and not self._ahead.answered:
            effects += spoken.speech_started(self._duplex.speech_so_far(), now=now)
        self._duplex.recognizing = spoken.in_utterance
        return effects

    def _listen_back(self, collect: Collect, spoken: SpokenAnswer, now: float) -> list[CallEffect]:
        """Take what the caller said before the question; keys that were typed ahead win over it."""
        taken = self._ahead.take()
        if self._digits.ahead or self._digits.typed or not collect.rules.type_ahead:
            taken = [said for said in taken if not said.ended]
        effects: list[CallEffect] = []
        for said in taken:
            if said.final is None:
                effects += spoken.speech_ahead(said, asked=collect.prompt is not None, now=now)
        for said in taken:
            if said.final is not None and self._said_before is None:
                self._said_before = spoken.receive_ahead(said.final, said.saying, now=now)
                self._noted_before = said.noted
        return effects

    def stop_listening(self) -> list[CallEffect]:
        """The turn is over: the recognizer need not listen any more."""
        spoken, self._spoken = self._spoken, None
        if spoken is None:
            return []
        self._duplex.recognizing = False
        return spoken.stop()

    def receive_speech(
        self, payload: bytes, change: CallerSpeechStarted | CallerSpeechEnded | None, *, now: float
    ) -> list[TurnResult]:
        """Take a frame of the caller's, and whether speech started or ended with it."""
        spoken = self._spoken
        if spoken is None:
            return []
        effects: list[TurnResult] = []
        if isinstance(change, CallerSpeechStarted):
            effects = [*spoken.speech_started(self._duplex.speech_so_far(), now=now)]
        elif isinstance(change, CallerSpeechEnded):
            effects = [*spoken.audio(payload), *spoken.speech_ended(now=now)]
            self._duplex.speech_recognized()
        elif self._duplex.caller_speaking:
            return [*spoken.audio(payload)]
        else:  # nobody listens any more, so an end was not reported
            effects = [*spoken.speech_ended(now=now)]
        self._duplex.recognizing = spoken.in_utterance
        return effects

    def speech_lost(self, *, now: float) -> list[CallEffect]:
        """Nobody hears any more whether the caller speaks: what they said so far is all."""
        self._duplex.recognizing = False
        return [] if self._spoken is None else self._spoken.speech_ended(now=now)

    def words_heard(self, heard: WordsHeard, *, now: float) -> list[TurnResult]:
        """Take what the recognizer has heard."""
        spoken = self._spoken
        if spoken is None or heard.number != spoken.number:
            return []
        result = spoken.receive(heard.result, prompting=self._duplex.saying is not None, now=now)
        if result is not None:
            return self._understood(result, now)
        if isinstance(heard.result, FinalTranscript) and not spoken.waiting:
            self._digits.restart_timers(now=now)  # it was no answer: silence counts from here
        return []

    def _understood(self, result: SpokenResult, now: float) -> list[TurnResult]:
        """Words that answer the question, or do not: a prompt that still plays is interrupted first."""
        if not result.understood and self._digits.typed:  # keys win over words
            return []
        effects: list[CallEffect] = [*self._noted(result)]
        if self._duplex.saying is not None:
            effects += self._duplex.interrupt(BargeInCause.SPEECH, now=now, reason="answer").effects
        if result.digits:
            return [*effects, *self._press_spoken(result, now)]
        self._digits.stop()
        ending = Ending.SPOKEN if result.understood else Ending.NOT_UNDERSTOOD
        return [*effects, StepOver(Gathered(result.key, ending, result.text, result.confidence))]

    def _press_spoken(self, result: SpokenResult, now: float) -> list[TurnResult]:
        """Digits that were said answer as keys do; those after a complete entry are of no other question."""
        if not self._digits.collecting and isinstance(self.step, Collect):
            self._digits.start(self.step.rules, now=now)
        self._digits.prompt_ended(now=now)
        for digit in result.digits:
            if (collected := self._digits.press(digit, now=now)) is not None:
                return self._collected(collected, now, spoken=True)
        return []

    def _noted(self, result: SpokenResult) -> list[CallEffect]:
        """Note what was said in the record, as far as that is wanted."""
        kept = self._listening.keep and not self.secret
        heard = HeardAnswer(result.text if kept else "", result.confidence)
        if result is self._said_before and self._noted_before:  # when it was said, as words over a prompt
            texts = [each.text for each in self._record.heard]
            if result.text in texts:
                self._record.heard[len(texts) - 1 - texts[::-1].index(result.text)] = heard
            return []
        self._record.heard.append(heard)
        return [PublishEvent("words", {**asdict(heard), "understood": result.understood})]

    # Recording.

    def _record_now(self, record: Record, now: float) -> list[TurnResult]:
        if record.beep and not self._beeped:
            self._beeped = True
            return [*self._duplex.play(Play(beep(), "beep"), now=now)]
        self._duplex.record(record)
        return []

    def recording_ended(self, ending: RecordingEnd) -> list[TurnResult]:
        """The caller has said what they wanted to, or enough."""
        audio = self._duplex.stop_recording()
        recorded = Recorded(None, len(audio) / BYTES_PER_MS / 1000, ending)
        if not audio:
            return [StepOver(recorded)]
        self._recorded = recorded
        return [SaveMessage(audio, self.mail_to)]

    def message_saved(self, file: str | None) -> list[TurnResult]:
        """The message is in that file, or could not be saved; nothing follows when this turn has none that waits."""
        recorded, self._recorded = self._recorded, None
        return [] if recorded is None else [StepOver(Recorded(file, recorded.seconds, recorded.ending))]

    # Time.

    def next_deadline(self, *, announcing: bool) -> float | None:
        """When `handle_timeout` wants to be called, or None.

        Args:
            announcing: Whether an announcement is being said.
        """
        silent = self._digits.next_deadline() if self._caller_can_answer(announcing=announcing) else None
        spoken = None if self._spoken is None or announcing else self._spoken.next_deadline()
        return earliest(silent, self._waits_until, spoken)

    def handle_timeout(self, *, announcing: bool, now: float) -> list[TurnResult]:
        """What follows from the time being `now`."""
        effects: list[CallEffect] = []
        if self._spoken is not None and not announcing:
            effects, result = self._spoken.handle_timeout(now=now)
            self._duplex.recognizing = self._spoken.in_utterance
            if result is not None:
                return [*effects, *self._understood(result, now)]
        if self._caller_can_answer(announcing=announcing):
            collected = self._digits.handle_timeout(now=now)
            if collected is not None:
                return [*effects, *self._collected(collected, now)]
        if self._waits_until is None or now < self._waits_until:
            return [*effects]
        return [*effects, StepOver(Said())]

    def _caller_can_answer(self, *, announcing: bool) -> bool:
        """Whether silence counts: not during an announcement, nor while words are waited for, nor without a stream."""
        waiting = self._spoken is not None and self._spoken.waiting and not self._digits.typed
        return not announcing and self._duplex.stream_open and not waiting
