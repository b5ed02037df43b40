"""Walks a flow: each outcome of a step leads to the next step, until the line is closed.

One rule: there is always a next step. Where a road ends, or a text cannot be filled in, the caller hears an apology and
the call ends; nothing raises.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from telebridge.audio.tones import dtmf
from telebridge.flows.model import (
    ADDRESS,
    CallBackNode,
    Case,
    ChooseNode,
    CollectNode,
    Flow,
    HangUpNode,
    MenuNode,
    Node,
    OptOutNode,
    RecordNode,
    RequestNode,
    RunNode,
    SayNode,
    SendDigitsNode,
    SetNode,
    TransferNode,
    WaitNode,
    digit_rules,
    sets,
)
from telebridge.flows.steps import (
    CallBack,
    Collect,
    Done,
    Gathered,
    HangUp,
    Play,
    Record,
    Recorded,
    Request,
    Run,
    Said,
    Say,
    Step,
    StepResult,
    Transfer,
    Transferred,
    Wait,
)
from telebridge.flows.templates import TemplateProblem, filled, holds, rendered
from telebridge.speech.source import Voice
from telebridge.turns.barge_in import BargeInPolicy

MOST_SILENT_NODES = 100
"""So many `choose` and `set` in a row are a loop that no check could see."""
KEPT_PATH = 500
"""A caller may go round a menu for hours; of the nodes they entered the last are kept."""


@dataclass(slots=True)
class FlowPosition:
    """Where a walk stands: everything that another process needs to go on with it.

    Args:
        node: The node entered last.
        variables: What is known, collected digits among it.
        voice: What `set` changed of the voice.
        path: The nodes entered so far.
        silences: Times in a row that nothing was pressed at this node.
        mismatches: Times in a row that the wrong thing was.
        before: What is said before the question because it is asked again.
        opted_out: Whether the caller wants no further call.
        call_back: When they want to be called again; None when they did not say so.
        failure: Why the walk ends with an apology; None as long as it does not.
    """

    node: str
    variables: dict[str, Any] = field(default_factory=dict)
    voice: dict[str, str | int | float | bool] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    silences: int = 0
    mismatches: int = 0
    before: str | None = None
    opted_out: bool = False
    call_back: CallBack | None = None
    failure: str | None = None


class FlowInterpreter:
    """One walk through a flow.

    Args:
        flow: A flow that was checked.
        variables: What is known of the call; they go before the flow's own.

    Attributes:
        position: Where it stands.
    """

    def __init__(self, flow: Flow, variables: Mapping[str, Any]) -> None:
        self.position = FlowPosition(flow.start, {**flow.variables, **variables})
        self._flow = flow
        self._given = dict(variables)
        self._node: Node = flow.nodes[flow.start]
        self._ending = False

    @property
    def failure(self) -> str | None:
        """Why the walk ended with an apology; None as long as it did not."""
        return self.position.failure

    @property
    def path(self) -> list[str]:
        """The nodes entered so far."""
        return self.position.path

    @property
    def variables(self) -> dict[str, Any]:
        """What is known now."""
        return self.position.variables

    @property
    def found(self) -> dict[str, Any]:
        """What the call itself has found out: the variables that nodes gave a value."""
        names = frozenset[str]().union(*(sets(node) for node in self._flow.nodes.values()))
        given = {**self._flow.variables, **self._given}
        return {name: value for name, value in self.variables.items() if name in names and given.get(name) != value}

    def start(self) -> Step:
        """The first step."""
        return self._enter(self._flow.start)

    def go_on(self, position: FlowPosition) -> Step:
        """The step of the node where another process left the walk; from the start when the flow has lost that node."""
        self.position = position
        if position.node not in self._flow.nodes:
            return self._enter(self._flow.start)
        self._node = self._flow.nodes[position.node]
        return self._ask(position.before) if position.failure is None else self._give_up(position.failure)

    def go_to(self, node: str) -> Step:
        """The step of a node that somebody beside the flow chose."""
        return self._enter(node)

    def resume(self, outcome: StepResult) -> Step:
        """The step that follows from how the last one went."""
        if self._ending:
            return HangUp()
        match self._node, outcome:
            case ((SayNode() | WaitNode() | SendDigitsNode() | OptOutNode() | CallBackNode()) as node, Said()):
                return self._enter(node.then)
            case MenuNode() as node, Gathered(digits, _):
                return self._menu_answered(node, digits)
            case CollectNode() as node, Gathered(digits, _):
                return self._collected(node, digits)
            case RecordNode() as node, Recorded() as recorded:
                return self._recorded(node, recorded)
            case TransferNode() as node, Transferred() as transferred:
                return self._transferred(node, transferred)
            case (RequestNode() | RunNode()) as node, Done() as done:
                return self._errand_done(node, done)
            case _:
                return self._give_up(f"{type(outcome).__name__} is no answer to {type(self._node).__name__}")

    # Going from node to node.

    def _enter(self, name: str | None) -> Step:
        """Go to a node, and on through those that decide without a sound."""
        for _ in range(MOST_SILENT_NODES):
            if name is None or name not in self._flow.nodes:
                return self._give_up("the road ends here" if name is None else f"there is no node '{name}'")
            self._stand_at(name)
            try:
                match self._node:
                    case ChooseNode(choose=cases):
                        name = self._chosen(cases)
                    case SetNode() as node:
                        self._set(node)
                        name = node.then
                    case OptOutNode(opt_out=None, then=then):
                        self.position.opted_out = True
                        name = then
                    case CallBackNode(call_back=None) as node:
                        name = node.then if self._keeps_call_back(node) else node.invalid
                    case _:
                        return self._ask()
            except TemplateProblem as error:
                return self._give_up(str(error))
        return self._give_up(f"went through {MOST_SILENT_NODES} nodes without a sound")

    def _stand_at(self, name: str) -> None:
        position = self.position
        position.node = name
        position.silences = position.mismatches = 0
        position.before = None
        position.path.append(name)
        del position.path[:-KEPT_PATH]
        self._node = self._flow.nodes[name]

    def _chosen(self, cases: tuple[Case, ...]) -> str | None:
        for case in cases:
            if case.condition is None or holds(case.condition, self.variables):
                return case.then
        return None

    def _set(self, node: SetNode) -> None:
        for name, value in node.set.items():
            self.variables[name] = (
                rendered(value, self.variables) if isinstance(value, str) else filled(value, self.variables)
            )
        self.position.voice.update(node.speech)

    # What a node asks for.

    def _ask(self, before: str | None = None) -> Step:  # noqa: C901, PLR0912 - a line for each verb
        """The node's own step; a question that is asked again has something said before it."""
        self.position.before = before
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
                case RequestNode():
                    return self._request(node)
                case RunNode():
                    return Run(node.run, dict(self.variables), node.timeout)
                case RecordNode():
                    return self._record(node)
                case TransferNode():
                    return self._transfer(node)
                case OptOutNode():
                    self.position.opted_out = True
                    return self._say(node.opt_out or "", BargeInPolicy.NONE)
                case CallBackNode():
                    if not self._keeps_call_back(node):
                        return self._enter(node.invalid)
                    return self._say(node.call_back or "", BargeInPolicy.NONE)
                case ChooseNode() | SetNode():
                    return self._enter(self.position.node)
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

    def _request(self, node: RequestNode) -> Request:
        asked = node.request
        return Request(
            asked.method,
            filled(asked.url, self.variables).strip(),
            filled(asked.headers, self.variables),
            filled(asked.json_body, self.variables),
            filled(asked.form, self.variables),
            asked.timeout,
        )

    def _record(self, node: RecordNode) -> Record:
        prompt = None if node.record is None else self._say(node.record, node.barge_in)
        return Record(prompt, node.beep, node.longest, node.silence, node.finish_on_key)

    def _transfer(self, node: TransferNode) -> Step:
        to = rendered(node.transfer, self.variables)
        if not ADDRESS.fullmatch(to):
            return self._enter(node.failed) if node.failed else self._give_up(f"'{to}' cannot be called")
        caller_id = None if node.caller_id is None else rendered(node.caller_id, self.variables)
        whisper = None if node.whisper is None else rendered(node.whisper, self.variables)
        return Transfer(to, node.timeout, caller_id, whisper)

    def _keeps_call_back(self, node: CallBackNode) -> bool:
        """Keep when the caller wants to be called again; False when it is no time, and the node leads elsewhere then.

        Raises:
            TemplateProblem: It is no time, and the node leads nowhere then.
        """
        written = rendered(node.at or "", self.variables)
        try:
            at = datetime.fromisoformat(written) if node.in_ is None else None
        except ValueError:
            if node.invalid is None:
                raise TemplateProblem(f"'{written}' is no date and time") from None
            return False
        self.position.call_back = CallBack(node.in_, at)
        return True

    def _say(self, text: str, barge_in: BargeInPolicy | None) -> Say:
        return Say(rendered(text, self.variables), voice=self._voice(), barge_in=barge_in)

    def _voice(self) -> Voice | None:
        return {**self._flow.speech, **self.position.voice, **getattr(self._node, "speech", {})} or None

    # What an outcome leads to.

    def _menu_answered(self, node: MenuNode, key: str) -> Step:
        if key in node.choices:
            return self._enter(node.choices[key])
        if (way_out := self._way_out(key)) is not None:
            return self._enter(way_out)
        return self._mismatch(node) if key else self._silence(node)

    def _collected(self, node: CollectNode, digits: str) -> Step:
        if not digits:
            return self._silence(node)
        if len(digits) < node.digits.min:
            way_out = self._way_out(digits)
            return self._mismatch(node) if way_out is None else self._enter(way_out)
        self.variables[node.into] = digits
        return self._enter(node.then)

    def _way_out(self, keys: str) -> str | None:
        """Where the escape of the flow leads, when these keys are it."""
        escape = self._flow.escape
        return escape.then if escape is not None and keys == escape.key else None

    def _recorded(self, node: RecordNode, recorded: Recorded) -> Step:
        if recorded.file is None:
            return self._enter(node.nothing or node.then) if recorded.seconds == 0 else self._enter(node.then)
        self.variables[node.into] = {"file": recorded.file, "seconds": round(recorded.seconds, 1)}
        return self._enter(node.then)

    def _transferred(self, node: TransferNode, transferred: Transferred) -> Step:
        if not transferred.connected:
            return self._enter(node.failed)
        if node.then is None:
            self._ending = True
            return HangUp()
        return self._enter(node.then)

    def _errand_done(self, node: RequestNode | RunNode, done: Done) -> Step:
        if done.problem is not None:
            return self._enter(node.failed)
        into = node.request.into if isinstance(node, RequestNode) else node.into
        if into is not None:
            self.variables[into] = done.value
        return self._enter(node.then)

    def _silence(self, node: MenuNode | CollectNode) -> Step:
        self.position.silences += 1
        if self.position.silences > node.no_input.reprompt:
            return self._enter(node.no_input.then)
        return self._ask(node.no_input.say)

    def _mismatch(self, node: MenuNode | CollectNode) -> Step:
        self.position.mismatches += 1
        if self.position.mismatches > node.no_match.reprompt:
            return self._enter(node.no_match.then)
        return self._ask(node.no_match.say)

    def _give_up(self, failure: str) -> Step:
        self._ending = True
        self.position.failure = failure
        try:
            return self._say(self._flow.apology, BargeInPolicy.NONE)
        except TemplateProblem:
            return HangUp()
