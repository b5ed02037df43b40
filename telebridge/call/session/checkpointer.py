"""Keeps the checkpoint of a call up to date, for a process that may have to resume it.

One rule: what did not change is not encoded again. A flow may know a megabyte, and a mark comes back every second: of
what only the caller has heard more, a checkpoint is made when it is written.
"""

from typing import Any

from msgspec import Raw

from telebridge.call.record import CallRecord, TransferRecord
from telebridge.call.session.audio.speaking import Speaking
from telebridge.call.session.checkpoint import Checkpoint, encoded
from telebridge.call.session.dialogue import Dialogue
from telebridge.call.session.effects import (
    CallEffect,
    PublishEvent,
    ReleaseCall,
    SaveCheckpoint,
    SaveProgress,
)
from telebridge.call.session.events import TransferEnded
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.steps import Record, Step, Transfer


class Checkpointer:
    """Makes the checkpoints of one call.

    Attributes:
        transfer: The transfer to be made, or in progress; None while the caller is with us.
        over: Whether nothing is left but a goodbye, and to hang up.
        apology: Whether an apology is still due to the caller.
        words_before: Words of the prompt that were heard in another process.

    Args:
        flow: The flow file that leads the call; None when a Python flow does.
        record: What came of the call so far.
        dialogue: Knows what was typed.
        speaking: Knows what was heard.
    """

    __slots__ = (
        "_dialogue",
        "_flow",
        "_moves",
        "_name",
        "_position",
        "_record",
        "_speaking",
        "_variables",
        "apology",
        "over",
        "transfer",
        "words_before",
    )

    def __init__(
        self, flow: FlowInterpreter | None, record: CallRecord, dialogue: Dialogue, speaking: Speaking
    ) -> None:
        self.transfer: Transfer | None = None
        self.over = False
        self.apology = False
        self.words_before = 0
        self._flow = flow
        self._record = record
        self._dialogue = dialogue
        self._speaking = speaking
        self._moves = -1  # of the flow file when its node was last published
        self._name: str | None = None  # of the last checkpoint of a Python flow
        self._variables: Raw | None = None  # as they were then
        self._position: Raw | None = None  # in the flow file, encoded since it last moved

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of the flow file as they are now; none where a Python flow leads."""
        return {} if self._flow is None else self._flow.variables

    def restore(self, checkpoint: Checkpoint) -> Step | None:
        """Restore what another process saved; returns the step that a flow file had in progress, if it had begun."""
        self._set_variables(checkpoint.name, checkpoint.variables)
        self._dialogue.digits.restore(checkpoint.answer, checkpoint.typed)
        self._dialogue.ahead.restore(checkpoint.words_ahead)
        self._record.restore(checkpoint.result, checkpoint.digits, checkpoint.recordings, checkpoint.transfers)
        self._record.acted = checkpoint.person or checkpoint.transfer is not None
        if self._flow is None or checkpoint.standing is None:
            return None
        step = self._flow.restore(checkpoint.standing)
        self._record.path = self._flow.path
        self._record.acted = self._record.acted or isinstance(step, Record)
        return step

    def _set_variables(self, name: str | None, variables: dict[str, Any]) -> None:
        self._name, self._variables = name, encoded(variables)

    def save_variables(self, name: str | None, variables: dict[str, Any], *, now: float) -> SaveCheckpoint:
        """Save the name and variables of a Python flow's checkpoint, as they are now: it goes on to change them."""
        self._set_variables(name, variables)
        return self.save(now=now)

    def transfer_over(self, ended: TransferEnded | None, *, by_api: bool) -> None:
        """Record the transfer that was under way, if one was; `ended` is None when its end was not reported."""
        if self.transfer is not None:
            status, seconds = ("unknown", None) if ended is None else (ended.status, ended.seconds)
            self._record.transfers.append(TransferRecord(self.transfer.to, status, seconds, by_api))
        self.transfer = None

    def flow_moved(self) -> None:
        """The flow file is at another node, or has other variables."""
        self._position = None
        self.words_before = 0

    def step_began(self, *, now: float) -> list[CallEffect]:
        """A step of the flow begins: publish its node, unless it is a further step of the same node, and save."""
        if self._flow is None:
            return []
        position = self._flow.position
        again = position.silences or position.mismatches or position.unconfirmed or self._flow.moves == self._moves
        self._moves = self._flow.moves
        published = (
            [] if again else [PublishEvent("node", {"node": position.path[-1] if position.path else position.node})]
        )
        return [*published, self.save(now=now)]

    def save_after(self, effects: list[CallEffect], *, now: float) -> list[CallEffect]:
        """Add a checkpoint to the effects of a change inside a step, unless they save one or end the call."""
        if any(isinstance(effect, SaveCheckpoint | ReleaseCall) for effect in effects):
            return effects
        return [*effects, self.save(now=now)]

    def save_after_mark(self, effects: list[CallEffect], *, now: float) -> list[CallEffect]:
        """Add to the effects of a mark what saves the call: its progress later, where nothing else followed."""
        return self.save_after(effects, now=now) if effects else [SaveProgress()]

    def save(self, *, now: float) -> SaveCheckpoint:
        """Return the effect that saves the call as it is now."""
        return SaveCheckpoint(self.encode(now=now))

    def encode(self, *, now: float) -> bytes:
        """Return the checkpoint of the call as it is now."""
        if self._flow is not None and self._position is None:
            self._position = encoded(self._flow.position)
        light = Checkpoint(
            answer=self._dialogue.digits.typed,
            typed=self._dialogue.digits.ahead + self._dialogue.announcements.late_keys,
            words_heard=self.words_before + self._words_heard(now),
            transfer=self.transfer,
            name=self._name,
            result=self._record.result,
            digits=self._record.digits,
            recordings=self._record.recordings,
            transfers=self._record.transfers,
            over=self.over,
            apology=self.apology,
            words_ahead=self._dialogue.ahead.kept,
            person=self._record.acted or self._record.is_person,  # made after each event: first what is known
        )
        return light.encode(standing=self._position, variables=self._variables)

    def _words_heard(self, now: float) -> int:
        """How many words of the step's prompt the caller has heard in this process."""
        return 0 if self._dialogue.announcements.in_progress else self._speaking.words_heard(now=now)
