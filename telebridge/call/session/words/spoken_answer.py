"""What the caller says in answer to one question: which audio the recognizer gets, and what its words mean.

One rule: a question waits for words that were said, but never longer than the recognizer may take; whatever it answers,
too late, twice or not at all, the question goes on.
"""

from dataclasses import dataclass

from telebridge.call.session.effects import CallEffect, RecognizeAudio, StartRecognition, StopRecognition
from telebridge.call.session.words.ahead import UtteranceAhead
from telebridge.call.session.words.options import WordOptions
from telebridge.flows.steps import WordRules
from telebridge.flows.words.meaning import meaning_of
from telebridge.recognition.source import FinalTranscript, PartialTranscript, RecognitionRequest, RecognitionResult
from telebridge.recognition.words.digits import spoken_digits
from telebridge.recognition.words.floor import FloorWordRules
from telebridge.recognition.words.phrases import is_echo, says_nothing
from telebridge.timing.deadlines import earliest

NO_RULES = FloorWordRules()
OVERDUE_SECONDS = 4.0
"""A recognizer answers earlier, or reports a failure; this is for one that does neither."""


@dataclass(frozen=True, slots=True)
class SpokenResult:
    """What the words mean.

    Args:
        text: What was said.
        confidence: How sure the recognizer is; None where it does not say.
        key: The key that the words stand for; empty for none.
        digits: Digits that were said, to be taken like keys.
        understood: Whether they answer the question.
    """

    text: str
    confidence: float | None = None
    key: str = ""
    digits: str = ""
    understood: bool = True


