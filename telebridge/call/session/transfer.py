"""The transfer of a caller to another party: from the request, over the stream that is closed for it, to its end.

Announcements that were accepted are heard before it. Twilio asks what follows once the stream is closed, and the answer
says whom to dial; it reports the end, and the stream comes back.

One rule: a call has one transfer at a time, and every checkpoint names it from its request to its end.
"""

from telebridge.call.session.audio.speaking import Speaking
from telebridge.call.session.checkpointer import Checkpointer
from telebridge.call.session.dialogue import Dialogue
from telebridge.call.session.effects import CallEffect, CloseStream, PublishEvent
from telebridge.call.session.events import TransferEnded
from telebridge.call.session.stream_phase import PhaseInput, PhaseMachine
from telebridge.flows.steps import Transfer


class CallTransfer:
    """The transfer of one call; `FlowDriver` decides what the flow does meanwhile and after it.

    Attributes:
        waits: Whether it was requested, and begins once no announcement is pending.

    Args:
        phases: The phase of the call: away from the beginning of the transfer to its end.
        checkpointer: Has the target of the transfer.
        dialogue: Is cancelled for the transfer; its announcements are heard first.
        speaking: Loses its stream.
    """

    __slots__ = ("_by_api", "_checkpointer", "_dialogue", "_phases", "_speaking", "waits")

    def __init__(
        self, phases: PhaseMachine, checkpointer: Checkpointer, dialogue: Dialogue, speaking: Speaking
    ) -> None:
        self.waits = False
        self._by_api = False  # whether it was requested outside the flow
        self._phases = phases
        self._checkpointer = checkpointer
        self._dialogue = dialogue
        self._speaking = speaking

    def request(self, transfer: Transfer, *, by_api: bool = False, now: float) -> list[CallEffect]:
        """Begin it once the announcements are heard, and nothing else of the flow.

        Args:
            transfer: With whom the caller is connected.
            by_api: Whether it is requested outside the flow.
            now: Monotonic seconds.
        """
        self._by_api = by_api
        self._checkpointer.transfer, self.waits = transfer, True
        announced = [*self._dialogue.cancel(now=now), *self._dialogue.announcements.begin_next(now=now)]
        begun = self.begin_when_announced(now=now)
        return [*announced, *(begun or [self._checkpointer.save(now=now)])]

    def begin_when_announced(self, *, now: float) -> list[CallEffect]:
        """Begin the transfer that waits, unless an announcement is pending still, or the flow is over."""
        transfer = self._checkpointer.transfer
        ready = self.waits and not self._dialogue.announcements.pending and not self._phases.phase.is_ending
        if not ready or transfer is None:
            return []
        return self._begin(transfer, now)

    def begin(self, transfer: Transfer, *, now: float) -> list[CallEffect]:
        """Begin it at once, outside the flow: announcements are cut off."""
        self._by_api = True
        return self._begin(transfer, now)

    def _begin(self, transfer: Transfer, now: float) -> list[CallEffect]:
        self._checkpointer.transfer, self.waits = transfer, False
        self._phases.handle(PhaseInput.TRANSFER, now=now)
        published = PublishEvent("transfer", {"to": transfer.to} | ({"queue": True} if transfer.queue else {}))
        cut = [*self._dialogue.cancel(now=now), *self._speaking.stream_lost(now=now)]
        return [published, *cut, self._checkpointer.save(now=now), CloseStream()]

    def restore(self, transfer: Transfer, *, by_api: bool, now: float) -> None:
        """Wait for the end of a transfer that another process began."""
        self._checkpointer.transfer, self._by_api = transfer, by_api
        self._phases.handle(PhaseInput.TRANSFER, now=now)

    def cancel(self) -> None:
        """Cancel a transfer that waits; one that has begun is not changed."""
        if self.waits:
            self._checkpointer.transfer, self.waits = None, False

    def call_over(self, ended: TransferEnded | None) -> None:
        """The call has ended; record the transfer that was under way."""
        if self._phases.phase.is_away:
            self._checkpointer.transfer_over(ended, by_api=self._by_api)

    def dialed(self, *, now: float) -> None:
        """Twilio has the answer that says whom to dial."""
        self._phases.handle(PhaseInput.TRANSFER_DIALED, now=now)

    def end(self, ended: TransferEnded, *, now: float) -> bool:
        """The caller is back, or was never away. Returns whether the transfer was requested outside the flow."""
        by_api, self._by_api = self._by_api, False
        self._checkpointer.transfer_over(ended, by_api=by_api)
        self._phases.handle(PhaseInput.TRANSFER_ENDED, now=now)
        return by_api
