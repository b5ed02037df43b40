"""Watches who answers a call that was placed, beside the flow, which has begun to speak.

Three things tell: words of a voice mailbox or of a telephone that screens calls, a beep after a greeting, and Twilio's
verdict, whichever comes first. All times are media time, so nothing here has a deadline.

One rule: for a person nothing changes, and whoever is not recognized counts as one.
"""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

from telebridge.answering.other_side import OtherSide, OtherSideChange
from telebridge.answering.phrases import Answerer, AnswerPhrases
from telebridge.answering.plan import AnswerPlan, OnAnswerer
from telebridge.call.record import AnsweredBy, CallRecord
from telebridge.call.session.answering.heard_words import HeardWords
from telebridge.call.session.effects import CallEffect, PublishEvent
from telebridge.recognition.source import RecognitionResult

GREETING_MS = 1500.0
"""Who spoke for less before a beep is no mailbox: a telephone that beeps because it records, for example."""
WORDS_WITHIN_MS = 20_000.0
WORDS_SPEECH_MS = 10_000.0
"""A machine has said what it is by then."""
BEEP_WITHIN_MS = 40_000.0
AWAITED_MS = 45_000.0
"""No greeting is longer."""
SILENT_MS = 3000.0
"""A greeting after which it is silent for so long has no beep."""
AFTER_VERDICT_MS = 1500.0
"""So long after Twilio says that a greeting is over its beep may still come."""


@dataclass(frozen=True, slots=True)
class WatchCommand:
    """What is to be done with the call.

    Args:
        kind: Whether to fall silent, to hang up, or to go to a node.
        node: Which.
    """

    kind: Literal["fall silent", "hang up", "go to"]
    node: str = ""


FALL_SILENT, HANG_UP = WatchCommand("fall silent"), WatchCommand("hang up")


@dataclass(frozen=True, slots=True)
class Watched:
    """What follows for the watch, and for the call."""

    effects: tuple[CallEffect, ...] = ()
    command: WatchCommand | None = None


NOTHING = Watched()


class _State(Enum):
    LISTENING = auto()
    AWAITING_BEEP = auto()  # it is a mailbox that gets a message
    OVER = auto()


