"""The words that callers say over a prompt, and what they mean for it; and the turns that a Python flow takes.

A question that words answer has its own recognition; outside of questions the caller is heard by one that stays open
from prompt to prompt. Transcripts of both decide whether the caller takes the floor, and are turns.

One rule: words never delay the silence of the line. They only decide how it ends.
"""

from collections.abc import Iterator
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
from telebridge.call.session.words.ahead import UtteranceKey
from telebridge.call.session.words.options import WordOptions
from telebridge.call.session.words.turns import CallerTurns, OverheardUtterance
from telebridge.flows.words.rules import language_of
from telebridge.recognition.source import FinalTranscript, RecognitionRequest
from telebridge.recognition.words.floor import FloorMeaning, FloorWordRules
from telebridge.recognition.words.phrases import is_echo, repeats, says_nothing
from telebridge.turns.barge_in import BargeIn, BargeInCause
from telebridge.turns.interjection import Interjection
from telebridge.turns.voice_activity import CallerSpeechEnded, CallerSpeechStarted
from telebridge.turns.words_judge import FloorContest, FloorVerdict, Settled

ECHO = "our own voice"
JUDGE = "judge"
FAILED = "no transcript"
LATELY_SECONDS = 2.0
"""So long after a prompt its words may still come back out of a loudspeaker."""
NO_RULES = FloorWordRules()
MOST_UTTERANCES = 16
"""So many utterances may wait for their final transcript; a recognizer that answers none is not waited for."""