class SpokenAnswer:
    """The words of one question.

    Call `speech_started`, `audio` and `speech_ended` as the caller speaks, and `receive` with what the recognizer says.

    Args:
        number: Of its recognition.
        rules: Which words answer.
        options: How words are heard.
        prompt: What is said meanwhile, to know our own voice by.

    Attributes:
        number: Of its recognition.
        utterance: The utterance that began last, counted from 1.
        in_utterance: Whether the recognizer gets audio now.
    """

    def __init__(self, number: int, rules: WordRules, options: WordOptions, prompt: str) -> None:
        self.number = number
        self.in_utterance = False
        self._rules = rules
        self._language = rules.language or options.language
        self._floor = options.floor
        self._noticed_seconds = options.silence_noticed_seconds
        self._prompt = prompt
        self.utterance = 0
        self._pending: dict[int, float] = {}  # utterances without a final transcript, and when it is overdue
        self._texts: list[str] = []
        self._confidences: list[float] = []
        self._failed = False
        self._entered = False  # whether digits were said
        self._longest_at: float | None = None
        self._silent_at: float | None = None  # when free speech is over
        self._cut = False  # said for too long: nothing more is taken
        self._ahead: dict[int, str] = {}  # utterances that began before the question, and what we said meanwhile

    @property
    def waiting(self) -> bool:
        """Whether the caller is speaking, or has spoken and the words are not known yet."""
        return self.in_utterance or bool(self._pending)

    def start(self) -> list[CallEffect]:
        """Let the recognizer listen."""
        rules = self._rules
        phrases = tuple(dict.fromkeys(phrase for each in rules.choices.values() for phrase in each))
        alone = bool(phrases) and not rules.free and not rules.digits
        request = RecognitionRequest(
            self._language,
            (*phrases, *rules.hints),
            phrases if alone else (),
            rules.digits,
            tuple(filter(None, rules.choices.values())) if alone else (),
            rules.confirmed,
        )
        return [StartRecognition(self.number, request)]

    def stop(self) -> list[CallEffect]:
        """The question is over."""
        self.in_utterance = False
        self._pending.clear()
        return [StopRecognition(self.number)]

    # The caller's voice.

    def speech_started(self, audio: bytes, *, now: float) -> list[CallEffect]:
        """The caller began to speak; `audio` is what was heard of it, and just before."""
        if self._cut or self.in_utterance:
            return []
        self.in_utterance = True
        self.utterance += 1
        self._silent_at = None
        if self._longest_at is None:
            self._longest_at = now + self._rules.longest_seconds
        return [RecognizeAudio(self.number, audio, begins=True)]

    def speech_ahead(self, said: UtteranceAhead, *, asked: bool, now: float) -> list[CallEffect]:
        """Have the recognizer hear what the caller began to say before the question.

        Args:
            said: What they say.
            asked: Whether the question has a prompt; without one, who speaks when it begins answers it.
            now: Monotonic seconds.
        """
        effects = self.speech_started(bytes(said.audio), now=now)
        if asked or said.ended:
            self._ahead[self.utterance] = said.saying
        return [*effects, *self.speech_ended(now=now)] if said.ended else effects

    def audio(self, payload: bytes) -> list[CallEffect]:
        """The next frame of what they say."""
        return [RecognizeAudio(self.number, payload)] if self.in_utterance else []

    def speech_ended(self, *, now: float) -> list[CallEffect]:
        """They stopped."""
        if not self.in_utterance:
            return []
        self.in_utterance = False
        self._pending[self.utterance] = now + OVERDUE_SECONDS
        if self._rules.free:
            self._silent_at = now + max(0.0, self._rules.silence_seconds - self._noticed_seconds)
        return [RecognizeAudio(self.number, b"", ends=True)]

    # The recognizer.

    def receive(self, result: RecognitionResult, *, prompting: bool = False, now: float) -> SpokenResult | None:
        """Take what the recognizer has heard; returns what the words mean once that is known.

        Args:
            result: What it has heard.
            prompting: Whether the question is still being asked; then a back-channel that is no answer says nothing.
            now: Monotonic seconds.
        """
        if isinstance(result, PartialTranscript) or self._pending.pop(result.utterance, None) is None:
            return None
        return self._receive_final(result, now, prompting=prompting)

    def _receive_final(self, final: FinalTranscript, now: float, *, prompting: bool) -> SpokenResult | None:
        if (said_over := self._ahead.pop(final.utterance, None)) is not None:
            return self.receive_ahead(final, said_over, now=now)
        text = final.text.strip()
        self._failed = self._failed or bool(final.failure)
        if not (says_nothing(text) and not self._goes_on(text)) and not is_echo(text, self._prompt):
            if (answer := self._kept(final)) is not None:
                return answer
            if prompting and self._floor is not None and self._floor.rules.is_back_channel(text, self._language):
                self._forget(final)
        return self._settled(now)

    def receive_ahead(self, final: FinalTranscript, said_over: str, *, now: float) -> SpokenResult | None:
        """Take what the caller said before the question: it answers, or nothing follows from it.

        Args:
            final: The transcript.
            said_over: What we said meanwhile.
            now: Monotonic seconds.
        """
        text = final.text.strip()
        rules = NO_RULES if self._floor is None else self._floor.rules
        silent = says_nothing(text) or is_echo(text, said_over) or rules.is_back_channel(text, self._language)
        if not silent and (answer := self._kept(final)) is not None:
            return answer
        if not silent and not self._rules.free:
            self._forget(final)
        return self._settled(now)

    def _kept(self, final: FinalTranscript) -> SpokenResult | None:
        """Keep words; returns the answer that they give, with those before them."""
        self._texts.append(final.text.strip())
        if final.confidence is not None:
            self._confidences.append(final.confidence)
        return None if self._rules.free else self._answer(self._texts[-1])

    def _goes_on(self, text: str) -> bool:
        """Whether words say a digit after other digits: "oh" is a zero then, and the sound of a thought before."""
        return self._entered and bool(spoken_digits(text, self._language))

    def _forget(self, final: FinalTranscript) -> None:
        """The words that were kept last say nothing."""
        self._texts.pop()
        if final.confidence is not None:
            self._confidences.pop()

    def answers(self, text: str) -> bool:
        """Whether these words answer the question, if nothing else is said."""
        return not self._rules.free and meaning_of(text, text, self._rules, self._language) is not None

    def _answer(self, text: str) -> SpokenResult | None:
        """The answer that the words give, as soon as they do."""
        whole = " ".join(self._texts)
        meaning = meaning_of(whole, text, self._rules, self._language)
        if meaning is None:
            return None
        if meaning.digits:
            self._entered = True
            self._texts.clear()
        said = text if meaning.digits else whole
        return SpokenResult(said, self._confidence(), key=meaning.key, digits=meaning.digits)

    def _settled(self, now: float) -> SpokenResult | None:
        """What follows once all that was said is known: nothing, as long as nothing or only sounds were."""
        if self.waiting or (self._silent_at is not None and now < self._silent_at and not self._cut):
            return None
        texts, failed = self._texts, self._failed
        if not texts and not failed and not self._cut:
            self._longest_at = None
            return None
        text, confidence = " ".join(texts), self._confidence()
        self._texts, self._confidences, self._failed, self._longest_at, self._cut = [], [], False, None, False
        return SpokenResult(text, confidence, understood=self._rules.free and bool(text))

    def _confidence(self) -> float | None:
        return min(self._confidences, default=None)

    # Time.

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        too_long = self._longest_at if self.in_utterance else None
        silent = None if self.waiting else self._silent_at
        return earliest(*self._pending.values(), too_long, silent)

    def handle_timeout(self, *, now: float) -> tuple[list[CallEffect], SpokenResult | None]:
        """What follows from the time being `now`."""
        deadline = self.next_deadline()
        if deadline is None or now < deadline:
            return [], None
        if self.in_utterance and self._longest_at is not None and now >= self._longest_at:
            self._cut = True
            return self.speech_ended(now=now), None
        for number in [number for number, overdue in self._pending.items() if now >= overdue]:
            del self._pending[number]
            self._failed = self._ahead.pop(number, None) is None or self._failed
        result = self._settled(now)
        self._silent_at = None if not self.waiting else self._silent_at
        return [], result
