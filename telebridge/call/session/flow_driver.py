"""The course of a call: the step in progress, and the one that follows, as a flow leads or somebody beside it asks.

A flow file is asked for each next step here; a Python flow asks for it from outside, and is told the outcome. The
caller may be away meanwhile, connected with somebody else; what happens then is kept for when they are back.

One rule: a call has one step in progress, and what may have done harm once is never done twice.
"""

from collections.abc import Iterable

from telebridge.call.record import CallRecord
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.checkpointer import Checkpointer
from telebridge.call.session.dialogue import Dialogue
from telebridge.call.session.effects import (
    CallEffect,
    CloseStream,
    PublishEvent,
    ReleaseCall,
    ReportOutcome,
    SaveCallBack,
    SaveOptOut,
    StartAction,
)
from telebridge.call.session.events import FlowEnded
from telebridge.call.session.speaking import from_word
from telebridge.call.session.stream_phase import Phase, PhaseMachine
from telebridge.call.session.turn import StepOver, TurnResult
from telebridge.errors import LocalProtocolError, TelebridgeError
from telebridge.flows.interpreter import FlowInterpreter, FlowPosition
from telebridge.flows.steps import (
    CallBack,
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

DIED = "the process that did it has died"


class FlowDriver:
    """The course of one call.

    Attributes:
        leaving: Whether a last word is being said, and nothing else will be.

    Args:
        flow: The flow that leads the call; None when a Python flow does.
        record: What came of the call so far.
        talk: Performs what is between the caller and the bridge alone.
        stream: Where the call's stream stands.
        place: Where the call stands, for another process.
    """

    __slots__ = (
        "_asked_beside",
        "_errand_begun",
        "_errand_done",
        "_flow",
        "_flow_ended",
        "_place",
        "_record",
        "_step",
        "_stream",
        "_talk",
        "leaving",
    )

    def __init__(
        self,
        flow: FlowInterpreter | None,
        record: CallRecord,
        talk: Dialogue,
        stream: PhaseMachine,
        place: Checkpointer,
    ) -> None:
        self.leaving = False
        self._flow = flow
        self._record = record
        self._talk = talk
        self._stream = stream
        self._place = place
        self._step: Step | None = None
        self._asked_beside = False  # whether it was not the flow that asked for the transfer
        self._errand_begun = False  # whether it is this process that does the errand in progress
        self._errand_done: Done | None = None  # while the caller was away
        self._flow_ended: FlowEnded | None = None  # while the caller was away

    # Beginning.

    def start(self, checkpoint: Checkpoint | None, *, now: float) -> list[CallEffect]:
        """Begin, or go on where another process left the call."""
        if self._flow is None:
            away = None if checkpoint is None else checkpoint.transfer
            return [] if away is None else self._stay_away(away, None, now)
        if checkpoint is None or checkpoint.standing is None:
            return self.perform(self._flow.start(), now=now)
        return self._take_up(self._flow, checkpoint, checkpoint.standing, now)

    def _take_up(
        self, flow: FlowInterpreter, checkpoint: Checkpoint, standing: FlowPosition, now: float
    ) -> list[CallEffect]:
        """Go on with a flow file where another process was."""
        step = flow.go_on(standing)
        self._record.path = flow.path
        if checkpoint.transfer is not None:
            return self._stay_away(checkpoint.transfer, step, now)
        if _may_have_happened(step):
            self._step = step
            return [*self._place.entered(now=now), *self._step_over(Done(problem=DIED), now)]
        effects = self.perform(_from_word(step, checkpoint.words_heard), now=now)
        self._place.words_before = max(0, checkpoint.words_heard - 1) if self._step is not None else 0
        return effects

    # Steps.

    def perform(self, step: Step, *, now: float) -> list[CallEffect]:
        """Begin a step; the one before it must be over.

        Raises:
            LocalProtocolError: It is not.
        """
        self._place.moved()
        if self._stream.phase in (Phase.CLOSING, Phase.OVER):
            return []
        if self._step is not None:
            raise LocalProtocolError(f"{step} was asked for while {self._step} is in progress")
        self._step = step
        if self._stream.phase is Phase.AWAY:  # begun once the caller is back
            return []
        wish = [] if self._flow is None else self._wishes(self._flow.standing)
        place = [*wish, *self._place.entered(now=now)]
        match step:
            case Say() | Collect() | Play() | Wait() | Record():
                return [*place, *self.settle(self._talk.begin(step, now=now), now=now)]
            case Request() | Run():
                self._errand_begun = True
                return [*place, StartAction(step)]
            case Transfer():
                return [*wish, *self._send_away(step, now)]
            case HangUp():
                return [*wish, *self._close("hung up by the flow", now)]

    def settle(self, news: Iterable[TurnResult], *, now: float) -> list[CallEffect]:
        """The effects of what happened in the talk; a step that is over leads to the next."""
        effects: list[CallEffect] = []
        for each in news:
            if isinstance(each, StepOver):
                effects += self._step_over(each.outcome, now)
            else:
                effects.append(each)
        return effects

    def _step_over(self, outcome: StepResult | TelebridgeError, now: float) -> list[CallEffect]:
        self._step = None
        self._errand_begun = False
        if self.leaving:
            return self._close("hung up by request", now)
        if self._flow is None:
            return [ReportOutcome(outcome)]
        if isinstance(outcome, TelebridgeError):  # a flow file has no answer to it; the caller must not hear silence
            return self._close(f"speech failed: {outcome}", now, apology=True)
        return self.perform(self._flow.resume(outcome), now=now)

    def cancel_step(self, *, now: float) -> list[CallEffect]:
        """A Python flow no longer waits for its step."""
        self._step = None
        if self._stream.phase is Phase.AWAY:
            return []
        return [*self._talk.cancel(now=now), *self._talk.announcements.begin_next(now=now)]

    def errand_over(self, done: Done, *, now: float) -> list[CallEffect]:
        """What the flow waits for was done, or failed."""
        if not isinstance(self._step, Request | Run):
            return []
        if self._stream.phase is Phase.AWAY:
            self._errand_done = done
            return []
        return self._step_over(done, now)

    def jump(self, node: str, *, now: float) -> list[CallEffect]:
        """Leave the step in progress for another node of the flow."""
        if self._flow is None or self._stream.phase not in (Phase.WAITING, Phase.LIVE) or self.leaving:
            return []
        effects = self._talk.cancel(now=now)
        self._step = None
        return [*effects, *self.perform(self._flow.go_to(node), now=now)]

    def opt_out(self) -> list[CallEffect]:
        """The caller wants no further call; nothing follows the second time."""
        if self._record.opted_out:
            return []
        self._record.opted_out = True
        return [SaveOptOut(), PublishEvent("opt-out", {})]

    def call_back(self, wanted: CallBack | None) -> list[CallEffect]:
        """The caller wants to be called again then; nothing follows when that is known, or there is no such wish."""
        if wanted is None or wanted == self._record.call_back:
            return []
        self._record.call_back = wanted
        at = None if wanted.at is None else wanted.at.isoformat()
        return [SaveCallBack(wanted), PublishEvent("call-back", {"in_seconds": wanted.in_seconds, "at": at})]

    def _wishes(self, standing: FlowPosition) -> list[CallEffect]:
        return [*(self.opt_out() if standing.opted_out else []), *self.call_back(standing.call_back)]

    # Transfers.

    def transfer_asked(self, transfer: Transfer, *, now: float) -> list[CallEffect]:
        """Somebody beside the flow connects the caller; the step in progress begins anew if that fails."""
        if self._stream.phase is not Phase.LIVE:
            return []
        self._asked_beside = True
        return self._send_away(transfer, now)

    def _send_away(self, transfer: Transfer, now: float) -> list[CallEffect]:
        """Close the stream; Twilio then asks what follows, and is told whom to dial."""
        self._place.transfer = transfer
        self._stream.away(now=now)
        told = PublishEvent("transfer", {"to": transfer.to})
        cut = [*self._talk.cancel(now=now), *self._talk.duplex.speaking.stream_lost(now=now)]
        return [told, *cut, self._place.keep(now=now), CloseStream()]

    def _stay_away(self, transfer: Transfer, step: Step | None, now: float) -> list[CallEffect]:
        """Wait for the end of a transfer that another process began."""
        self._place.transfer, self._step = transfer, step
        self._asked_beside = not isinstance(step, Transfer)
        self._stream.away(now=now)
        return []

    def transfer_ended(self, transferred: Transferred, *, now: float) -> list[CallEffect]:
        """The caller is back, or was never away."""
        if self._stream.phase is not Phase.AWAY:
            return []
        asked_beside, self._asked_beside, self._place.transfer = self._asked_beside, False, None
        self._stream.wait(now=now)
        told = PublishEvent("transfer-ended", {"status": transferred.status})
        if asked_beside and transferred.connected:
            return [told, *self._close("transferred", now)]
        if self._flow_ended is not None:
            return [told, *self.end_flow(self._flow_ended, now=now)]
        if not asked_beside and isinstance(self._step, Transfer):
            return [told, *self._step_over(transferred, now)]
        return [told, *self._go_on(now)]

    def _go_on(self, now: float) -> list[CallEffect]:
        """Begin the step in progress anew: the caller has heard other things meanwhile."""
        done, self._errand_done = self._errand_done, None
        if isinstance(self._step, Request | Run):  # what may have arrived is not sent again
            done = done or (None if self._errand_begun else Done(problem=DIED))
            place = self._place.keep(now=now)
            return [place] if done is None else [place, *self._step_over(done, now)]
        step, self._step = self._step, None
        return [] if step is None else self.perform(step, now=now)

    # The end.

    def end_flow(self, ended: FlowEnded, *, now: float) -> list[CallEffect]:
        """A Python flow returned; a caller who is with somebody else is not hung up on."""
        if self._stream.phase is Phase.AWAY:
            self._flow_ended = ended
            return []
        return self._close("flow ended" if ended.error is None else ended.error, now, apology=ended.error is not None)

    def hang_up(self, goodbye: Say | None, *, now: float) -> list[CallEffect]:
        """Somebody beside the flow ends the call, after a last word if there is one."""
        if self._stream.phase in (Phase.CLOSING, Phase.OVER):
            return []
        effects = self._talk.cancel(now=now)
        if goodbye is None or self._stream.phase is Phase.AWAY:
            return [*effects, *self._close("hung up by request", now)]
        self.leaving = self._place.over = True
        self._step = None
        effects.append(self._place.keep(now=now))
        return [*effects, *self.settle(self._talk.begin(goodbye, now=now), now=now)]

    def _close(self, reason: str, now: float, *, apology: bool = False) -> list[CallEffect]:
        """The flow is over. Without a stream nothing is to close: the answer to Twilio's next question hangs up."""
        self._place.apology = apology
        self._record.end_reason = self._record.end_reason or reason
        if self._stream.phase is Phase.WAITING:
            return self.end(reason, now=now)
        self._stream.closing(now=now)
        self._place.over = True
        return [self._place.keep(now=now), CloseStream()]

    def end(self, reason: str, *, now: float) -> list[CallEffect]:
        """The call is over."""
        self._stream.over()
        self._step = None
        if self._flow is not None:
            self._record.result.update(self._flow.found)
        self._record.end_reason = self._record.end_reason or reason
        return [*self._talk.end(now=now), ReleaseCall()]


def _may_have_happened(step: Step) -> bool:
    """Whether a step was perhaps done by the process that died, and doing it again could do harm."""
    return isinstance(step, Run) or (isinstance(step, Request) and step.method in ("POST", "PATCH"))


def _from_word(step: Step, heard: int) -> Step:
    """A step whose prompt goes on at the last word that was heard in another process."""
    match step:
        case Say(str() as text, voice, barge_in):
            return Say(from_word(text, heard), voice, barge_in)
        case Collect(Say(str() as text, voice, barge_in), rules):
            return Collect(Say(from_word(text, heard), voice, barge_in), rules)
        case _:
            return step
