"""Drives the flow of a call: the step in progress, and the one that follows.

A flow file is asked for each next step here; a Python flow commands its steps and is told their outcome. While a
transfer keeps the caller away, what happens is kept until they are back.

One rule: a call has one step in progress, and what may have done harm once is never done twice.
"""

from collections.abc import Iterable

from telebridge.call.flows.transfers import MayTransfer
from telebridge.call.session.audio.full_duplex import CallerActivity
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.checkpointer import Checkpointer
from telebridge.call.session.dialogue import Dialogue
from telebridge.call.session.effects import CallEffect, PublishEvent, ReportOutcome, StartAction
from telebridge.call.session.ending import CallEnding
from telebridge.call.session.events import (
    ActionDone,
    CallOver,
    FlowEnded,
    JudgeAnswered,
    MessageSaved,
    TransferBegun,
    TransferEnded,
    WordsHeard,
)
from telebridge.call.session.preferences import CallerPreferences
from telebridge.call.session.resuming import may_have_happened, step_from_word
from telebridge.call.session.stream_phase import PhaseMachine
from telebridge.call.session.transfer import CallTransfer
from telebridge.call.session.turn import MASK, StepOver, TurnResult
from telebridge.errors import LocalProtocolError, TelebridgeError
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.steps import (
    Action,
    Collect,
    Done,
    HangUp,
    LoadAudio,
    Play,
    Record,
    Request,
    Run,
    Say,
    Screening,
    SendSms,
    Step,
    StepResult,
    Transfer,
    Transferred,
    Wait,
)
from telebridge.turns.barge_in import BargeInCause
from telebridge.twilio.media_stream import AudioReceived, DigitPressed, MarkReturned

DIED = "the process that did it has died"

FlowEvent = (
    MarkReturned
    | DigitPressed
    | MessageSaved
    | WordsHeard
    | JudgeAnswered
    | ActionDone
    | FlowEnded
    | TransferBegun
    | TransferEnded
)
"""What may end the step in progress."""


REFUSED = Transferred("failed")
"""How a transfer ended that was not begun, because `transfers.allowed` does not have the number."""