LONGEST_SECONDS = 30.0
"""Who speaks longer has another turn."""


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
        numbers: Gives a number for each recognition.

    Attributes:
        turns: What the caller says, as the flow takes it.
        in_utterance: Whether an utterance outside of a question is in progress.
        own: The recognition that is open outside of questions; None where none is.
    """

    __slots__ = (
        "_barge_in",
        "_contest",
        "_duplex",
        "_judging",
        "_latest",
        "_numbers",
        "_options",
        "_questions",
        "_record",
        "_spoken",
        "_utterance",
        "in_utterance",
        "own",
        "turns",
    )

    def __init__(self, duplex: FullDuplex, record: CallRecord, options: WordOptions, numbers: Iterator[int]) -> None:
        self._duplex = duplex
        self._record = record
        self._options = options
        self._numbers = numbers
        floor = options.floor
        self._contest = duplex.contest = None if floor is None else FloorContest(floor.wait_seconds)
        self.own: int | None = None
        self._utterance = 0
        self.in_utterance = False
        self._spoken: dict[UtteranceKey, OverheardUtterance] = {}
        self._judging: _Judging | None = None
        self._questions = 0
        self.turns = CallerTurns()
        self._latest: OverheardUtterance | None = None
        self._barge_in: BargeIn | None = None  # the last one that is known to be of an utterance

    @property
    def own_utterance(self) -> UtteranceKey | None:
        """The utterance that the recognition outside of questions hears now; None where none does."""
        return None if self.own is None or not self.in_utterance else (self.own, self._utterance)

    # Who listens.

    def attend(self, *, live: bool, questioned: bool, now: float) -> list[CallEffect]:
        """Open the recognition that is wanted now, if it is not open.

        Args:
            live: Whether the stream is there.
            questioned: Whether a question listens, by a recognition of its own.
            now: Monotonic seconds.
        """
        contest = self._contest
        self._attribute_barge_in()
        effects: list[CallEffect] = [*self.turns.forward(contested=contest is not None and contest.open, now=now)]
        available = self._options.available()
        needed = self.turns.wanted or (contest is not None and self._duplex.yields_to_speech)
        if questioned:
            self._forget_own()  # its recognition has replaced this one
        elif self.own is not None and not (live and (self.turns.wanted or contest is not None)):
            effects.append(StopRecognition(self.own))
            self._forget_own()
            self._duplex.recognizing = False
        elif self.own is None and live and available and needed and not self.in_utterance:
            effects += self._open(now)
        if self.turns.wanted and not questioned and live and self._duplex.caller_speaking:
            effects += self._begin(now)  # they spoke already, or nobody hears words
        if contest is not None:
            contest.hearing = available and (questioned or self.own is not None)
        return effects

    def _forget_own(self) -> None:
        """The recognition outside of questions is closed: of what it has not heard to the end no words come."""
        if self.own is None:
            return
        for key in [key for key in self._spoken if key[0] == self.own]:
            self.turns.unheard(self._spoken.pop(key))
        self.own, self.in_utterance = None, False

    def _attribute_barge_in(self) -> None:
        """What speech has interrupted was interrupted by the utterance that began last."""
        barge_in = self._duplex.barge_in
        if barge_in is self._barge_in:
            return
        self._barge_in = barge_in
        if self._latest is not None and barge_in is not None and barge_in.cause is BargeInCause.SPEECH:
            self._latest.interruption = barge_in

    def _open(self, now: float) -> list[CallEffect]:
        self.own, self._utterance = next(self._numbers), 0
        effects: list[CallEffect] = [StartRecognition(self.own, RecognitionRequest(self._language()))]
        return [*effects, *self._begin(now)] if self._duplex.caller_speaking else effects

    # The caller's voice.

    def receive_speech(
        self, payload: bytes, change: CallerSpeechStarted | CallerSpeechEnded | None, *, now: float
    ) -> list[CallEffect]:
        """Take a frame of the caller's, and whether speech started or ended with it."""
        if self.own is None and not self.turns.wanted:
            return []
        if isinstance(change, CallerSpeechStarted):
            return self._begin(now)
        if not self.in_utterance:
            return []
        if isinstance(change, CallerSpeechEnded):
            return self._end(payload, ended_at=now - self._options.silence_noticed_seconds)
        if not self._duplex.caller_speaking:
            return self._end(payload, ended_at=now)
        if self._latest is not None and now - self._latest.began_at >= LONGEST_SECONDS:
            return [*self._end(payload, ended_at=now), *self._begin(now, goes_on=True)]
        return [] if self.own is None else [RecognizeAudio(self.own, payload)]

    def _begin(self, now: float, *, goes_on: bool = False) -> list[CallEffect]:
        if self.in_utterance:
            return []
        self._utterance += 1
        self.in_utterance = True
        began_at = now if goes_on else self._duplex.caller_began_at(now=now)
        self.utterance_began(self.own or 0, self._utterance, began_at=began_at, now=now)
        if self.own is None:
            return []
        self._duplex.recognizing = True
        return [RecognizeAudio(self.own, self._duplex.speech_so_far(), begins=True)]

    def _end(self, payload: bytes, *, ended_at: float) -> list[CallEffect]:
        if not self.in_utterance:
            return []
        self.in_utterance = False
        self.utterance_ended(self.own or 0, self._utterance, ended_at=ended_at)
        if self.own is None:
            if (unheard := self._spoken.pop((0, self._utterance), None)) is not None:
                self.turns.unheard(unheard)
            return []
        self._duplex.recognizing = False
        self._duplex.speech_recognized()
        return [RecognizeAudio(self.own, payload, ends=True)]

    def speech_lost(self, *, now: float) -> list[CallEffect]:
        """Nobody hears any more whether the caller speaks: what they said so far is all."""
        return self._end(b"", ended_at=now)

    def utterance_began(self, number: int, utterance: int, *, began_at: float | None = None, now: float) -> None:
        """An utterance began, in this recognition or in that of a question; nothing follows when that is known."""
        if (number, utterance) in self._spoken:
            return
        if len(self._spoken) >= MOST_UTTERANCES:
            del self._spoken[next(iter(self._spoken))]
        prompt = 0 if self._duplex.saying is None else self._duplex.prompts
        began_at = self._duplex.caller_began_at(now=now) if began_at is None else began_at
        self._latest = OverheardUtterance(prompt, self._lately_said(now), self._language(), began_at)
        self._spoken[number, utterance] = self._latest

    def utterance_ended(self, number: int, utterance: int, *, ended_at: float) -> None:
        """That utterance is over."""
        if (spoken := self._spoken.get((number, utterance))) is not None:
            spoken.ended_at = ended_at

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
        spoken, floor, contest = self._spoken.get(key), self._options.floor, self._contest
        if spoken is None:
            return [], None
        final = isinstance(heard.result, FinalTranscript)
        if final:
            del self._spoken[key]
        if spoken.prompt == self._duplex.prompts:
            spoken.saying = self._duplex.saying_text or spoken.saying
        text = heard.result.text.strip()
        rules = NO_RULES if floor is None else floor.rules
        meaning = rules.meaning(text, spoken.language, final=final)
        ours = not final and meaning is FloorMeaning.WORDS and repeats(text, spoken.saying)
        ours = ours or is_echo(text, spoken.saying)
        silent = says_nothing(text) and meaning is not FloorMeaning.BACK_CHANNEL
        said = "" if ours or silent else text
        leaves_floor = not meaning.takes_floor or (floor is not None and floor.own_judge)
        self.turns.heard(spoken, said, heard.result, leaves_floor=leaves_floor and not answers)
        noted = final and said and heard.number == self.own and meaning.takes_floor
        effects = self._noted(text, heard) if noted else []
        if floor is None or contest is None or spoken.prompt != contest.prompt or not contest.awaits_words:
            return effects, None
        if isinstance(heard.result, FinalTranscript) and heard.result.failure and not text:
            return effects, contest.words_heard(FloorVerdict.UNKNOWN, FAILED, final=True, now=now)
        if ours:
            return effects, contest.words_heard(FloorVerdict.LEAVES, ECHO, final=final, now=now)
        if not final and not text:
            contest.words_withdrawn()
        if not final and (answers or silent):
            return effects, None
        if floor.own_judge and not silent:
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
