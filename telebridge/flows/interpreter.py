"""Runs a flow: each result of a step leads to the next step, until the call ends.

One rule: there is always a next step. Where no node follows, or a text cannot be filled in, the caller hears an apology
and the call ends; nothing raises.
"""

from collections.abc import Mapping
from typing import Any

from telebridge.flows.inspection import matched_variables, variables_set_by
from telebridge.flows.model import Flow, HangUpNode, Node
from telebridge.flows.node_steps import apology, step_of
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import HangUp, Step, StepResult
from telebridge.flows.templates import TemplateProblem
from telebridge.flows.transitions import AskAgain, GoTo, transition_after

MOST_SILENT_NODES = 100
"""How many nodes without a step may follow one another; more are a loop that no check could see."""
KEPT_PATH = 500
"""How many nodes of the path are kept: a caller may go through the same menu for hours."""


class FlowInterpreter:
    """One call's way through a flow. Call `start`, `restore` or `go_to`, then `resume` with the result of each step.

    Args:
        flow: A flow that was checked.
        variables: What is known of the call; these values override the flow's own. Their names match without regard to
            case and blanks: `First name` is `first_name`.

    Attributes:
        position: Where the call is in the flow. Keep it to go on in another process, with `restore`.
    """

    def __init__(self, flow: Flow, variables: Mapping[str, Any]) -> None:
        self._given = matched_variables(variables, (*flow.variables, *flow.needs))
        self.position = FlowPosition(flow.start, {**flow.variables, **self._given})
        self._flow = flow
        self._node: Node = flow.nodes[flow.start]
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

    @property
    def found(self) -> dict[str, Any]:
        """The variables that nodes of this flow gave another value than at the beginning; secret ones are left out."""
        nodes = self._flow.nodes.values()
        names = frozenset[str]().union(
            *(variables_set_by(node) for node in nodes if not getattr(node, "secret", False))
        )
        given = {**self._flow.variables, **self._given}
        return {name: value for name, value in self.variables.items() if name in names and given.get(name) != value}

    def start(self) -> Step:
        """The first step of the flow."""
        return self._enter(self._flow.start)

    def restore(self, position: FlowPosition) -> Step:
        """Go on where another process was: the step of that node again.

        The flow starts anew when it no longer has that node.
        """
        self.position = position
        if position.node not in self._flow.nodes:
            return self._enter(self._flow.start)
        self._node = self._flow.nodes[position.node]
        if position.failure is not None:
            return self._give_up(position.failure)
        return self._perform(position.before)

    def go_to(self, node: str) -> Step:
        """The step of a node that was chosen from outside the flow, such as the API or a campaign."""
        return self._enter(node)

    def resume(self, result: StepResult) -> Step:
        """The step that follows from the result of the last one."""
        if self._ending:
            return HangUp()
        match transition_after(self._node, result, self._flow, self.position):
            case GoTo(name):
                return self._enter(name)
            case AskAgain(before):
                return self._perform(before)
            case HangUp() as hang_up:
                self._ending = True
                return hang_up
            case None:
                return self._give_up(f"{type(result).__name__} is no answer to {type(self._node).__name__}")

    def _perform(self, before: str | None) -> Step:
        """The step of the present node, or of the first one after it that has a step."""
        step = self._step(before)
        return self._enter(step.node) if isinstance(step, GoTo) else step

    def _enter(self, name: str | None) -> Step:
        """Go to a node, and on through nodes without a step to the first that has one."""
        for _ in range(MOST_SILENT_NODES):
            if name is None or name not in self._flow.nodes:
                return self._give_up("no node follows" if name is None else f"there is no node '{name}'")
            self._move_to(name)
            step = self._step(None)
            if not isinstance(step, GoTo):
                return step
            name = step.node
        return self._give_up(f"went through {MOST_SILENT_NODES} nodes without a sound")

    def _move_to(self, name: str) -> None:
        position = self.position
        position.node = name
        position.silences = position.mismatches = 0
        position.path.append(name)
        del position.path[:-KEPT_PATH]
        self._node = self._flow.nodes[name]

    def _step(self, before: str | None) -> Step | GoTo:
        """The step of the present node; a question that is asked again has something said before it."""
        self.position.before = before
        if isinstance(self._node, HangUpNode):
            self._ending = True
        try:
            return step_of(self._node, before, self._flow, self.position)
        except TemplateProblem as error:
            return self._give_up(str(error))

    def _give_up(self, failure: str) -> Step:
        self._ending = True
        self.position.failure = failure
        try:
            return apology(self._node, self._flow, self.position)
        except TemplateProblem:
            return HangUp()
