"""Walks a flow: each outcome of a step leads to the next step, until the line is closed.

One rule: there is always a next step. Where a road ends, or a text cannot be filled in, the caller hears an apology and
the call ends; nothing raises.
"""

from collections.abc import Mapping
from typing import Any

from telebridge.flows.model import CollectNode, Flow, HangUpNode, MenuNode, Node, SayNode, digit_rules
from telebridge.flows.steps import Collect, Gathered, HangUp, Outcome, Said, Say, Step
from telebridge.flows.templates import TemplateProblem, rendered
from telebridge.speech.source import Voice
from telebridge.turns.barge_in import BargeInPolicy


class FlowInterpreter:
    """One walk through a flow.

    Args:
        flow: A flow that was checked.
        variables: What is known of the call; they go before the flow's own.

    Attributes:
        path: The nodes entered so far.
        variables: What is known now, collected digits among it.
        failure: Why the walk ended with an apology; None as long as it did not.
    """

    def __init__(self, flow: Flow, variables: Mapping[str, Any]) -> None:
        self.path: list[str] = []
        self.variables: dict[str, Any] = {**flow.variables, **variables}
        self.failure: str | None = None
        self._flow = flow
        self._node: Node = flow.nodes[flow.start]
        self._silences = 0  # times in a row that nothing was pressed, or the wrong thing, at this node
        self._mismatches = 0
        self._ending = False

    def start(self) -> Step:
        """The first step."""
        return self._enter(self._flow.start)

    def resume(self, outcome: Outcome) -> Step:
        """The step that follows from how the last one went."""
        if self._ending:
            return HangUp()
        match self._node, outcome:
            case SayNode(then=then), Said():
                return self._enter(then)
            case MenuNode() as node, Gathered(digits, _):
                return self._menu_answered(node, digits)
            case CollectNode() as node, Gathered(digits, _):
                return self._collected(node, digits)
            case _:
                return self._give_up(f"{type(outcome).__name__} is no answer to {type(self._node).__name__}")

    def _enter(self, name: str | None) -> Step:
        if name is None or name not in self._flow.nodes:
            return self._give_up("the road ends here" if name is None else f"there is no node '{name}'")
        self.path.append(name)
        self._node = self._flow.nodes[name]
        self._silences = self._mismatches = 0
        return self._ask()

    def _ask(self, before: str | None = None) -> Step:
        """The node's own step; a question that is asked again has something said before it."""
        node = self._node
        try:
            match node:
                case SayNode():
                    return self._say(node.say, node.barge_in)
                case MenuNode():
                    return self._question(node, node.menu, before)
                case CollectNode():
                    return self._question(node, node.collect, before)
                case HangUpNode():
                    self._ending = True
                    return HangUp() if node.hang_up is None else self._say(node.hang_up, BargeInPolicy.NONE)
        except TemplateProblem as error:
            return self._give_up(str(error))

    def _question(self, node: MenuNode | CollectNode, text: str, before: str | None) -> Collect:
        whole = text if before is None else f"{before} {text}"
        return Collect(self._say(whole, node.barge_in), digit_rules(node))

    def _say(self, text: str, barge_in: BargeInPolicy | None) -> Say:
        return Say(rendered(text, self.variables), voice=self._voice(), barge_in=barge_in)

    def _voice(self) -> Voice | None:
        return {**self._flow.speech, **self._node.speech} or None

    def _menu_answered(self, node: MenuNode, key: str) -> Step:
        if key in node.choices:
            return self._enter(node.choices[key])
        return self._mismatch(node) if key else self._silence(node)

    def _collected(self, node: CollectNode, digits: str) -> Step:
        if not digits:
            return self._silence(node)
        if len(digits) < node.digits.min:
            return self._mismatch(node)
        self.variables[node.into] = digits
        return self._enter(node.then)

    def _silence(self, node: MenuNode | CollectNode) -> Step:
        self._silences += 1
        if self._silences > node.no_input.reprompt:
            return self._enter(node.no_input.then)
        return self._ask(node.no_input.say)

    def _mismatch(self, node: MenuNode | CollectNode) -> Step:
        self._mismatches += 1
        if self._mismatches > node.no_match.reprompt:
            return self._enter(node.no_match.then)
        return self._ask(node.no_match.say)

    def _give_up(self, failure: str) -> Step:
        self._ending = True
        self.failure = failure
        try:
            return self._say(self._flow.apology, BargeInPolicy.NONE)
        except TemplateProblem:
            return HangUp()
