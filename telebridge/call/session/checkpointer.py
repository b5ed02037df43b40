"""Where a call stands, kept at each step for a process that may have to go on with it.

One rule: what did not change is not encoded again. A flow may know a megabyte, and a mark comes back every second.
"""

from typing import Any

from msgspec import Raw

from telebridge.call.record import CallRecord
from telebridge.call.session.checkpoint import Checkpoint, encoded
from telebridge.call.session.dialogue import Dialogue
from telebridge.call.session.effects import (
    CallEffect,
    PublishEvent,
    ReleaseCall,
    SaveCheckpoint,
)
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.steps import Transfer


class Checkpointer:
    """The place of one call.

    Attributes:
        transfer: Whom the caller is to be connected with, or is; None while they are with us.
        over: Whether nothing is left but a last word, and to hang up.
        apology: Whether the caller must then still be told that something went wrong.
        words_before: Words of the prompt that were heard in another process.

    Args:
        flow: The flow file that leads the call; None when a Python flow does.
        record: What came of the call so far.
        talk: Knows what was typed and heard.
    """

    __slots__ = (
        "_flow",
        "_name",
        "_record",
        "_standing",
        "_talk",
        "_variables",
        "apology",
        "over",
        "transfer",
        "words_before",
    )

    def __init__(self, flow: FlowInterpreter | None, record: CallRecord, talk: Dialogue) -> None:
        self.transfer: Transfer | None = None
        self.over = False
        self.apology = False
        self.words_before = 0
        self._flow = flow
        self._record = record
        self._talk = talk
        self._name: str | None = None  # what a Python flow last called its place, or began with
        self._variables: Raw | None = None  # what it knew there
        self._standing: Raw | None = None  # of the flow file, since it last moved

    def take_up(self, checkpoint: Checkpoint) -> None:
        """Go on with what another process left."""
        self.name(checkpoint.name, checkpoint.variables)
        self._talk.digits.restore(checkpoint.answer, checkpoint.typed)
        self._record.take_up(checkpoint.result, checkpoint.digits, checkpoint.recordings)

    def name(self, name: str | None, variables: dict[str, Any]) -> None:
        """A Python flow says how far it is; its variables are kept as they are now, for it goes on to change them."""
        self._name, self._variables = name, encoded(variables)

    def moved(self) -> None:
        """The flow file went on: it stands elsewhere, or knows more."""
        self._standing = None
        self.words_before = 0

    def entered(self, *, now: float) -> list[CallEffect]:
        """A step of the flow begins; a question that is asked again is no other node."""
        if self._flow is None:
            return []
        standing = self._flow.standing
        asked_again = standing.silences or standing.mismatches
        told = [] if asked_again else [PublishEvent("node", {"node": standing.node})]
        return [*told, self.keep(now=now)]

    def changed(self, effects: list[CallEffect], *, now: float) -> list[CallEffect]:
        """Something changed inside a step: keep that, unless the step that followed has done so, or none will."""
        if any(isinstance(effect, SaveCheckpoint | ReleaseCall) for effect in effects):
            return effects
        return [*effects, self.keep(now=now)]

    def keep(self, *, now: float) -> SaveCheckpoint:
        """Have the place kept as it is."""
        if self._flow is not None and self._standing is None:
            self._standing = encoded(self._flow.standing)
        light = Checkpoint(
            answer=self._talk.digits.typed,
            typed=self._talk.digits.ahead + self._talk.announcements.late_keys,
            words_heard=self.words_before + self._words_heard(now),
            transfer=self.transfer,
            name=self._name,
            result=self._record.result,
            digits=self._record.digits,
            recordings=self._record.recordings,
            over=self.over,
            apology=self.apology,
        )
        return SaveCheckpoint(light.encode(standing=self._standing, variables=self._variables))

    def _words_heard(self, now: float) -> int:
        """How many words of the step's prompt the caller has heard in this process."""
        talk = self._talk
        return 0 if talk.announcements.in_progress else talk.duplex.speaking.words_heard(now=now)
