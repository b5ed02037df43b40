"""Drives the flow of a call: the step in progress, and the one that follows.

A flow file is asked for each next step here; a Python flow commands its steps and is told their outcome. While a
transfer keeps the caller away, what happens is kept until they are back.

One rule: a call has one step in progress, and what may have done harm once is never done twice.
"""

from collections.abc import Iterable
from typing import Any

from telebridge.call.flows.transfers import MayTransfer, anywhere
from telebridge.call.record import CallRecord
from telebridge.call.session.announcements import Announcement
from telebridge.call.session.audio.full_duplex import CallerActivity, FullDuplex
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.checkpointer import Checkpointer
from telebridge.call.session.dialogue import Dialogue
from telebridge.call.session.effects import (
    CallEffect,
    CloseStream,
    PublishEvent,
    ReleaseCall,
    ReportOutcome,
    StartAction,
)
from telebridge.call.session.events import ActionDone, FlowEnded, MessageSaved, TransferBegun, TransferEnded
from telebridge.call.session.preferences import CallerPreferences
from telebridge.call.session.stream_phase import PhaseInput, PhaseMachine
from telebridge.call.session.turn import StepOver, TurnResult
from telebridge.deadlines import earliest
from telebridge.errors import LocalProtocolError, TelebridgeError
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import (
    Collect,
    Done,
    HangUp,
    Play,
    Record,
    Request,
    Run,
    Say,
    Step,
    StepResult,
    Transfer,
    Transferred,
    Wait,
)
from telebridge.speech.words import from_word
from telebridge.turns.barge_in import BargeInCause
from telebridge.twilio.media_stream import AudioReceived, DigitPressed, MarkReturned

DIED = "the process that did it has died"

FlowEvent = MarkReturned | DigitPressed | MessageSaved | ActionDone | FlowEnded | TransferBegun | TransferEnded
"""What may end the step in progress."""


REFUSED = Transferred("failed")
"""How a transfer ended that was not begun, because `transfers.allowed` does not have the number."""


