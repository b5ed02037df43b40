"""The step that a node asks of the call, with its texts filled in.

One rule: a node that makes no sound returns the node that follows it instead of a step.
"""

from dataclasses import replace
from datetime import datetime

from telebridge.audio.tones import dtmf
from telebridge.flows.inspection import QuestionNode, digit_rules
from telebridge.flows.model import (
    AskNode,
    CallBackNode,
    Case,
    ChooseNode,
    CollectNode,
    Flow,
    HangUpNode,
    ListenNode,
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
    Wordings,
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
from telebridge.flows.words.rules import language_of, word_rules
from telebridge.speech.source import VoiceOverrides
from telebridge.turns.barge_in import BargeInPolicy


def step_of(  # noqa: C901, PLR0912 - a line for each verb
    node: Node, before: str | None, flow: Flow, position: FlowPosition
) -> Step | GoTo:
    """The step of a node, or the node that follows when this one has none.

    Args:
        node: The node.
        before: What is said before its question; None for nothing.
        flow: The whole flow, for its voice.
        position: Where the call is; its variables fill the texts. `set`, `opt_out` and `call_back` nodes change it.

    Raises:
        TemplateProblem: A text cannot be filled in, or what comes out cannot be used.
    """
    match node:
        case SayNode():
            return _say(node, node.say, node.barge_in, flow, position)
        case MenuNode():
            return _question(node, node.menu, before, flow, position)
        case CollectNode():
            return _question(node, node.collect, before, flow, position)
        case AskNode():
            return _question(node, node.ask, before, flow, position)
        case ListenNode():
            return _question(node, node.listen, before, flow, position)
        case ChooseNode(choose=cases):
            return GoTo(_chosen(cases, position))
        case SetNode():
            return _set(node, position)
        case WaitNode():
            return Wait(node.wait)
        case SendDigitsNode():
            return _send_digits(node, position)
        case RequestNode():
            return _request(node, position)
        case RunNode():
            return Run(node.run, dict(position.variables), node.timeout)
        case RecordNode():
            return _record(node, flow, position)
        case TransferNode():
            return _transfer(node, position)
        case OptOutNode():
            position.opted_out = True
            return GoTo(node.then) if node.opt_out is None else _say_all(node, node.opt_out, flow, position)
        case CallBackNode():
            return _call_back(node, flow, position)
        case HangUpNode():
            return HangUp() if node.hang_up is None else _say_all(node, node.hang_up, flow, position)


def apology(node: Node, flow: Flow, position: FlowPosition) -> Say:
    """The apology of the flow, in the voice of the node where the flow failed.

    Raises:
        TemplateProblem: The apology cannot be filled in.
    """
    return _say_all(node, flow.apology, flow, position)


def _say(node: Node, text: str, barge_in: BargeInPolicy | None, flow: Flow, position: FlowPosition) -> Say:
    voice: VoiceOverrides = {**flow.speech, **position.voice, **getattr(node, "speech", {})}
    return Say(rendered(text, position.variables), voice=voice or None, barge_in=barge_in)


def _say_all(node: Node, text: str, flow: Flow, position: FlowPosition) -> Say:
    """Say something that nothing interrupts."""
    return _say(node, text, BargeInPolicy.NONE, flow, position)


def _question(node: QuestionNode, text: str, before: str | None, flow: Flow, position: FlowPosition) -> Collect:
    def asked(question: str) -> Say:
        return _say(node, question if before is None else f"{before} {question}", node.barge_in, flow, position)

    spoken = getattr(node, "spoken", None) or Wordings()
    prompt = asked(spoken.unheard or text)
    words = word_rules(node, language_of(prompt.voice))
    if words is not None and (spoken.heard is not None or spoken.unheard is not None):
        words = replace(words, prompt=asked(spoken.heard or text))
    return Collect(prompt, digit_rules(node), words, secret=getattr(node, "secret", False))


def _chosen(cases: tuple[Case, ...], position: FlowPosition) -> str | None:
    for case in cases:
        if case.condition is None or holds(case.condition, position.variables):
            return case.then
    return None


def _set(node: SetNode, position: FlowPosition) -> GoTo:
    variables = position.variables
    for name, value in node.set.items():
        variables[name] = rendered(value, variables) if isinstance(value, str) else filled(value, variables)
    position.voice.update(node.speech)
    return GoTo(node.then)


def _send_digits(node: SendDigitsNode, position: FlowPosition) -> Play:
    digits = rendered(node.send_digits, position.variables)
    try:
        return Play(dtmf(digits), f"digits {digits}")
    except ValueError as error:
        raise TemplateProblem(str(error)) from error


def _request(node: RequestNode, position: FlowPosition) -> Request | GoTo:
    request, variables = node.request, position.variables
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


def _record(node: RecordNode, flow: Flow, position: FlowPosition) -> Record:
    prompt = None if node.record is None else _say(node, node.record, node.barge_in, flow, position)
    return Record(prompt, node.beep, node.longest, node.silence, node.finish_on_key)


def _transfer(node: TransferNode, position: FlowPosition) -> Transfer | GoTo:
    variables = position.variables
    to = rendered(node.transfer, variables)
    if not ADDRESS.fullmatch(to):
        if node.failed is None:
            raise TemplateProblem(f"'{to}' cannot be called")
        return GoTo(node.failed)
    caller_id = None if node.caller_id is None else rendered(node.caller_id, variables)
    whisper = None if node.whisper is None else rendered(node.whisper, variables)
    return Transfer(to, node.timeout, caller_id, whisper)


def _call_back(node: CallBackNode, flow: Flow, position: FlowPosition) -> Say | GoTo:
    written = rendered(node.at or "", position.variables)
    try:
        at = datetime.fromisoformat(written) if node.in_ is None else None
    except ValueError:
        if node.invalid is None:
            raise TemplateProblem(f"'{written}' is no date and time") from None
        return GoTo(node.invalid)
    position.call_back = CallBack(node.in_, at)
    return GoTo(node.then) if node.call_back is None else _say_all(node, node.call_back, flow, position)
