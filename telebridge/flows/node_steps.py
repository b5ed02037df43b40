"""The step that a node asks of the call, with its texts filled in.

One rule: a node that makes no sound returns the node that follows it instead of a step.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from os.path import normpath
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from telebridge.audio.mulaw import SAMPLE_RATE
from telebridge.audio.tones import dtmf
from telebridge.flows.inspection import QuestionNode, digit_rules
from telebridge.flows.model import (
    CallBackNode,
    Case,
    ChooseNode,
    Flow,
    HangUpNode,
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
from telebridge.flows.nodes.hours import HoursNode
from telebridge.flows.nodes.opening_hours import OpeningState
from telebridge.flows.nodes.playing import PlayNode
from telebridge.flows.nodes.questions import AskNode, CollectNode, Confirm, ListenNode, MenuNode, Wordings
from telebridge.flows.nodes.screening import ScreeningNode
from telebridge.flows.nodes.subflows import GotoNode, ReturnNode, SubflowNode
from telebridge.flows.nodes.surroundings import FlowSurroundings
from telebridge.flows.nodes.twilio import QueueNode, SmsNode
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import (
    CallBack,
    Collect,
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
    Transfer,
    Wait,
    WordRules,
)
from telebridge.flows.templates import TemplateProblem, filled, filled_address, holds, rendered
from telebridge.flows.transitions import CONFIRMS, DENIES, EnterFlow, GoTo, LeaveFlow
from telebridge.flows.values import ADDRESS
from telebridge.flows.words.rules import language_of, word_rules
from telebridge.recognition.words.yes_no import no_words, yes_words
from telebridge.speech.source import VoiceOverrides
from telebridge.turns.barge_in import BargeInPolicy

LONGEST_SMS = 1600
"""So many characters Twilio takes in the body of a message."""
LONGEST_QUEUE_NAME = 64
WEB = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a node's texts are filled in with.

    Args:
        flow: The whole flow, for its voice and its zone.
        position: Where the call is. `set`, `opt_out` and `call_back` nodes change it.
        surroundings: Knows the time.
    """

    flow: Flow
    position: FlowPosition
    surroundings: FlowSurroundings

    @property
    def variables(self) -> dict[str, Any]:
        """The variables of the flow, and `now` unless the flow has one of its own."""
        clock = self.surroundings.wallclock
        if clock is None or "now" in self.position.variables:
            return self.position.variables
        return {**self.position.variables, "now": clock().astimezone(ZoneInfo(self.flow.zone or "UTC"))}


Silent = GoTo | EnterFlow | LeaveFlow
"""What follows from a node without a step."""


def step_of(  # noqa: C901, PLR0912 - a line for each verb
    node: Node, before: str | None, scope: Scope
) -> Step | Silent:
    """The step of a node, or what follows when this one has none.

    Args:
        node: The node.
        before: What is said before its question; None for nothing.
        scope: Fills its texts.

    Raises:
        TemplateProblem: A text cannot be filled in, or what comes out cannot be used.
    """
    match node:
        case SayNode():
            return _say(node, node.say, node.barge_in, scope)
        case PlayNode():
            return _load(node, scope)
        case MenuNode():
            return _question(node, node.menu, before, scope)
        case CollectNode():
            return _question(node, node.collect, before, scope)
        case AskNode():
            return _question(node, node.ask, before, scope)
        case ListenNode():
            return _question(node, node.listen, before, scope)
        case ChooseNode(choose=cases):
            return GoTo(_chosen(cases, scope))
        case HoursNode():
            return GoTo(_opening(node, scope))
        case GotoNode(goto=flow, node=there):
            return EnterFlow(flow, there, filled(node.variables, scope.variables), returns=False)
        case SubflowNode(subflow=flow):
            return EnterFlow(flow, None, filled(node.variables, scope.variables), returns=True)
        case ReturnNode(return_=values):
            return LeaveFlow(filled(values or {}, scope.variables))
        case SetNode():
            return _set(node, scope)
        case WaitNode():
            return Wait(node.wait)
        case SendDigitsNode():
            return _send_digits(node, scope)
        case RequestNode():
            return _request(node, scope)
        case RunNode():
            return Run(node.run, dict(scope.position.variables), node.timeout)
        case RecordNode():
            return _record(node, scope)
        case ScreeningNode():
            return Screening(_say_all(node, node.screening, scope), node.longest)
        case TransferNode():
            return _transfer(node, scope)
        case QueueNode():
            return _queue(node, scope)
        case SmsNode():
            return _sms(node, scope)
        case OptOutNode():
            scope.position.opted_out = True
            return GoTo(node.then) if node.opt_out is None else _say_all(node, node.opt_out, scope)
        case CallBackNode():
            return _call_back(node, scope)
        case HangUpNode():
            return HangUp() if node.hang_up is None else _say_all(node, node.hang_up, scope)


