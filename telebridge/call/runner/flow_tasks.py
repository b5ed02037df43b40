"""The background tasks of a flow: the Python flow itself, and the action that the flow waits for.

One rule: whatever the code of a user raises ends this call and no other.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from telebridge.call.flows.flow_steps import SessionSteps
from telebridge.call.flows.python.call import Call
from telebridge.call.flows.python.registry import PythonFlow
from telebridge.call.flows.requests import ActionRunner
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.effects import CallEffect, ForwardTurn, ReportOutcome
from telebridge.call.session.events import ActionDone, EventSink, FlowEnded
from telebridge.call.session.session import CallSession
from telebridge.errors import SpeechError
from telebridge.flows.steps import Action
from telebridge.logs import logger
from telebridge.tasks import Tasks

log = logger(__name__)


class FlowTasks:
    """The tasks of one call's flow.

    Attributes:
        steps: The steps of the Python flow; None when a flow file leads the call.
        variables: The variables of the Python flow as they are now; None when a flow file leads the call.

    Args:
        actions: Performs web requests and functions.
        tasks: Of the call.
        session: The call's session, to which a Python flow gives its commands.
    """

    __slots__ = ("_action", "_actions", "_session", "_tasks", "steps", "variables")

    def __init__(self, actions: ActionRunner, tasks: Tasks, session: CallSession) -> None:
        self._actions = actions
        self._tasks = tasks
        self._session = session
        self.steps: SessionSteps | None = None
        self.variables: dict[str, Any] | None = None
        self._action: asyncio.Task[None] | None = None

    def lead(
        self,
        flow: PythonFlow,
        variables: dict[str, Any],
        checkpoint: Checkpoint | None,
        *,
        perform: Callable[[list[CallEffect]], None],
        deliver: EventSink,
    ) -> None:
        """Let a Python flow lead the call.

        Args:
            flow: The flow.
            variables: What it begins with.
            checkpoint: Where another process left it.
            perform: Performs the effects of the flow's commands to the session.
            deliver: Takes the event of its end.
        """
        self.steps = SessionSteps(self._session, perform)
        call = Call(self.steps, variables, resumed_from=checkpoint)
        self.variables = call.variables
        _ = self._tasks.start(self._lead(flow, call, deliver))

    def start_action(self, action: Action, deliver: EventSink) -> None:
        """Start an action of the flow; one before it, for which the flow waits no longer, is cancelled."""
        if self._action is not None:
            self._action.cancel()
        self._action = self._tasks.start(self._run_action(action, deliver))

    def report(self, effect: ReportOutcome | ForwardTurn) -> None:
        """Report to a Python flow how its step went, or what the caller says."""
        if self.steps is None:
            return
        if isinstance(effect, ReportOutcome):
            self.steps.report(effect.outcome)
        else:
            self.steps.receive_turn(effect.turn)

    def end(self) -> None:
        """The call is over."""
        if self.steps is not None:
            self.steps.end()

    async def _run_action(self, action: Action, deliver: EventSink) -> None:
        deliver(ActionDone(await self._actions.run(action, self._session.record)))

    async def _lead(self, flow: PythonFlow, call: Call, deliver: EventSink) -> None:
        """Run a Python flow to its end."""
        try:
            await flow(call)
        except SpeechError as error:
            deliver(FlowEnded(f"speech failed: {error}"))
        except Exception as error:  # the top of a task that runs a user's code
            log.exception("flow failed", call_sid=call.sid, flow=self._session.record.flow)
            deliver(FlowEnded(f"flow failed: {type(error).__name__}: {error}"))
        else:
            deliver(FlowEnded())