class FlowDriver:
    """Drives the flow of one call.

    Args:
        flow: The flow file that leads the call; None when a Python flow does.
        phases: The phase of the call.
        dialogue: Performs the steps that need only the caller.
        checkpointer: Saves each step.
        transfer: The transfer of the caller.
        ending: Ends the call.
        preferences: What the caller wants of later calls.
        may_transfer: Whether the flow may transfer the call to a number or address.
    """

    __slots__ = (
        "_action_begun",
        "_action_done",
        "_checkpointer",
        "_dialogue",
        "_ending",
        "_flow",
        "_flow_ended",
        "_may_transfer",
        "_phases",
        "_preferences",
        "_step",
        "_transfer",
    )

    def __init__(
        self,
        flow: FlowInterpreter | None,
        phases: PhaseMachine,
        dialogue: Dialogue,
        checkpointer: Checkpointer,
        transfer: CallTransfer,
        ending: CallEnding,
        preferences: CallerPreferences,
        may_transfer: MayTransfer,
    ) -> None:
        self._flow = flow
        self._phases = phases
        self._dialogue = dialogue
        self._checkpointer = checkpointer
        self._transfer = transfer
        self._ending = ending
        self._preferences = preferences
        self._may_transfer = may_transfer
        self._step: Step | None = None
        self._action_begun = False  # whether it is this process that performs the action in progress
        self._action_done: Done | None = None  # while the caller was away
        self._flow_ended: FlowEnded | None = None  # while the caller was away

    @property
    def is_recording(self) -> bool:
        """Whether the step in progress records the caller."""
        return isinstance(self._step, Record)

    # Beginning.

    def start(self, checkpoint: Checkpoint | None, *, now: float) -> list[CallEffect]:
        """Begin, or resume the call where another process left it."""
        step = None if checkpoint is None else self._checkpointer.restore(checkpoint)
        if checkpoint is not None and checkpoint.transfer is not None and (step is not None or self._flow is None):
            self._step = step
            self._transfer.restore(checkpoint.transfer, by_api=not isinstance(step, Transfer), now=now)
            return []
        if self._flow is None:
            return []
        if checkpoint is None or step is None:
            return self.perform(self._flow.start(), now=now)
        return self._resume(step, checkpoint.words_heard, now)

    def _resume(self, step: Step, words_heard: int, now: float) -> list[CallEffect]:
        """Resume the step that another process left in progress."""
        if may_have_happened(step):
            self._step = step
            return [*self._checkpointer.step_began(now=now), *self._step_over(Done(problem=DIED), now)]
        effects = self.perform(step_from_word(step, words_heard), now=now)
        self._checkpointer.words_before = max(0, words_heard - 1) if self._step is not None else 0
        return effects

    # What happened.

    def handle(self, event: FlowEvent, *, now: float) -> list[CallEffect]:
        """Return what follows from an event that may end the step in progress."""
        match event:
            case MarkReturned(name):
                followed = self._follow(self._dialogue.mark_returned(name, now=now), now)
                return self._checkpointer.save_after_mark(followed, now=now)
            case DigitPressed(digit):
                shown = MASK if isinstance(self._step, Collect) and self._step.secret else digit
                followed = self._follow(self._dialogue.digit_pressed(digit, now=now), now)
                return [PublishEvent("key", {"key": shown}), *self._checkpointer.save_after(followed, now=now)]
            case MessageSaved(file):
                return self._follow(self._dialogue.message_saved(file, now=now), now)
            case WordsHeard():
                return self._follow(self._dialogue.words_heard(event, now=now), now)
            case JudgeAnswered():
                return self._follow(self._dialogue.judge_answered(event, now=now), now)
            case ActionDone(done):
                return self._action_over(done, now)
            case FlowEnded():
                return self._end_flow(event, now)
            case TransferBegun():
                self._transfer.dialed(now=now)
                return []
            case TransferEnded():
                return self._transfer_ended(event, now)

    def receive_media(self, frame: AudioReceived, activity: CallerActivity, *, now: float) -> list[CallEffect]:
        """Return what follows from a frame of the caller's and its judgement."""
        return self._follow(self._dialogue.receive_media(frame, activity, now=now), now)

    def handle_timeout(self, *, now: float) -> list[CallEffect]:
        """Return what follows from the time being `now`, which may be a deadline of the dialogue."""
        return self._follow(self._dialogue.handle_timeout(now=now), now)

    # Steps.

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
            case Say() | Collect() | Play() | Wait() | Record() | Screening():
                return [*begun, *self._follow(self._dialogue.begin(step, now=now), now)]
            case Request() | Run() | LoadAudio() | SendSms():
                self._action_begun = True
                return [*begun, StartAction(step)]
            case Transfer(to, queue=False) if not self._may_transfer(to):
                return [*wishes, PublishEvent("transfer-refused", {"to": to}), *self._step_over(REFUSED, now)]
            case Transfer():
                return [*wishes, *self._transfer.request(step, now=now)]
            case HangUp():
                return [*wishes, *self._ending.close("hung up by the flow", now=now)]

    @property
    def _is_away(self) -> bool:
        """Whether the caller is being transferred, or is to be once the announcements are over."""
        return self._transfer.waits or self._phases.phase.is_away

    def _wishes(self) -> list[CallEffect]:
        """Note what the flow file has found out of the caller's wishes; mostly nothing."""
        position = None if self._flow is None else self._flow.position
        if position is None or not (position.opted_out or position.call_back):
            return []
        return self._preferences.of_position(position)

    def _follow(self, results: Iterable[TurnResult], now: float) -> list[CallEffect]:
        """The effects of what happened in the dialogue; a step that is over leads to the next."""
        effects: list[CallEffect] = []
        for each in results:
            if isinstance(each, StepOver):
                effects += self._step_over(each.outcome, now)
            else:
                effects.append(each)
        return [*effects, *self._transfer.begin_when_announced(now=now)] if self._transfer.waits else effects

    def _step_over(self, outcome: StepResult | TelebridgeError, now: float) -> list[CallEffect]:
        self._step = None
        self._action_begun = False
        if self._ending.leaving:
            return self._ending.close("hung up by request", now=now)
        if self._flow is None:
            return [ReportOutcome(outcome)]
        if isinstance(outcome, TelebridgeError):  # a flow file has no answer to it; the caller must not hear silence
            return self._ending.close(f"speech failed: {outcome}", now=now, apology=True)
        return self.perform(self._flow.resume(outcome), now=now)

    def cancel_step(self, *, now: float) -> list[CallEffect]:
        """Cancel the step in progress: the Python flow does not wait for it any more."""
        self._step = None
        if self._is_away:
            return []
        return [*self._dialogue.cancel(now=now), *self._dialogue.announcements.begin_next(now=now)]

    def _action_over(self, done: Done, now: float) -> list[CallEffect]:
        if not isinstance(self._step, Action):
            return []
        if self._is_away:
            self._action_done = done
            return []
        return self._step_over(done, now)

    def jump(self, node: str, *, now: float) -> list[CallEffect]:
        """Leave the step in progress for another node of the flow."""
        with_caller = self._phases.phase.with_caller and not self._transfer.waits
        if self._flow is None or not with_caller or self._ending.leaving:
            return []
        effects = self._dialogue.cancel(now=now)
        self._step = None
        return [*effects, *self.perform(self._flow.go_to(node), now=now)]

    def fall_silent(self, *, now: float) -> list[CallEffect]:
        """Leave the step in progress, and say nothing until somebody names the node that follows."""
        with_caller = self._phases.phase.with_caller and not self._transfer.waits
        if self._flow is None or not with_caller or self._ending.leaving or isinstance(self._step, Action):
            return []
        effects = self._dialogue.cancel(now=now)
        self._step = None
        return effects

    def clear(self, cause: BargeInCause, *, now: float) -> list[CallEffect]:
        """Interrupt what is being said, whatever its barge-in policy."""
        return self._follow(self._dialogue.clear(cause, now=now), now)

    # Transfers.

    def transfer(self, transfer: Transfer, *, at_once: bool = False, now: float) -> list[CallEffect]:
        """Connect the caller with another party outside the flow; if that fails the step in progress begins again.

        Args:
            transfer: With whom.
            at_once: Whether announcements that were accepted are cut off; otherwise they are heard first.
            now: Monotonic seconds.
        """
        if not self._phases.phase.is_live:
            return []
        if at_once:
            return self._transfer.begin(transfer, now=now)
        return self._transfer.request(transfer, by_api=True, now=now)

    def call_over(self, over: CallOver) -> None:
        """Note what the end of the call says of a transfer that was under way."""
        self._transfer.call_over(over.transfer)

    def _transfer_ended(self, ended: TransferEnded, now: float) -> list[CallEffect]:
        """The caller is back, or was never away."""
        if not self._phases.phase.is_away:
            return []
        transferred = Transferred(ended.status)
        by_api = self._transfer.end(ended, now=now)
        published = PublishEvent("transfer-ended", {"status": transferred.status})
        if by_api and transferred.connected:
            return [published, *self._ending.close("transferred", now=now)]
        if self._flow_ended is not None:
            return [published, *self._end_flow(self._flow_ended, now)]
        if not by_api and isinstance(self._step, Transfer):
            return [published, *self._step_over(transferred, now)]
        return [published, *self._restart_step(now)]

    def _restart_step(self, now: float) -> list[CallEffect]:
        """Begin the step in progress again: the caller has heard other things meanwhile."""
        done, self._action_done = self._action_done, None
        if isinstance(self._step, Action):  # what may have arrived is not sent again
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
        reason = "flow ended" if ended.error is None else ended.error
        return self._ending.close(reason, now=now, apology=ended.error is not None)

    def hang_up(self, goodbye: Say | None, *, now: float) -> list[CallEffect]:
        """End the call outside the flow, after a goodbye if one is given."""
        if self._phases.phase.is_ending:
            return []
        self._transfer.cancel()
        effects = self._dialogue.cancel(now=now)
        if goodbye is None or self._phases.phase.is_away:
            return [*effects, *self._ending.close("hung up by request", now=now)]
        self._step = None
        effects.append(self._ending.leave(now=now))
        return [*effects, *self._follow(self._dialogue.begin(goodbye, now=now), now)]
