"""Runs a flow: each result of a step leads to the next step, until the call ends.

One rule: there is always a next step. Where no node follows, or a text cannot be filled in, the caller hears an apology
and the call ends; nothing raises.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from telebridge.flows.inspection import matched_variables, variables_set_by
from telebridge.flows.model import Flow, HangUpNode, Node
from telebridge.flows.node_steps import Scope, Silent, apology, played, step_of
from telebridge.flows.nodes.playing import PlayNode
from telebridge.flows.nodes.subflows import SubflowNode
from telebridge.flows.nodes.surroundings import FlowSurroundings
from telebridge.flows.position import FlowFrame, FlowPosition
from telebridge.flows.steps import HangUp, Step, StepResult
from telebridge.flows.templates import TemplateProblem
from telebridge.flows.transitions import AskAgain, EnterFlow, GoTo, LeaveFlow, PlayLoaded, transition_after

MOST_SILENT_NODES = 100
"""How many nodes without a step may follow one another; more are a loop that no check could see."""
DEEPEST = 8
"""How many flows may wait for one another to return."""
KEPT_PATH = 500
"""How many nodes of the path are kept: a caller may go through the same menu for hours."""


class FlowInterpreter:
    """One call's way through a flow. Call `start`, `restore` or `go_to`, then `resume` with the result of each step.

    Args:
        flow: A flow that was checked.
        variables: What is known of the call; these values override the flow's own. Their names match without regard to
            case and blanks: `First name` is `first_name`.
        surroundings: Knows the time, and the other flows.

    Attributes:
        position: Where the call is in the flow. Keep it to go on in another process, with `restore`.
        moves: How many nodes were entered in this process.
    """

    def __init__(self, flow: Flow, variables: Mapping[str, Any], surroundings: FlowSurroundings | None = None) -> None:
        self._known = variables
        self._first = self._flow = flow
        self._given = _given_to(flow, variables)
        self.position = FlowPosition(flow.start, {**flow.variables, **self._given})
        self._surroundings = FlowSurroundings() if surroundings is None else surroundings
        self._node: Node = flow.nodes[flow.start]
        self.moves = 0
        self._visited: dict[str, Node] = {}
        self._audio = b""  # of the node's recording
        self._ending = False

    @property
    def failure(self) -> str | None:
        """Why the flow ended with an apology; None while it has not."""
        return self.position.failure

    @property
    def path(self) -> list[str]:
        """The nodes entered so far, of which the last `KEPT_PATH` are kept."""
        return self.position.path

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of the flow as they are now."""
        return self.position.variables

    def visited(self, name: str) -> Node:
        """The node of a name in `path`."""
        return self._visited[name]

    @property
    def found(self) -> dict[str, Any]:
        """The variables that nodes of this flow gave another value than at the beginning, without secret ones.

        While another flow runs that will return, they are those of the flow that it returns to in the end.
        """
        flow, variables = self._flow, self.variables
        if self.position.frames:
            flow, variables = self._find(self.position.frames[0].flow) or flow, self.position.frames[0].variables
        given = {**flow.variables, **self._given}
        changed = {name: value for name, value in variables.items() if given.get(name) != value}
        if not changed:  # as in most calls, for which no node need be looked at
            return {}
        nodes = [node for node in flow.nodes.values() if not getattr(node, "secret", False)]
        names = frozenset[str]().union(*(variables_set_by(node) for node in nodes))
        return {name: value for name, value in changed.items() if name in names}

    def start(self) -> Step:
        """The first step of the flow."""
        return self._follow(GoTo(self._flow.start))

    def restore(self, position: FlowPosition) -> Step:
        """Go on where another process was: the step of that node again.

        The flow starts anew when it, or the flow that it had entered, no longer has that node.
        """
        flow = self._first if position.flow is None else self._find(position.flow)
        if flow is None or position.node not in flow.nodes:
            variables = position.frames[0].variables if position.frames else position.variables
            self.position = replace(position, flow=None, frames=[], variables=variables)
            self._flow = self._first
            return self._follow(GoTo(self._first.start))
        self.position, self._flow = position, flow
        self._node = flow.nodes[position.node]
        if position.failure is not None:
            return self._give_up(position.failure)
        return self._perform(position.before)

    def go_to(self, node: str) -> Step:
        """The step of a node that was chosen from outside the flow, such as the API or a campaign.

        It is a node of the flow with which the call began.
        """
        if self.position.frames:
            self.position.variables = self.position.frames[0].variables
        self.position.frames = []
        self._switch_to(self._first)
        return self._follow(GoTo(node))

    def resume(self, result: StepResult) -> Step:
        """The step that follows from the result of the last one."""
        if self._ending:
            return HangUp()
        match transition_after(self._node, result, self._flow, self.position):
            case GoTo() as go_to:
                return self._follow(go_to)
            case AskAgain(before):
                return self._perform(before)
            case PlayLoaded(audio):
                return self._play(audio)
            case HangUp() as hang_up:
                self._ending = True
                return hang_up
            case None:
                return self._give_up(f"{type(result).__name__} is no answer to {type(self._node).__name__}")

    def _play(self, audio: bytes | None) -> Step:
        """The next pass of the recording of the present node, or what follows it."""
        if audio is not None:
            self._audio = audio
        if not isinstance(self._node, PlayNode):
            return self._give_up("there is nothing to play")
        return played(self._node, self._audio, self._scope) or self._follow(GoTo(self._node.then))

    def _perform(self, before: str | None) -> Step:
        """The step of the present node, or of the first one after it that has a step."""
        step = self._step(before)
        return self._follow(step) if isinstance(step, Silent) else step

    def _follow(self, silent: Silent) -> Step:
        """Go to a node, and on through nodes without a step to the first that has one."""
        for _ in range(MOST_SILENT_NODES):
            try:
                target = self._target(silent)
            except TemplateProblem as error:
                return self._give_up(str(error))
            if isinstance(target, HangUp):
                self._ending = True
                return target
            if target is None or target not in self._flow.nodes:
                return self._give_up("no node follows" if target is None else f"there is no node '{target}'")
            self._move_to(target)
            step = self._step(None)
            if not isinstance(step, Silent):
                return step
            silent = step
        return self._give_up(f"went through {MOST_SILENT_NODES} nodes without a sound")

    def _target(self, silent: Silent) -> str | HangUp | None:
        """The node that is entered next, in the flow that is entered or left for it."""
        match silent:
            case GoTo(name):
                return name
            case EnterFlow():
                return self._enter_flow(silent)
            case LeaveFlow(values):
                return self._leave_flow(values)

    def _enter_flow(self, enter: EnterFlow) -> str:
        position = self.position
        flow = self._find(enter.flow)
        if flow is None:
            raise TemplateProblem(f"there is no flow '{enter.flow}'")
        if enter.returns and len(position.frames) >= DEEPEST:
            raise TemplateProblem(f"more than {DEEPEST} flows wait for one another")
        if enter.returns:
            position.frames.append(FlowFrame(self._flow.flow, position.node, position.variables))
        given = _given_to(flow, {**self._known, **enter.variables})
        position.variables = {**flow.variables, **given}
        self._switch_to(flow)
        return enter.node or flow.start

    def _leave_flow(self, values: Mapping[str, Any]) -> str | HangUp:
        position = self.position
        if not position.frames:
            return HangUp()
        frame = position.frames.pop()
        flow = self._find(frame.flow)
        if flow is None or not isinstance(node := flow.nodes.get(frame.node), SubflowNode):
            raise TemplateProblem(f"node '{frame.node}' of flow '{frame.flow}' is no longer there")
        position.variables = frame.variables
        if node.into is not None:
            position.variables[node.into] = dict(values)
        self._switch_to(flow)
        return node.then

    def _switch_to(self, flow: Flow) -> None:
        self._flow = flow
        self.position.flow = None if flow is self._first else flow.flow

    def _find(self, name: str) -> Flow | None:
        return self._first if name == self._first.flow else self._surroundings.find_flow(name)

    def _move_to(self, name: str) -> None:
        position = self.position
        self.moves += 1
        position.node = name
        position.silences = position.mismatches = position.passes = 0
        position.unconfirmed = None
        self._node = self._flow.nodes[name]
        entered = name if position.flow is None else f"{position.flow}/{name}"
        self._visited[entered] = self._node
        position.path.append(entered)
        del position.path[:-KEPT_PATH]

    @property
    def _scope(self) -> Scope:
        return Scope(self._flow, self.position, self._surroundings)

    def _step(self, before: str | None) -> Step | Silent:
        """The step of the present node; a question that is asked again has something said before it."""
        self.position.before = before
        if isinstance(self._node, HangUpNode):
            self._ending = True
        try:
            return step_of(self._node, before, self._scope)
        except TemplateProblem as error:
            return self._give_up(str(error))

    def _give_up(self, failure: str) -> Step:
        self._ending = True
        self.position.failure = failure
        try:
            return apology(self._node, self._scope)
        except TemplateProblem:
            return HangUp()


def _given_to(flow: Flow, variables: Mapping[str, Any]) -> dict[str, Any]:
    """What a flow is given, under the names by which it knows it."""
    return matched_variables(variables, (*flow.variables, *flow.needs))
