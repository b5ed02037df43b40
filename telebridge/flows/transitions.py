"""Where the result of a step leads: to another node, to the same question again, or to the end of the call.

One rule: a result may change the position (a variable, a count of silences); no text is filled in here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telebridge.answering.phrases import Answerer
from telebridge.flows.inspection import QuestionNode, answer_keys
from telebridge.flows.model import (
    CallBackNode,
    Flow,
    Node,
    OptOutNode,
    RecordNode,
    RequestNode,
    RunNode,
    SayNode,
    SendDigitsNode,
    TransferNode,
    WaitNode,
)
from telebridge.flows.nodes.playing import PlayNode
from telebridge.flows.nodes.questions import AskNode, CollectNode, ListenNode, MenuNode
from telebridge.flows.nodes.screening import ScreeningNode
from telebridge.flows.nodes.twilio import QueueNode, SmsNode
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import Done, Gathered, HangUp, Recorded, Said, Screened, StepResult, Transferred
from telebridge.turns.digits import Ending


@dataclass(frozen=True, slots=True)
class GoTo:
    """Enter a node; None when the flow names no node that follows."""

    node: str | None


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Ask the question of the same node again, after saying `before`."""

    before: str | None


@dataclass(frozen=True, slots=True)
class EnterFlow:
    """Enter another flow.

    Args:
        flow: Its name.
        node: The node there; None for its start.
        variables: What it is given.
        returns: Whether it comes back to the node that entered it.
    """

    flow: str
    node: str | None
    variables: Mapping[str, Any]
    returns: bool


@dataclass(frozen=True, slots=True)
class LeaveFlow:
    """Go back to the flow that ran this one, with these values."""

    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PlayLoaded:
    """Play the recording that the node has loaded; None to play it once more."""

    audio: bytes | None


CONFIRMS, DENIES = "1", "2"
"""The keys that answer whether something was heard right."""

Transition = GoTo | AskAgain | PlayLoaded | HangUp


def transition_after(node: Node, result: StepResult, flow: Flow, position: FlowPosition) -> Transition | None:
    """What follows from the result of a node's step; None when it is no result of such a step.

    Args:
        node: The node at `position`.
        result: The result of its step.
        flow: The whole flow, for its escape key.
        position: Changed in place: variables that the result fills, and the counts of silences and mismatches.
    """
    match node, result:
        case ((SayNode() | WaitNode() | SendDigitsNode() | OptOutNode() | CallBackNode()), Said()):
            return GoTo(node.then)
        case ((MenuNode() | CollectNode() | AskNode() | ListenNode()), Gathered()):
            return _after_question(node, result, flow, position)
        case RecordNode(), Recorded():
            return _after_recording(node, result, position)
        case ScreeningNode(), Screened(by):
            return _after_screening(node, by)
        case TransferNode(), Transferred(_):
            return _after_transfer(node, result)
        case QueueNode(), Transferred():
            return _after_queue(node, result)
        case ((RequestNode() | RunNode() | SmsNode()), Done()):
            return _after_action(node, result, position)
        case PlayNode(), Done(value, problem):
            return GoTo(node.failed) if problem is not None else PlayLoaded(value)
        case PlayNode(), Said(interruption):
            position.passes += 1
            over = interruption is not None or position.passes >= node.loop
            return GoTo(node.then) if over else PlayLoaded(None)
        case _:
            return None


def _after_transfer(node: TransferNode, transferred: Transferred) -> Transition:
    if not transferred.connected:
        return GoTo(node.failed)
    return HangUp() if node.then is None else GoTo(node.then)


def _after_question(node: QuestionNode, answer: Gathered, flow: Flow, position: FlowPosition) -> Transition:
    unconfirmed, position.unconfirmed = position.unconfirmed, None
    if unconfirmed is not None and answer.digits in (CONFIRMS, DENIES):
        digits = unconfirmed if answer.digits == CONFIRMS else ""
        answer = Gathered(digits, Ending.SPOKEN if digits else Ending.NOT_UNDERSTOOD, position.heard)
    elif _is_unsure(node, answer):
        position.unconfirmed, position.heard = answer.digits, answer.words
        return AskAgain(None)
    if answer.ending is Ending.NOT_UNDERSTOOD:
        return _after_mismatch(node, position)
    match node:
        case MenuNode():
            return _after_menu(node, answer.digits, flow, position)
        case CollectNode():
            return _after_collect(node, answer.digits, flow, position)
        case AskNode():
            return _after_ask(node, answer.digits, flow, position)
        case ListenNode():
            return _after_listen(node, answer, flow, position)


