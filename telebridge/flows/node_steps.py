"""The step that a node asks of the call, with its texts filled in.

One rule: a node that makes no sound returns the node that follows it instead of a step.
"""

from datetime import datetime

from telebridge.audio.tones import dtmf
from telebridge.flows.inspection import digit_rules
from telebridge.flows.model import (
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
)
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import (
    CallBack,
    Collect,
    HangUp,
    Play,
    Record,
    Request,
    Run,
    Say,
    Step,
    Transfer,
    Wait,
)
from telebridge.flows.templates import TemplateProblem, filled, filled_address, holds, rendered
from telebridge.flows.transitions import GoTo
from telebridge.flows.values import ADDRESS
from telebridge.speech.source import VoiceOverrides
from telebridge.turns.barge_in import BargeInPolicy


class NodeSteps:
    """Makes the steps of a flow's nodes.

    Args:
        flow: The flow.
        position: The position whose variables fill the texts. `set`, `opt_out` and `call_back` nodes change it.
    """

    def __init__(self, flow: Flow, position: FlowPosition) -> None:
        self._flow = flow
        self._position = position

    def step(self, node: Node, before: str | None) -> Step | GoTo:  # noqa: C901, PLR0912 - a line for each verb
        """The step of a node, or the node that follows when this one has none.

        Args:
            node: The node.
            before: What is said before its question; None for nothing.

        Raises:
            TemplateProblem: A text cannot be filled in, or what comes out cannot be used.
        """
        match node:
            case SayNode():
                return self._say(node, node.say, node.barge_in)
            case MenuNode():
                return self._question(node, node.menu, before)
            case CollectNode():
                return self._question(node, node.collect, before)
            case ChooseNode(choose=cases):
                return GoTo(self._chosen(cases))
            case SetNode():
                return self._set(node)
            case WaitNode():
                return Wait(node.wait)
            case SendDigitsNode():
                return self._send_digits(node)
            case RequestNode():
                return self._request(node)
            case RunNode():
                return Run(node.run, dict(self._position.variables), node.timeout)
            case RecordNode():
                return self._record(node)
            case TransferNode():
                return self._transfer(node)
            case OptOutNode():
                self._position.opted_out = True
                return GoTo(node.then) if node.opt_out is None else self._say_all(node, node.opt_out)
            case CallBackNode():
                return self._call_back(node)
            case HangUpNode():
                return HangUp() if node.hang_up is None else self._say_all(node, node.hang_up)

    def apology(self, node: Node) -> Say:
        """The apology of the flow, in the voice of the node where the flow failed.

        Raises:
            TemplateProblem: The apology cannot be filled in.
        """
        return self._say_all(node, self._flow.apology)

    def _say(self, node: Node, text: str, barge_in: BargeInPolicy | None) -> Say:
        voice: VoiceOverrides = {**self._flow.speech, **self._position.voice, **getattr(node, "speech", {})}
        return Say(rendered(text, self._position.variables), voice=voice or None, barge_in=barge_in)

    def _say_all(self, node: Node, text: str) -> Say:
        """Say something that nothing interrupts."""
        return self._say(node, text, BargeInPolicy.NONE)

    def _question(self, node: MenuNode | CollectNode, text: str, before: str | None) -> Collect:
        whole = text if before is None else f"{before} {text}"
        return Collect(self._say(node, whole, node.barge_in), digit_rules(node))

    def _chosen(self, cases: tuple[Case, ...]) -> str | None:
        for case in cases:
            if case.condition is None or holds(case.condition, self._position.variables):
                return case.then
        return None

    def _set(self, node: SetNode) -> GoTo:
        variables = self._position.variables
        for name, value in node.set.items():
            variables[name] = rendered(value, variables) if isinstance(value, str) else filled(value, variables)
        self._position.voice.update(node.speech)
        return GoTo(node.then)

    def _send_digits(self, node: SendDigitsNode) -> Play:
        digits = rendered(node.send_digits, self._position.variables)
        try:
            return Play(dtmf(digits), f"digits {digits}")
        except ValueError as error:
            raise TemplateProblem(str(error)) from error

    def _request(self, node: RequestNode) -> Request | GoTo:
        request, variables = node.request, self._position.variables
        try:
            url = filled_address(request.url, variables)
        except TemplateProblem:
            if node.failed is None:
                raise
            return GoTo(node.failed)
        return Request(
            request.method,
            url,
            filled(request.headers, variables),
            filled(request.json_body, variables),
            filled(request.form, variables),
            request.timeout,
        )

    def _record(self, node: RecordNode) -> Record:
        prompt = None if node.record is None else self._say(node, node.record, node.barge_in)
        return Record(prompt, node.beep, node.longest, node.silence, node.finish_on_key)

    def _transfer(self, node: TransferNode) -> Transfer | GoTo:
        variables = self._position.variables
        to = rendered(node.transfer, variables)
        if not ADDRESS.fullmatch(to):
            if node.failed is None:
                raise TemplateProblem(f"'{to}' cannot be called")
            return GoTo(node.failed)
        caller_id = None if node.caller_id is None else rendered(node.caller_id, variables)
        whisper = None if node.whisper is None else rendered(node.whisper, variables)
        return Transfer(to, node.timeout, caller_id, whisper)

    def _call_back(self, node: CallBackNode) -> Say | GoTo:
        written = rendered(node.at or "", self._position.variables)
        try:
            at = datetime.fromisoformat(written) if node.in_ is None else None
        except ValueError:
            if node.invalid is None:
                raise TemplateProblem(f"'{written}' is no date and time") from None
            return GoTo(node.invalid)
        self._position.call_back = CallBack(node.in_, at)
        return GoTo(node.then) if node.call_back is None else self._say_all(node, node.call_back)