class FlowDriver:
    """Drives the flow of one call.

    Attributes:
        leaving: Whether a goodbye is being said, after which nothing else will be.

    Args:
        flow: The flow file that leads the call; None when a Python flow does.
        record: What came of the call so far.
        duplex: The audio of the call.
        phases: The phase of the call.
        preferences: What the caller wants of later calls.
        may_transfer: Whether the flow may transfer the call to a number or address.
    """

    __slots__ = (
        "_action_begun",
        "_action_done",
        "_checkpointer",
        "_dialogue",
        "_duplex",
        "_flow",
        "_flow_ended",
        "_may_transfer",
        "_phases",
        "_preferences",
        "_record",
        "_step",
        "_transfer_by_api",
        "_transfer_waits",
        "leaving",
    )

    def __init__(
        self,
        flow: FlowInterpreter | None,
        record: CallRecord,
        duplex: FullDuplex,
        phases: PhaseMachine,
        preferences: CallerPreferences,
        may_transfer: MayTransfer = anywhere,
    ) -> None:
        self.leaving = False
        self._flow = flow
        self._record = record
        self._duplex = duplex
        self._phases = phases
        self._preferences = preferences
        self._may_transfer = may_transfer
        self._dialogue = Dialogue(record, duplex)
        self._checkpointer = Checkpointer(flow, record, self._dialogue, duplex)
        self._step: Step | None = None
        self._transfer_by_api = False  # whether it was not the flow that began the transfer
        self._transfer_waits = False  # for the end of the announcements
        self._action_begun = False  # whether it is this process that performs the action in progress
        self._action_done: Done | None = None  # while the caller was away
        self._flow_ended: FlowEnded | None = None  # while the caller was away

    @property
    def apology_due(self) -> bool:
        """Whether the caller must still be told that something went wrong."""
        return self._checkpointer.apology

    @property
    def transfer_target(self) -> Transfer | None:
        """The transfer to be made, or in progress."""
        return self._checkpointer.transfer

    # Beginning.

    def start(self, checkpoint: Checkpoint | None, *, now: float) -> list[CallEffect]:
        """Begin, or resume the call where another process left it."""
        if checkpoint is not None:
            self._checkpointer.restore(checkpoint)
        if self._flow is None:
            transfer = None if checkpoint is None else checkpoint.transfer
            return [] if transfer is None else self._await_transfer(transfer, None, now)
        if checkpoint is None or checkpoint.standing is None:
            return self.perform(self._flow.start(), now=now)
        return self._resume(self._flow, checkpoint, checkpoint.standing, now)

    def _resume(
        self, flow: FlowInterpreter, checkpoint: Checkpoint, position: FlowPosition, now: float
    ) -> list[CallEffect]:
        """Resume a flow file at the position where another process was."""
        step = flow.restore(position)
        self._record.path = flow.path
        if checkpoint.transfer is not None:
            return self._await_transfer(checkpoint.transfer, step, now)
        if _may_have_happened(step):
            self._step = step
            return [*self._checkpointer.step_began(now=now), *self._step_over(Done(problem=DIED), now)]
        effects = self.perform(_from_word(step, checkpoint.words_heard), now=now)
        self._checkpointer.words_before = max(0, checkpoint.words_heard - 1) if self._step is not None else 0
        return effects

    # What happened.

    def handle(self, event: FlowEvent, *, now: float) -> list[CallEffect]:
        """Return what follows from an event that may end the step in progress."""
        match event:
            case MarkReturned(name):
                followed = self._follow(self._dialogue.mark_returned(name, now=now), now)
                return self._checkpointer.save_after(followed, now=now)
            case DigitPressed(digit):
                followed = self._follow(self._dialogue.digit_pressed(digit, now=now), now)
                return [PublishEvent("key", {"key": digit}), *self._checkpointer.save_after(followed, now=now)]
            case MessageSaved(file):
                return self._follow(self._dialogue.message_saved(file, now=now), now)
            case ActionDone(done):
                return self._action_over(done, now)
            case FlowEnded():
                return self._end_flow(event, now)
            case TransferBegun():
                self._phases.handle(PhaseInput.TRANSFER_DIALED, now=now)
                return []
            case TransferEnded(status):
                return self._transfer_ended(Transferred(status), now)

    def receive_media(self, frame: AudioReceived, activity: CallerActivity, *, now: float) -> list[CallEffect]:
        """Return what follows from a frame of the caller's and its judgement."""
        return self._follow(self._dialogue.receive_media(frame, activity, now=now), now)

    def stream_started(self, *, now: float) -> list[CallEffect]:
        """The stream is there: send what waited for it."""
        return self._dialogue.stream_started(now=now)

    def stream_stopped(self, *, now: float) -> list[CallEffect]:
        """Twilio ended the stream: keep what it cut, and save for whichever process Twilio asks what follows."""
        cut = self._duplex.stream_lost(now=now, request=False)
        return [*cut, self._checkpointer.save(now=now), CloseStream()]

    def attend(self, *, now: float) -> None:
        """Listen to the caller as long as somebody needs to know whether they speak."""
        self._dialogue.attend(live=self._phases.phase.is_live, now=now)

    def next_deadline(self) -> float | None:
        """When `handle_timeout` wants to be called, or None."""
        return earliest(self._phases.next_deadline(), self._dialogue.next_deadline())

    def handle_timeout(self, *, now: float) -> list[CallEffect]:
        """Return what follows from the time being `now`; the phase's own deadline is the session's business."""
        return self._follow(self._dialogue.handle_timeout(now=now), now)

    # Steps.

    def _wishes(self) -> list[CallEffect]:
        """Note what the flow file has found out of the caller's wishes; mostly nothing."""
        position = None if self._flow is None else self._flow.position
        if position is None or not (position.opted_out or position.call_back):
            return []
        return self._preferences.of_position(position)

    def perform(self, step: Step, *, now: float) -> list[CallEffect]:
        """Begin a step; the one before it must be over.

        Raises:
            LocalProtocolError: It is not.
        """
        self._checkpointer.flow_moved()
        if self._phases.phase.is_ending:
            return []
        if self._step is not None:
            raise LocalProtocolError(f"{step} was asked for while {self._step} is in progress")
        self._step = step
        if self._is_away:  # begun once the caller is back
            return []
        wishes = self._wishes()
        begun = [*wishes, *self._checkpointer.step_began(now=now)]
        match step:
            case Say() | Collect() | Play() | Wait() | Record():
                return [*begun, *self._follow(self._dialogue.begin(step, now=now), now)]
            case Request() | Run():
                self._action_begun = True
                return [*begun, StartAction(step)]
            case Transfer(to) if not self._may_transfer(to):
                return [*wishes, PublishEvent("transfer-refused", {"to": to}), *self._step_over(REFUSED, now)]
            case Transfer():
                return [*wishes, *self._transfer_after_announcements(step, now)]
            case HangUp():
                return [*wishes, *self._close("hung up by the flow", now)]

    def _follow(self, results: Iterable[TurnResult], now: float) -> list[CallEffect]:
        """The effects of what happened in the dialogue; a step that is over leads to the next."""
        effects: list[CallEffect] = []
        for each in results:
            if isinstance(each, StepOver):
                effects += self._step_over(each.outcome, now)
            else:
                effects.append(each)
        return [*effects, *self._transfer_when_announced(now)]

    def _step_over(self, outcome: StepResult | TelebridgeError, now: float) -> list[CallEffect]:
        self._step = None
        self._action_begun = False
        if self.leaving:
            return self._close("hung up by request", now)
        if self._flow is None:
            return [ReportOutcome(outcome)]
        if isinstance(outcome, TelebridgeError):  # a flow file has no answer to it; the caller must not hear silence
            return self._close(f"speech failed: {outcome}", now, apology=True)
        return self.perform(self._flow.resume(outcome), now=now)

    def cancel_step(self, *, now: float) -> list[CallEffect]:
        """Cancel the step in progress: the Python flow does not wait for it any more."""
        self._step = None
        if self._is_away:
            return []
        return [*self._dialogue.cancel(now=now), *self._dialogue.announcements.begin_next(now=now)]

    def _action_over(self, done: Done, now: float) -> list[CallEffect]:
        if not isinstance(self._step, Request | Run):
            return []
        if self._is_away:
            self._action_done = done
            return []
        return self._step_over(done, now)

    def jump(self, node: str, *, now: float) -> list[CallEffect]:
        """Leave the step in progress for another node of the flow."""
        if self._flow is None or not self._phases.phase.with_caller or self.leaving or self._transfer_waits:
            return []
        effects = self._dialogue.cancel(now=now)
        self._step = None
        return [*effects, *self.perform(self._flow.go_to(node), now=now)]

    def clear(self, cause: BargeInCause, *, now: float) -> list[CallEffect]:
        """Interrupt what is being said, whatever its barge-in policy."""
        return self._follow(self._dialogue.clear(cause, now=now), now)

    def announce(self, announcement: Announcement, *, now: float) -> list[CallEffect]:
        """Say or play something outside the flow, once nothing else is."""
        return self._dialogue.announcements.announce(announcement, now=now)

    def checkpoint(self, name: str | None, variables: dict[str, Any], *, now: float) -> list[CallEffect]:
        """Save how far a Python flow is, and its variables as they are now."""
        self._checkpointer.set_variables(name, variables)
        return [self._checkpointer.save(now=now)]

    # Transfers.

    @property
    def _is_away(self) -> bool:
        """Whether the caller is being transferred, or is to be once the announcements are over."""
        return self._transfer_waits or self._phases.phase.is_away

    def transfer(self, transfer: Transfer, *, at_once: bool = False, now: float) -> list[CallEffect]:
        """Connect the caller with another party outside the flow; if that fails the step in progress begins again.

        Args:
            transfer: With whom.
            at_once: Whether announcements that were accepted are cut off; otherwise they are heard first.
            now: Monotonic seconds.
        """
        if not self._phases.phase.is_live:
            return []
        self._transfer_by_api = True
        return self._begin_transfer(transfer, now) if at_once else self._transfer_after_announcements(transfer, now)

    def _transfer_after_announcements(self, transfer: Transfer, now: float) -> list[CallEffect]:
        """Let the announcements be heard, and nothing else of the flow; then transfer."""
        self._checkpointer.transfer, self._transfer_waits = transfer, True
        announced = [*self._dialogue.cancel(now=now), *self._dialogue.announcements.begin_next(now=now)]
        begun = self._transfer_when_announced(now)
        return [*announced, *(begun or [self._checkpointer.save(now=now)])]

    def _transfer_when_announced(self, now: float) -> list[CallEffect]:
        """Begin the transfer that waits, once no announcement is pending."""
        transfer = self._checkpointer.transfer
        if not self._transfer_waits or transfer is None or self._dialogue.announcements.pending:
            return []
        return self._begin_transfer(transfer, now)

    def _begin_transfer(self, transfer: Transfer, now: float) -> list[CallEffect]:
        """Close the stream; Twilio then asks what follows, and the answer says whom to dial."""
        self._checkpointer.transfer, self._transfer_waits = transfer, False
        self._phases.handle(PhaseInput.TRANSFER, now=now)
        published = PublishEvent("transfer", {"to": transfer.to})
        cut = [*self._dialogue.cancel(now=now), *self._duplex.stream_lost(now=now)]
        return [published, *cut, self._checkpointer.save(now=now), CloseStream()]

    def _await_transfer(self, transfer: Transfer, step: Step | None, now: float) -> list[CallEffect]:
        """Wait for the end of a transfer that another process began."""
        self._checkpointer.transfer, self._step = transfer, step
        self._transfer_by_api = not isinstance(step, Transfer)
        self._phases.handle(PhaseInput.TRANSFER, now=now)
        return []

    def _transfer_ended(self, transferred: Transferred, now: float) -> list[CallEffect]:
        """The caller is back, or was never away."""
        if not self._phases.phase.is_away:
            return []
        by_api, self._transfer_by_api, self._checkpointer.transfer = self._transfer_by_api, False, None
        self._phases.handle(PhaseInput.TRANSFER_ENDED, now=now)
        published = PublishEvent("transfer-ended", {"status": transferred.status})
        if by_api and transferred.connected:
            return [published, *self._close("transferred", now)]
        if self._flow_ended is not None:
            return [published, *self._end_flow(self._flow_ended, now)]
        if not by_api and isinstance(self._step, Transfer):
            return [published, *self._step_over(transferred, now)]
        return [published, *self._restart_step(now)]

    def _restart_step(self, now: float) -> list[CallEffect]:
        """Begin the step in progress again: the caller has heard other things meanwhile."""
        done, self._action_done = self._action_done, None
        if isinstance(self._step, Request | Run):  # what may have arrived is not sent again
            done = done or (None if self._action_begun else Done(problem=DIED))
            saved = self._checkpointer.save(now=now)
            return [saved] if done is None else [saved, *self._step_over(done, now)]
        step, self._step = self._step, None
        return [] if step is None else self.perform(step, now=now)

    # The end.

    def _end_flow(self, ended: FlowEnded, now: float) -> list[CallEffect]:
        """A Python flow returned; a caller who talks to another party is not hung up on."""
        if self._is_away:
            self._flow_ended = ended
            return []
        return self._close("flow ended" if ended.error is None else ended.error, now, apology=ended.error is not None)

    def hang_up(self, goodbye: Say | None, *, now: float) -> list[CallEffect]:
        """End the call outside the flow, after a goodbye if one is given."""
        if self._phases.phase.is_ending:
            return []
        if self._transfer_waits:
            self._checkpointer.transfer, self._transfer_waits = None, False
        effects = self._dialogue.cancel(now=now)
        if goodbye is None or self._phases.phase.is_away:
            return [*effects, *self._close("hung up by request", now)]
        self.leaving = self._checkpointer.over = True
        self._step = None
        effects.append(self._checkpointer.save(now=now))
        return [*effects, *self._follow(self._dialogue.begin(goodbye, now=now), now)]

    def give_up(self, reason: str, *, now: float) -> list[CallEffect]:
        """End the flow: the call cannot go on. The caller hears an apology by TwiML."""
        return self._close(reason, now, apology=True)

    def _close(self, reason: str, now: float, *, apology: bool = False) -> list[CallEffect]:
        """Close the stream: the flow is over. Without one, the answer to Twilio's next request hangs up."""
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
        self._step = None
        self._transfer_waits = False
        if self._flow is not None:
            self._record.result.update(self._flow.found)
        self._record.end_reason = self._record.end_reason or reason
        return [*self._dialogue.end(now=now), ReleaseCall()]


def _may_have_happened(step: Step) -> bool:
    """Whether a step was perhaps done by the process that died, and doing it again could do harm."""
    return isinstance(step, Run) or (isinstance(step, Request) and step.method in ("POST", "PATCH"))


def _from_word(step: Step, heard: int) -> Step:
    """The step with a prompt that begins at the last word heard in another process."""
    match step:
        case Say(str() as text, voice, barge_in):
            return Say(from_word(text, heard), voice, barge_in)
        case Collect(Say(str() as text, voice, barge_in), rules):
            return Collect(Say(from_word(text, heard), voice, barge_in), rules)
        case _:
            return step