def _is_unsure(node: QuestionNode, answer: Gathered) -> bool:
    """Whether a spoken answer is to be confirmed."""
    confirm = node.confirm if isinstance(node, MenuNode | AskNode) else None
    if confirm is None or answer.ending is not Ending.SPOKEN or answer.confidence is None:
        return False
    return answer.confidence < confirm.below


def _after_menu(node: MenuNode, key: str, flow: Flow, position: FlowPosition) -> Transition:
    if key in node.choices:
        return GoTo(node.choices[key].then)
    return _after_other_keys(node, key, flow, position)


def _after_ask(node: AskNode, key: str, flow: Flow, position: FlowPosition) -> Transition:
    for name, its_key in answer_keys(node).items():
        if key == its_key:
            if node.into is not None:
                position.variables[node.into] = name
            return GoTo(node.choices[name].then)
    return _after_other_keys(node, key, flow, position)


def _after_listen(node: ListenNode, heard: Gathered, flow: Flow, position: FlowPosition) -> Transition:
    if heard.ending is Ending.UNHEARD:
        return GoTo(node.unheard or node.no_match.then)
    if heard.ending is Ending.SPOKEN:
        position.variables[node.into] = heard.words
        return GoTo(node.then)
    return _after_other_keys(node, heard.digits, flow, position)


def _after_collect(node: CollectNode, digits: str, flow: Flow, position: FlowPosition) -> Transition:
    if not digits or len(digits) < node.digits.min:
        return _after_other_keys(node, digits, flow, position)
    position.variables[node.into] = digits
    return GoTo(node.then)


def _after_other_keys(node: QuestionNode, keys: str, flow: Flow, position: FlowPosition) -> Transition:
    """What follows from keys that do not answer the question: the flow's escape key, other keys or none."""
    if flow.escape is not None and keys == flow.escape.key:
        return GoTo(flow.escape.then)
    return _after_mismatch(node, position) if keys else _after_silence(node, position)


def _after_recording(node: RecordNode, recorded: Recorded, position: FlowPosition) -> Transition:
    if recorded.file is None:
        return GoTo(node.nothing or node.then) if recorded.seconds == 0 else GoTo(node.then)
    position.variables[node.into] = {"file": recorded.file, "seconds": round(recorded.seconds, 1)}
    return GoTo(node.then)


def _after_screening(node: ScreeningNode, by: Answerer | None) -> Transition:
    if by is Answerer.PERSON:
        return GoTo(node.then)
    follows = (node.voicemail if by is Answerer.VOICEMAIL else None) or node.nobody
    return HangUp() if follows is None else GoTo(follows)


def _after_queue(node: QueueNode, transferred: Transferred) -> Transition:
    match transferred.status:
        case "completed":
            return HangUp() if node.then is None else GoTo(node.then)
        case "left":
            return GoTo(node.left or node.failed)
        case "full":
            return GoTo(node.full or node.failed)
        case _:
            return GoTo(node.failed)


def _after_action(node: RequestNode | RunNode | SmsNode, done: Done, position: FlowPosition) -> Transition:
    if done.problem is not None:
        return GoTo(node.failed)
    into = node.request.into if isinstance(node, RequestNode) else node.into
    if into is not None:
        position.variables[into] = done.value
    return GoTo(node.then)


def _after_silence(node: QuestionNode, position: FlowPosition) -> Transition:
    position.silences += 1
    if position.silences > node.no_input.reprompt:
        return GoTo(node.no_input.then)
    return AskAgain(node.no_input.say)


def _after_mismatch(node: QuestionNode, position: FlowPosition) -> Transition:
    position.mismatches += 1
    if position.mismatches > node.no_match.reprompt:
        return GoTo(node.no_match.then)
    return AskAgain(node.no_match.say)
