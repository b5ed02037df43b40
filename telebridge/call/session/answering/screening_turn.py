"""The turn of a `screening` node: lets the telephone finish, says who calls, and waits for whoever comes.

Where nobody hears words, a short sound and silence after it is a person, and a beep after a longer one a mailbox.

One rule: it is silent once it has said who calls, because what it says more would be taken for the answer.
"""

from enum import Enum, auto

from typing_extensions import override

from telebridge.answering.other_side import OtherSide, OtherSideChange
from telebridge.answering.phrases import Answerer, shipped_phrases
from telebridge.call.record import AnsweredBy, CallRecord
from telebridge.call.session.answering.heard_words import HeardWords
from telebridge.call.session.audio.full_duplex import FullDuplex
from telebridge.call.session.effects import CallEffect, PublishEvent
from telebridge.call.session.events import WordsHeard
from telebridge.call.session.turn import DialogTurn, StepOver, TurnResult
from telebridge.call.session.words.ahead import WordsAhead
from telebridge.call.session.words.options import WordOptions
from telebridge.flows.steps import Screened, Screening
from telebridge.recognition.words.phrases import is_echo, says_nothing
from telebridge.turns.barge_in import BargeIn
from telebridge.turns.digits import DigitCollector
from telebridge.turns.voice_activity import CallerSpeechEnded, CallerSpeechStarted

TURN_MS = 700.0
"""The telephone has finished when it is silent for so long."""
TURN_WITHIN_MS = 8000.0
SHORT_MS = 1500.0
"""A person who comes says no more than this before they wait for an answer."""
MAILBOX_SILENT_MS = 3000.0
GREETING_SECONDS = 30.0
"""So much longer it waits for the beep of a mailbox that came."""


class _Stage(Enum):
    TELEPHONE_SPEAKS = auto()
    WE_SPEAK = auto()
    WAITING = auto()
    MAILBOX = auto()  # its beep is awaited


class ScreeningTurn(DialogTurn):
    """A `screening` in progress; see `DialogTurn`.

    Args:
        step: What is said, and how long it waits.
        duplex: The audio of the call.
        digits: The caller's keys.
        record: Who came is noted here.
        listening: Whether and how words are heard.
        number: The number of this turn's recognition.
        ahead: What the caller said before, which is of no interest.
    """

    __slots__ = ("_heard", "_heard_ms", "_phrases", "_screening", "_side", "_stage", "_until")

    def __init__(
        self,
        step: Screening,
        duplex: FullDuplex,
        digits: DigitCollector,
        record: CallRecord,
        listening: WordOptions,
        number: int,
        ahead: WordsAhead,
    ) -> None:
        super().__init__(step, duplex, digits, record, listening, number, ahead)
        self._screening = step
        self._phrases = listening.machines or shipped_phrases()
        self._side = OtherSide()
        self._stage = _Stage.TELEPHONE_SPEAKS
        self._heard = HeardWords(number, listening.language) if listening.available() else None
        self._heard_ms = 0.0  # of speech that was judged
        self._until: float | None = None

    @property
    @override
    def listens(self) -> bool:
        return True

    @override
    def begin(self, *, now: float) -> list[TurnResult]:
        self._until = now + self._screening.longest_seconds
        self._duplex.recognizing = True
        self._record.answered_by = AnsweredBy(Answerer.SCREEN, "screening", 0, acted_on=True)
        return [] if self._heard is None else [*self._heard.start()]

    @override
    def receive_speech(
        self, payload: bytes, change: CallerSpeechStarted | CallerSpeechEnded | None, *, now: float
    ) -> list[TurnResult]:
        self._duplex.recognizing = True
        side = self._side
        changed = side.receive_frame(payload)
        effects: list[TurnResult] = []
        if self._heard is not None:
            effects += self._heard.receive_frame(payload, changed, side)
        if self._stage is _Stage.TELEPHONE_SPEAKS:
            finished = not side.speaking and side.silent_ms >= TURN_MS and not side.sounding
            return [*effects, *self._introduce(now)] if finished or side.now_ms >= TURN_WITHIN_MS else effects
        return [*effects, *self._judge(changed)]

    def _introduce(self, now: float) -> list[TurnResult]:
        self._stage = _Stage.WE_SPEAK
        if self._heard is not None:
            self._heard.forget()
        self._heard_ms = self._side.speech_ms
        introduction = self._screening.introduction
        return self.prompt_ended(None, now=now) if introduction.is_blank else [*self._duplex.say(introduction, now=now)]

    @override
    def prompt_ended(self, interruption: BargeIn | None, *, now: float) -> list[TurnResult]:
        self._stage = _Stage.WAITING
        return self._judge(OtherSideChange(ended=not self._side.speaking and self._side.speech_ms > self._heard_ms))

    @override
    def words_heard(self, heard: WordsHeard, *, now: float) -> list[TurnResult]:
        if self._heard is None or heard.number != self._heard.number:
            return []
        self._heard.receive(heard.result)
        return self._judge(OtherSideChange())

    def _judge(self, changed: OtherSideChange) -> list[TurnResult]:
        """Who is there now, as far as it can be told."""
        side = self._side
        new_ms = side.speech_ms - self._heard_ms
        if self._stage is _Stage.MAILBOX:
            over = changed.beep is not None or (side.silent_ms >= MAILBOX_SILENT_MS and not side.sounding)
            return self._over(Answerer.VOICEMAIL) if over else []
        if self._stage is not _Stage.WAITING:
            return []
        if changed.beep is not None and new_ms >= SHORT_MS:
            return self._over(Answerer.VOICEMAIL)
        if self._heard is None or self._heard.failed:
            return self._judge_by_length(new_ms) if changed.ended else []
        return self._judge_by_words(self._heard)

    def _judge_by_length(self, new_ms: float) -> list[TurnResult]:
        """A word or two is a person; who says more is a voice of the telephone, or the greeting of a mailbox."""
        if new_ms <= SHORT_MS:
            return self._over(Answerer.PERSON)
        return []

    def _judge_by_words(self, heard: HeardWords) -> list[TurnResult]:
        text = heard.text
        if says_nothing(text):
            return []
        machine = self._phrases.machine_in(text)
        if machine is Answerer.VOICEMAIL:
            self._stage = _Stage.MAILBOX
            self._until = None if self._until is None else self._until + GREETING_SECONDS
            return []
        if self._side.speaking or not heard.settled:
            return []
        said = self._screening.introduction.text
        if machine is None and not (isinstance(said, str) and is_echo(text, said)):
            return self._over(Answerer.PERSON)
        heard.forget()
        self._heard_ms = self._side.speech_ms
        return []

    def _over(self, who: Answerer | None) -> list[TurnResult]:
        """It is over; None for nobody who came."""
        person = who is Answerer.PERSON
        known = AnsweredBy(who or Answerer.SCREEN, "screening", round(self._side.now_ms), acted_on=not person)
        self._record.answered_by = known
        self._record.acted = self._record.acted or person
        return [PublishEvent("answered-by", known.as_json()), StepOver(Screened(who))]

    @override
    def stop_listening(self) -> list[CallEffect]:
        self._duplex.recognizing = False
        heard, self._heard = self._heard, None
        return [] if heard is None else heard.stop()

    @override
    def next_deadline(self, *, announcing: bool) -> float | None:
        return None if announcing else self._until

    @override
    def handle_timeout(self, *, announcing: bool, now: float) -> list[TurnResult]:
        if announcing or self._until is None or now < self._until or self._duplex.saying is not None:
            return []
        return self._over(Answerer.VOICEMAIL if self._stage is _Stage.MAILBOX else None)
