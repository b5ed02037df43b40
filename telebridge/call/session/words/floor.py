"""The words that callers say over a prompt, and what they mean for it.

A question that words answer has its own recognition; over every other prompt that yields to speech the caller is heard
by one that stays open from prompt to prompt. Transcripts of both decide whether the caller takes the floor.

One rule: words never delay the silence of the line. They only decide how it ends.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from telebridge.call.record import CallRecord, HeardAnswer
from telebridge.call.session.audio.full_duplex import FullDuplex
from telebridge.call.session.effects import (
    AskJudge,
    CallEffect,
    PublishEvent,
    RecognizeAudio,
    StartRecognition,
    StopRecognition,
)
from telebridge.call.session.events import JudgeAnswered, WordsHeard
from telebridge.call.session.words.options import WordOptions
from telebridge.flows.words.rules import language_of
from telebridge.recognition.source import FinalTranscript, RecognitionRequest
from telebridge.recognition.words.floor import FloorMeaning
from telebridge.recognition.words.phrases import is_echo, repeats, says_nothing
from telebridge.turns.interjection import Interjection
from telebridge.turns.voice_activity import CallerSpeechEnded, CallerSpeechStarted
from telebridge.turns.words_judge import FloorContest, FloorVerdict, Settled

ECHO = "our own voice"
JUDGE = "judge"
FAILED = "no transcript"
LATELY_SECONDS = 2.0
"""So long after a prompt its words may still come back out of a loudspeaker."""
MOST_UTTERANCES = 16
"""So many utterances may wait for their final transcript; a recognizer that answers none is not waited for."""

UtteranceKey = tuple[int, int]
"""The recognition, and the utterance in it."""


@dataclass(slots=True)
class OverheardUtterance:
    """An utterance of the caller's whose words are not all known.

    Args:
        prompt: Over which prompt it began; 0 over none.
        saying: What we said meanwhile.
        language: The language that is spoken.
    """

    prompt: int
    saying: str
    language: str


@dataclass(slots=True)
class _Judging:
    """A question to the judge of the settings that is open, and the one to be asked after it."""

    number: int
    prompt: int
    interjection: Interjection
    following: Interjection | None = field(default=None)


class FloorWords:
    """The words of one call that are no answers.

    Args:
        duplex: The audio of the call.
        record: What the caller says is noted here.
        options: How words are heard, and who judges them.
        number: Returns a number for each recognition.
    """

    __slots__ = ("_contest", "_duplex", "_judging", "_number", "_options", "_own", "_questions", "_record", "_spoken",
                 "_utterance", "in_utterance")  # fmt: skip

    def __init__(self, duplex: FullDuplex, record: CallRecord, options: WordOptions, number: Callable[[], int]) -> None:
        self._duplex = duplex
        self._record = record
        self._options = options
        self._number = number
        floor = options.floor
        self._contest = duplex.contest = None if floor is None else FloorContest(floor.wait_seconds)
        self._own: int | None = None  # the recognition that is open outside of questions
        self._utterance = 0
        self.in_utterance = False
        self._spoken: dict[UtteranceKey, OverheardUtterance] = {}
        self._judging: _Judging | None = None
        self._questions = 0

    @property
    def active(self) -> bool:
        """Whether words outside of questions are wanted in this call."""
        return self._contest is not None

    # Who listens.

    def attend(self, *, live: bool, questioned: bool, now: float) -> list[CallEffect]:
        """Open the recognition that is wanted now, if it is not open.

        Args:
            live: Whether the stream is there.
            questioned: Whether a question listens, by a recognition of its own.
            now: Monotonic seconds.
        """
        contest = self._contest
        if contest is None:
            return []
        effects: list[CallEffect] = []
        available = self._options.available()
        if questioned:
            self._own, self.in_utterance = None, False  # its recognition has replaced this one
        elif self._own is not None and not live:
            effects = [StopRecognition(self._own)]
            self._own, self.in_utterance = None, False
            self._duplex.recognizing = False
        elif self._own is None and live and available and self._duplex.yields_to_speech:
            effects = self._open(now)
        contest.hearing = available and (questioned or self._own is not None)
        return effects

    def _open(self, now: float) -> list[CallEffect]:
        self._own, self._utterance = self._number(), 0
        effects: list[CallEffect] = [StartRecognition(self._own, RecognitionRequest(self._language()))]
        if self._duplex.caller_speaking:
            effects += self._begin(now)
        return effects

    # The caller's voice.

    def receive_speech(
        self, payload: bytes, change: CallerSpeechStarted | CallerSpeechEnded | None, *, now: float
    ) -> list[CallEffect]:
        """Take a frame of the caller's, and whether speech started or ended with it."""
        if self._own is None:
            return []
        if isinstance(change, CallerSpeechStarted):
            return self._begin(now)
        if not self.in_utterance:
            return []
        if isinstance(change, CallerSpeechEnded) or not self._duplex.caller_speaking:
            return self._end(payload)
        return [RecognizeAudio(self._own, payload)]

    def _begin(self, now: float) -> list[CallEffect]:
        if self._own is None or self.in_utterance:
            return []
        self._utterance += 1
        self.in_utterance = self._duplex.recognizing = True
        self.utterance_began(self._own, self._utterance, now=now)
        return [RecognizeAudio(self._own, self._duplex.speech_so_far(), begins=True)]

    def _end(self, payload: bytes = b"") -> list[CallEffect]:
        if self._own is None or not self.in_utterance:
            return []
        self.in_utterance = self._duplex.recognizing = False
        self._duplex.speech_recognized()
        return [RecognizeAudio(self._own, payload, ends=True)]

    def speech_lost(self) -> list[CallEffect]:
        """Nobody hears any more whether the caller speaks: what they said so far is all."""
        return self._end()

    def utterance_began(self, number: int, utterance: int, *, now: float) -> None:
        """An utterance began, in this recognition or in that of a question."""
        if self._contest is None or (number, utterance) in self._spoken:
            return
        if len(self._spoken) >= MOST_UTTERANCES:
            del self._spoken[next(iter(self._spoken))]
        prompt = 0 if self._duplex.saying is None else self._contest.prompt
        self._spoken[number, utterance] = OverheardUtterance(prompt, self._lately_said(now), self._language())

    def _lately_said(self, now: float) -> str:
        if self._duplex.saying is not None:
            return self._duplex.saying_text
        last = self._record.utterances[-1] if self._record.utterances else None
        ended_at = None if last is None else last.ended_at
        return last.text if last is not None and ended_at is not None and now - ended_at < LATELY_SECONDS else ""

    def _language(self) -> str:
        saying = self._duplex.saying
        return language_of(None if saying is None else saying.voice) or self._options.language

    # The recognizer.

    def words_heard(
        self, heard: WordsHeard, *, answers: bool = False, now: float
    ) -> tuple[list[CallEffect], Settled | None]:
        """Take what a recognizer has heard; returns what follows, and what it decides about the prompt.

        Args:
            heard: What it has heard.
            answers: Whether that answers a question; then it is no back-channel.
            now: Monotonic seconds.
        """
        key = (heard.number, heard.result.utterance)
        spoken = self._spoken.get(key)
        floor, contest = self._options.floor, self._contest
        if spoken is None or floor is None or contest is None:
            return [], None
        final = isinstance(heard.result, FinalTranscript)
        if final:
            del self._spoken[key]
        if spoken.prompt == contest.prompt:
            spoken.saying = self._duplex.saying_text or spoken.saying
        text = heard.result.text.strip()
        meaning = floor.rules.meaning(text, spoken.language, final=final)
        effects = self._noted(text, heard) if final and heard.number == self._own and meaning.takes_floor else []
        if spoken.prompt != contest.prompt or not contest.awaits_words:
            return effects, None
        if isinstance(heard.result, FinalTranscript) and heard.result.failure and not text:
            return effects, contest.words_heard(FloorVerdict.UNKNOWN, FAILED, final=True, now=now)
        ours = not final and meaning is FloorMeaning.WORDS and repeats(text, spoken.saying)
        if ours or is_echo(text, spoken.saying):
            return effects, contest.words_heard(FloorVerdict.LEAVES, ECHO, final=final, now=now)
        if not final and (answers or says_nothing(text)):
            return effects, None
        if floor.own_judge and not says_nothing(text):
            return [*effects, *self._ask(Interjection(
                text, final, spoken.saying, spoken.language, self._record.call_sid
            ))], None  # fmt: skip
        verdict = FloorVerdict.TAKES if meaning.takes_floor else FloorVerdict.LEAVES
        return effects, contest.words_heard(verdict, meaning.value, final=final, now=now)

    def _noted(self, text: str, heard: WordsHeard) -> list[CallEffect]:
        """Note in the record what was said, unless it only says that somebody listens."""
        if not isinstance(heard.result, FinalTranscript) or not text:
            return []
        answer = HeardAnswer(text if self._options.keep else "", heard.result.confidence)
        self._record.heard.append(answer)
        return [PublishEvent("words", {**asdict(answer), "understood": True})]

    # A judge of the settings.

    def _ask(self, interjection: Interjection) -> list[CallEffect]:
        """Ask the judge, one question after the other: the last words count."""
        if self._contest is None:
            return []
        if self._judging is not None and self._judging.prompt == self._contest.prompt:
            self._judging.following = interjection
            return []
        self._questions += 1
        self._judging = _Judging(self._questions, self._contest.prompt, interjection)
        return [AskJudge(self._questions, interjection)]

    def judge_answered(self, answered: JudgeAnswered, *, now: float) -> tuple[list[CallEffect], Settled | None]:
        """Take the answer of the judge; one about another prompt counts no more."""
        judging, contest = self._judging, self._contest
        if judging is None or contest is None or judging.number != answered.number:
            return [], None
        self._judging = None
        if judging.prompt != contest.prompt:
            return [], None
        settled: Settled | None = None
        if answered.takes_floor is not None:
            verdict = FloorVerdict.TAKES if answered.takes_floor else FloorVerdict.LEAVES
            final = judging.interjection.final and judging.following is None
            settled = contest.words_heard(verdict, JUDGE, final=final, now=now)
        elif judging.interjection.final:
            settled = contest.words_heard(FloorVerdict.UNKNOWN, FAILED, final=True, now=now)
        if settled is None and judging.following is not None:
            return self._ask(judging.following), None
        return [], settled

    # Time.

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        return None if self._contest is None else self._contest.next_deadline()

    def handle_timeout(self, *, now: float) -> Settled | None:
        """What follows from the time being `now`."""
        return None if self._contest is None else self._contest.handle_timeout(now=now)