def apology(node: Node, scope: Scope) -> Say:
    """The apology of the flow, in the voice of the node where the flow failed.

    Raises:
        TemplateProblem: The apology cannot be filled in.
    """
    return _say_all(node, scope.flow.apology, scope)


def _say(node: Node, text: str, barge_in: BargeInPolicy | None, scope: Scope) -> Say:
    said = rendered(text, scope.variables) if "{" in text else " ".join(text.split())
    return Say(said, voice=_voice(node, scope), barge_in=barge_in)


def _voice(node: Node, scope: Scope) -> VoiceOverrides | None:
    """How the voice of a node differs from that of the settings; None when it does not."""
    return {**scope.flow.speech, **scope.position.voice, **getattr(node, "speech", {})} or None


def _say_all(node: Node, text: str, scope: Scope) -> Say:
    """Say something that nothing interrupts."""
    return _say(node, text, BargeInPolicy.NONE, scope)


def _load(node: PlayNode, scope: Scope) -> LoadAudio | GoTo:
    """The recording of a node; a value never leads out of the folder of the flow file."""
    written = node.play
    if written.startswith(WEB):
        return LoadAudio(filled_address(written, scope.variables))
    folder = scope.flow.folder
    file = folder / rendered(written, scope.variables)
    if "{" in written and not Path(normpath(file.absolute())).is_relative_to(normpath(folder.absolute())):
        raise TemplateProblem(f"'{file}' is not in the folder of the flow file")
    return LoadAudio(str(file))


def played(node: PlayNode, audio: bytes, scope: Scope) -> Play | None:
    """The next pass of a recording that is loaded; None when it was played for as long as it may be."""
    longest = round(node.longest * SAMPLE_RATE)
    left = longest - scope.position.passes * len(audio)
    if left <= 0 or not audio:
        return None
    return Play(audio[:left], node.play, node.barge_in)


def _question(node: QuestionNode, text: str, before: str | None, scope: Scope) -> Collect:
    def asked(question: str) -> Say:
        return _say(node, question if before is None else f"{before} {question}", node.barge_in, scope)

    confirm = node.confirm if isinstance(node, MenuNode | AskNode) else None
    if confirm is not None and scope.position.unconfirmed is not None:
        return _confirmation(node, confirm, scope)
    spoken = getattr(node, "spoken", None) or Wordings()
    prompt = asked(spoken.unheard or text)
    words = word_rules(node, language_of(prompt.voice))
    if words is not None and (spoken.heard is not None or spoken.unheard is not None):
        words = replace(words, prompt=asked(spoken.heard or text))
    return Collect(prompt, digit_rules(node), words, secret=getattr(node, "secret", False))


def _confirmation(node: QuestionNode, confirm: Confirm, scope: Scope) -> Collect:
    """The question whether the answer was heard right."""
    text = rendered(confirm.say, {**scope.variables, "heard": scope.position.heard})
    voice = _voice(node, scope)
    language = language_of(voice)
    words = WordRules({CONFIRMS: yes_words(language), DENIES: no_words(language)}, language=language)
    return Collect(Say(text, voice=voice, barge_in=node.barge_in), digit_rules(node), words)


def _chosen(cases: tuple[Case, ...], scope: Scope) -> str | None:
    for case in cases:
        if case.condition is None or holds(case.condition, scope.variables):
            return case.then
    return None


