"""Walks a flow: each outcome of a step leads to the next step, until the line is closed.

One rule: there is always a next step. Where a road ends, or a text cannot be filled in, the caller hears an apology and
the call ends; nothing raises.
"""

from collections.abc import Mapping
from typing import Any

from telebridge.audio.tones import dtmf
from telebridge.flows.model import (
    Case,
    ChooseNode,
    CollectNode,
    Flow,
    HangUpNode,
    MenuNode,
    Node,
    SayNode,
    SendDigitsNode,
    SetNode,
    WaitNode,
    digit_rules,
)
from telebridge.flows.steps import Collect, Gathered, HangUp, Outcome, Play, Said, Say, Step, Wait
from telebridge.flows.templates import TemplateProblem, holds, rendered
from telebridge.speech.source import Voice
from telebridge.turns.barge_in import BargeInPolicy

MOST_SILENT_NODES = 100
"""So many `choose` and `set` in a row are a loop that no check could see."""


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
            case ((SayNode(then=then) | WaitNode(then=then) | SendDigitsNode(then=then)), Said()):
                return self._enter(then)
            case MenuNode() as node, Gathered(digits, _):
                return self._menu_answered(node, digits)
            case CollectNode() as node, Gathered(digits, _):
                return self._collected(node, digits)
            case _:
                return self._give_up(f"{type(outcome).__name__} is no answer to {type(self._node).__name__}")

    def _enter(self, name: str | None) -> Step:
        """Go to a node, and on through those that decide without a sound."""
        for _ in range(MOST_SILENT_NODES):
            if name is None or name not in self._flow.nodes:
                return self._give_up("the road ends here" if name is None else f"there is no node '{name}'")
            self.path.append(name)
            self._node = self._flow.nodes[name]
            self._silences = self._mismatches = 0
            try:
                match self._node:
                    case ChooseNode(choose=cases):
                        name = self._chosen(cases)
                    case SetNode(set=values, then=then):
                        self._set(values)
                        name = then
                    case _:
                        return self._ask()
            except TemplateProblem as error:
                return self._give_up(str(error))
        return self._give_up(f"went through {MOST_SILENT_NODES} nodes without a sound")

    def _chosen(self, cases: tuple[Case, ...]) -> str | None:
        for case in cases:
            if case.condition is None or holds(case.condition, self.variables):
                return case.then
        return None

    def _set(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            self.variables[name] = rendered(value, self.variables) if isinstance(value, str) else value

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
                case WaitNode():
                    return Wait(node.wait)
                case SendDigitsNode():
                    return self._send_digits(node)
                case ChooseNode() | SetNode():
                    raise AssertionError("makes no sound")
                case HangUpNode():
                    self._ending = True
                    return HangUp() if node.hang_up is None else self._say(node.hang_up, BargeInPolicy.NONE)
        except TemplateProblem as error:
            return self._give_up(str(error))

    def _question(self, node: MenuNode | CollectNode, text: str, before: str | None) -> Collect:
        whole = text if before is None else f"{before} {text}"
        return Collect(self._say(whole, node.barge_in), digit_rules(node))

    def _send_digits(self, node: SendDigitsNode) -> Step:
        digits = rendered(node.send_digits, self.variables)
        try:
            return Play(dtmf(digits), f"digits {digits}")
        except ValueError as error:
            return self._give_up(str(error))

    def _say(self, text: str, barge_in: BargeInPolicy | None) -> Say:
        return Say(rendered(text, self.variables), voice=self._voice(), barge_in=barge_in)

    def _voice(self) -> Voice | None:
        own = self._node.speech if isinstance(self._node, SayNode | MenuNode | CollectNode | HangUpNode) else {}
        return {**self._flow.speech, **own} or None

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
