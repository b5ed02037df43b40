"""The end of a call: the flow is over and the stream is closed, or the call is gone.

One rule: the first reason is the one that the record keeps.
"""

from telebridge.call.record import CallRecord
from telebridge.call.session.checkpointer import Checkpointer
from telebridge.call.session.dialogue import Dialogue
from telebridge.call.session.effects import CallEffect, CloseStream, ReleaseCall, SaveCheckpoint
from telebridge.call.session.stream_phase import PhaseInput, PhaseMachine
from telebridge.flows.interpreter import FlowInterpreter


class CallEnding:
    """Ends one call.

    Attributes:
        leaving: Whether a goodbye is being said, after which nothing else will be.

    Args:
        flow: The flow file that leads the call; None when a Python flow does.
        record: Gets the reason, and the result of the flow file.
        phases: The phase of the call.
        dialogue: Ends with the call.
        checkpointer: Saves that the flow is over.
    """

    __slots__ = ("_checkpointer", "_dialogue", "_flow", "_phases", "_record", "leaving")

    def __init__(
        self,
        flow: FlowInterpreter | None,
        record: CallRecord,
        phases: PhaseMachine,
        dialogue: Dialogue,
        checkpointer: Checkpointer,
    ) -> None:
        self.leaving = False
        self._flow = flow
        self._record = record
        self._phases = phases
        self._dialogue = dialogue
        self._checkpointer = checkpointer

    def leave(self, *, now: float) -> SaveCheckpoint:
        """Note that the goodbye begins: the next step that is over closes the stream."""
        self.leaving = self._checkpointer.over = True
        return self._checkpointer.save(now=now)

    def close(self, reason: str, *, now: float, apology: bool = False) -> list[CallEffect]:
        """Close the stream: the flow is over. Without one, the answer to Twilio's next request hangs up.

        Args:
            reason: For the record.
            now: Monotonic seconds.
            apology: Whether that answer first says that something went wrong.
        """
        self._checkpointer.apology = apology
        self._record.end_reason = self._record.end_reason or reason
        if self._phases.phase.is_waiting or self._phases.phase.is_held:
            return self.end(reason, now=now)
        self._phases.handle(PhaseInput.CLOSE, now=now)
        self._checkpointer.over = True
        return [self._checkpointer.save(now=now), CloseStream()]

    def end(self, reason: str, *, now: float) -> list[CallEffect]:
        """The call is over."""
        self._phases.handle(PhaseInput.END, now=now)
        if self._flow is not None:
            self._record.result.update(self._flow.found)
        self._record.end_reason = self._record.end_reason or reason
        return [*self._dialogue.end(now=now), ReleaseCall()]