def _opening(node: HoursNode, scope: Scope) -> str:
    by_hand = scope.surroundings.set_by_hand(node.hours.name or scope.flow.flow)
    match by_hand or _state_now(node, scope):
        case OpeningState.OPEN:
            return node.open
        case OpeningState.HOLIDAY:
            return node.holiday or node.closed
        case OpeningState.CLOSED:
            return node.closed


def _state_now(node: HoursNode, scope: Scope) -> OpeningState:
    if scope.surroundings.wallclock is None:
        raise TemplateProblem("there is no clock here")
    return node.hours.hours_in(scope.flow.zone or "UTC").at(scope.surroundings.wallclock())


def _set(node: SetNode, scope: Scope) -> GoTo:
    for name, value in node.set.items():
        known = scope.variables
        scope.position.variables[name] = rendered(value, known) if isinstance(value, str) else filled(value, known)
    scope.position.voice.update(node.speech)
    return GoTo(node.then)


def _send_digits(node: SendDigitsNode, scope: Scope) -> Play:
    digits = rendered(node.send_digits, scope.variables)
    try:
        return Play(dtmf(digits), f"digits {digits}")
    except ValueError as error:
        raise TemplateProblem(str(error)) from error


def _request(node: RequestNode, scope: Scope) -> Request | GoTo:
    request, variables = node.request, scope.variables
    try:
        url = filled_address(request.url, variables)
    except TemplateProblem as error:
        return _unusable(str(error), node.failed)
    return Request(
        request.method,
        url,
        filled(request.headers, variables),
        filled(request.json_body, variables),
        filled(request.form, variables),
        request.timeout,
    )


def _record(node: RecordNode, scope: Scope) -> Record:
    prompt = None if node.record is None else _say(node, node.record, node.barge_in, scope)
    mail_to = None if node.mail is None else rendered(node.mail, scope.variables)
    return Record(prompt, node.beep, node.longest, node.silence, node.finish_on_key, mail_to)


def _transfer(node: TransferNode, scope: Scope) -> Transfer | GoTo:
    variables = scope.variables
    to = rendered(node.transfer, variables)
    if not ADDRESS.fullmatch(to):
        return _unusable(f"'{to}' cannot be called", node.failed)
    caller_id = None if node.caller_id is None else rendered(node.caller_id, variables)
    whisper = None if node.whisper is None else rendered(node.whisper, variables)
    return Transfer(to, node.timeout, caller_id, whisper)


def _queue(node: QueueNode, scope: Scope) -> Transfer | GoTo:
    name = rendered(node.queue, scope.variables)
    if not 0 < len(name) <= LONGEST_QUEUE_NAME:
        problem = f"'{name}' is no name of a queue: it has 1 to {LONGEST_QUEUE_NAME} characters"
        return _unusable(problem, node.failed)
    wait_url = None if node.wait_url is None else filled_address(node.wait_url, scope.variables)
    return Transfer(name, queue=True, wait_url=wait_url)


def _sms(node: SmsNode, scope: Scope) -> SendSms | GoTo:
    variables = scope.variables
    body = filled(node.sms, variables).strip()
    if not 0 < len(body) <= LONGEST_SMS:
        problem = f"a text message has 1 to {LONGEST_SMS} characters, and this one {len(body)}"
        return _unusable(problem, node.failed)
    to = None if node.to is None else rendered(node.to, variables)
    sender = None if node.from_ is None else rendered(node.from_, variables)
    return SendSms(body, to, sender, node.timeout)


def _call_back(node: CallBackNode, scope: Scope) -> Say | GoTo:
    position = scope.position
    written = rendered(node.at or "", scope.variables)
    try:
        at = datetime.fromisoformat(written) if node.in_ is None else None
    except ValueError:
        return _unusable(f"'{written}' is no date and time", node.invalid)
    position.call_back = CallBack(node.in_, at)
    return GoTo(node.then) if node.call_back is None else _say_all(node, node.call_back, scope)


def _unusable(problem: str, then: str | None) -> GoTo:
    """Go to the node that follows a value that cannot be used.

    Raises:
        TemplateProblem: No node does.
    """
    if then is None:
        raise TemplateProblem(problem)
    return GoTo(then)