class AnswerWatch:
    """Watches one call.

    Args:
        plan: What follows for each kind of machine.
        phrases: By which machines are known.
        words: What the recognizer hears; None where nobody hears words.
        record: Who answered is noted here.
    """

    def __init__(self, plan: AnswerPlan, phrases: AnswerPhrases, words: HeardWords | None, record: CallRecord) -> None:
        self._plan = plan
        self._phrases = phrases
        self._words = words
        self._record = record
        self._side = OtherSide()
        self._state = _State.LISTENING
        self._told_ms: float | None = None  # when Twilio said that the greeting is over

    @property
    def over(self) -> bool:
        """Whether nothing is watched any more."""
        return self._state is _State.OVER

    def start(self) -> list[CallEffect]:
        """Begin; the stream has opened."""
        return [] if self._words is None else self._words.start()

    def stop(self) -> list[CallEffect]:
        """The caller has shown to be a person, or the call goes another way."""
        self._state = _State.OVER
        return self._stop_words()

    def _stop_words(self) -> list[CallEffect]:
        words, self._words = self._words, None
        return [] if words is None else words.stop()

    def receive_frame(self, payload: bytes) -> Watched:
        """Take the next frame of whoever answered."""
        side, words = self._side, self._words
        change = side.receive_frame(payload)
        heard = [] if words is None else words.receive_frame(payload, change, side)
        followed = self._followed(change)
        if not heard:
            return followed
        return Watched((*heard, *followed.effects), followed.command)

    def _followed(self, change: OtherSideChange) -> Watched:
        side = self._side
        if self._state is _State.AWAITING_BEEP:
            return self._leave_message() if change.beep is not None or self._waited else NOTHING
        if change.beep is not None and side.speech_ms >= GREETING_MS:
            return self._beeped()
        if change.ended:
            return self._judge_person()
        if self._words is not None and (side.now_ms > WORDS_WITHIN_MS or side.speech_ms > WORDS_SPEECH_MS):
            return Watched(tuple(self._stop_words()))
        if side.now_ms > BEEP_WITHIN_MS or (self._words is None and not self._plan.leaves_message):
            return Watched(tuple(self.stop()))
        return NOTHING

    @property
    def _waited(self) -> bool:
        """Whether the beep is waited for no longer."""
        side = self._side
        if side.sounding:
            return False
        told = self._told_ms is not None and side.now_ms - self._told_ms >= AFTER_VERDICT_MS
        return told or side.silent_ms >= SILENT_MS or side.now_ms >= AWAITED_MS

    def words_heard(self, result: RecognitionResult) -> Watched:
        """Take what the recognizer has heard."""
        if self._words is None or self._state is not _State.LISTENING:
            return NOTHING
        self._words.receive(result)
        machine = self._phrases.machine_in(self._words.text)
        return self._judge_person() if machine is None else self._recognized(machine)

    def _recognized(self, machine: Answerer) -> Watched:
        """Somebody said what only this machine says."""
        effects = [self._noted(machine, "words"), *self._stop_words()]
        reaction = self._plan.of(machine)
        if machine is Answerer.VOICEMAIL and reaction.kind is OnAnswerer.GO_TO:
            self._state = _State.AWAITING_BEEP
            return Watched(tuple(effects), FALL_SILENT)
        self._state = _State.OVER
        match reaction.kind:
            case OnAnswerer.CARRY_ON:
                return Watched(tuple(effects))
            case OnAnswerer.HANG_UP:
                return Watched(tuple(effects), HANG_UP)
            case OnAnswerer.GO_TO:
                return Watched(tuple(effects), WatchCommand("go to", reaction.node))

    def _beeped(self) -> Watched:
        """A beep came after a greeting whose words nobody has understood."""
        effects = [self._noted(Answerer.VOICEMAIL, "beep")]
        match self._plan.voicemail.kind:
            case OnAnswerer.CARRY_ON:
                return Watched((*effects, *self.stop()))
            case OnAnswerer.HANG_UP:
                return Watched((*effects, *self.stop()), HANG_UP)
            case OnAnswerer.GO_TO:
                left = self._leave_message()
                return Watched((*effects, *left.effects), left.command)

    def _leave_message(self) -> Watched:
        return Watched(tuple(self.stop()), WatchCommand("go to", self._plan.voicemail.node))

    def _judge_person(self) -> Watched:
        """A word or two, and then silence: a person, as far as anybody can tell. The beep is still listened for."""
        words = self._words
        if (
            words is None
            or self._side.speaking
            or not words.settled
            or not self._phrases.sounds_like_person(words.text)
        ):
            return NOTHING
        return Watched((self._noted(Answerer.PERSON, "words"), *self._stop_words()))

    def machine_told(self, *, hangs_up: bool, beeped: bool) -> Watched | None:
        """Twilio says that a machine answered; None where that is to be followed as if nobody watched.

        Args:
            hangs_up: Whether the call is to end for it.
            beeped: Whether Twilio has heard the beep.
        """
        if self._state is _State.OVER:
            known = self._record.answered_by
            return None if known is None or not known.acted_on else NOTHING
        if hangs_up or (beeped and not self._side.sounding):
            self._state = _State.OVER
            return Watched(tuple(self._stop_words()), HANG_UP) if hangs_up else self._leave_message()
        self._told_ms = self._side.now_ms
        if self._state is _State.AWAITING_BEEP:
            return NOTHING
        self._state = _State.AWAITING_BEEP
        return Watched(tuple(self._stop_words()), FALL_SILENT)

    def _noted(self, who: Answerer, by: Literal["words", "beep"]) -> CallEffect:
        first_ms = self._side.first_ms
        after = 0.0 if first_ms is None else self._side.now_ms - first_ms
        acted_on = who is not Answerer.PERSON and self._plan.of(who).kind is not OnAnswerer.CARRY_ON
        self._record.answered_by = AnsweredBy(who, by, round(after), acted_on)
        return PublishEvent("answered-by", self._record.answered_by.as_json())
