"""The call detail record: the numbers, the flow, what was said and heard, the keys, the beginning and the end."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from telebridge.answering.phrases import Answerer
from telebridge.flows.steps import CallBack
from telebridge.turns.barge_in import BargeIn, BargeInCause

SPOKEN_UP_MS = 2000.0
"""Speech after so much of ours is an answer to it; the greeting of an answering machine begins earlier."""


@dataclass(frozen=True, slots=True)
class PlaybackPause:
    """An utterance was paused for a sound of the caller's and resumed, because the sound was no barge-in.

    Args:
        paused_at: When, in monotonic seconds of this process.
        resumed_at: When it resumed, on the same clock.
        reason: Why it was no barge-in, where words may judge it; otherwise empty.
    """

    paused_at: float
    resumed_at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SpokenUtterance:
    """One utterance as the caller experienced it.

    Args:
        text: The text to be said.
        audio_ms: The length of its audio.
        interruption: The barge-in that cut it off; None when it was heard to its end.
        began_at: When its first audio was sent, in monotonic seconds of this process; None when none was.
        ended_at: When it was over: heard to its end, or cut off.
        pauses: The pauses for sounds of the caller's.
    """

    text: str
    audio_ms: float
    interruption: BargeIn | None
    began_at: float | None = None
    ended_at: float | None = None
    pauses: tuple[PlaybackPause, ...] = ()


@dataclass(frozen=True, slots=True)
class HeardAnswer:
    """Something that the caller said in answer to a question.

    Args:
        text: Their words; empty where they are not kept.
        confidence: How sure the recognizer was, from 0 to 1; None where it did not say.
    """

    text: str
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class AnsweredBy:
    """Who answered a call that was placed, as far as words and sounds told.

    Args:
        who: Who.
        by: What told.
        after_ms: How long after their first sound that was known, in media time.
        acted_on: Whether the call did something else for it; otherwise it is only noted.
    """

    who: Answerer
    by: Literal["words", "beep", "screening"]
    after_ms: int
    acted_on: bool = False

    def as_json(self) -> dict[str, Any]:
        """Who answered, as plain values."""
        return {"who": self.who.value, "by": self.by, "after_ms": self.after_ms}


@dataclass(frozen=True, slots=True)
class TransferRecord:
    """One transfer of a call.

    Args:
        to: Whom the caller was connected with.
        status: How it ended: Twilio's `DialCallStatus`, or "unknown" when the call ended without it.
        seconds: How long the two talked; None where Twilio has not said it.
        by_api: Whether it was requested outside the flow.
    """

    to: str
    status: str
    seconds: int | None = None
    by_api: bool = False


@dataclass(slots=True)
class CallRecord:
    """The record of one call; filled while the call runs, kept when it is over.

    `acted` is whether the caller was seen to press a key, was transferred or recorded; see `is_person`.
    """

    call_sid: str
    flow: str
    from_number: str
    to_number: str
    direction: str
    started_at: datetime
    utterances: list[SpokenUtterance] = field(default_factory=list)
    digits: list[str] = field(default_factory=list)
    heard: list[HeardAnswer] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    recordings: list[str] = field(default_factory=list)
    transfers: list[TransferRecord] = field(default_factory=list)
    first_audio_ms: float | None = None
    end_reason: str | None = None
    result: dict[str, Any] = field(default_factory=dict)
    opted_out: bool = False
    call_back: CallBack | None = None
    acted: bool = False
    answered_by: AnsweredBy | None = None

    @property
    def ends(self) -> tuple[str, str]:
        """The number of the person at the other end, and the account's own number."""
        if self.direction.startswith("outbound"):
            return self.to_number, self.from_number
        return self.from_number, self.to_number

    @property
    def is_person(self) -> bool:
        """Whether the caller did what no answering machine does.

        They pressed a key, were transferred or recorded, or took the floor by speech after `SPOKEN_UP_MS` of ours.
        """
        return self.acted or bool(self.digits or self.recordings) or _spoke_up(self.utterances)

    def restore(
        self, result: dict[str, Any], digits: list[str], recordings: list[str], transfers: list[TransferRecord]
    ) -> None:
        """Take over what another process has recorded of the call."""
        self.result.update(result)
        self.transfers[:0] = transfers
        self.digits[:0] = digits
        self.recordings[:0] = recordings

    def as_json(self) -> dict[str, Any]:
        """The record as plain values, for a log line or a JSON answer; they stay as they are while the call goes on."""
        return {
            "call_sid": self.call_sid,
            "flow": self.flow,
            "from": self.from_number,
            "to": self.to_number,
            "direction": self.direction,
            "started_at": self.started_at.isoformat(),
            "utterances": [utterance_json(utterance) for utterance in self.utterances],
            "digits": [*self.digits],
            **({"heard": [asdict(answer) for answer in self.heard]} if self.heard else {}),
            **({} if self.answered_by is None else {"answered_by": self.answered_by.as_json()}),
            "path": [*self.path],
            "recordings": [*self.recordings],
            "transfers": [asdict(transfer) for transfer in self.transfers],
            "first_audio_ms": self.first_audio_ms,
            "end_reason": self.end_reason,
            "result": {**self.result},
        }


def _spoke_up(utterances: Iterable[SpokenUtterance]) -> bool:
    heard_ms = 0.0
    for utterance in utterances:
        cut = utterance.interruption
        if cut is None:
            heard_ms += utterance.audio_ms
        elif cut.cause is BargeInCause.SPEECH and heard_ms + cut.heard_ms >= SPOKEN_UP_MS:
            return True
    return False


def utterance_json(utterance: SpokenUtterance) -> dict[str, Any]:
    """One utterance as plain values."""
    values: dict[str, Any] = {"text": utterance.text, "audio_ms": round(utterance.audio_ms)}
    if utterance.pauses:
        values["pauses"] = len(utterance.pauses)
        if reasons := [pause.reason for pause in utterance.pauses if pause.reason]:
            values["resumed_for"] = reasons
    if utterance.interruption is not None:
        barge_in = utterance.interruption
        values["interrupted_by"] = barge_in.cause.value
        values["heard_text"] = barge_in.heard_text
        values["heard_ms"] = round(barge_in.heard_ms)
        values["exact"] = barge_in.exact
        values["stop_ms"] = round(barge_in.stop_ms)
        if barge_in.reason:
            values["reason"] = barge_in.reason
    return values
