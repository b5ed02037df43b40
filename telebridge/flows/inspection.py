"""What can be read from one node: its verb, its texts, where it leads, which variables it sets; and of all of them.

One rule: everything that must know every verb and is not the walk itself is a `match` here, so that the type checker
names the places to extend when a verb is added.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from telebridge.flows.model import (
    NODES,
    CallBackNode,
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
    WebRequest,
)
from telebridge.flows.nodes.hours import HoursNode
from telebridge.flows.nodes.playing import PlayNode
from telebridge.flows.nodes.questions import AskNode, CollectNode, ListenNode, MenuNode
from telebridge.flows.nodes.screening import ScreeningNode
from telebridge.flows.nodes.subflows import GotoNode, ReturnNode, SubflowNode
from telebridge.flows.nodes.twilio import QueueNode, SmsNode
from telebridge.flows.templates import TemplateProblem, names_in, names_in_condition
from telebridge.turns.digits import DigitRules

QuestionNode = MenuNode | CollectNode | AskNode | ListenNode
"""Nodes that wait for what the caller presses or says."""
KeyPath = tuple[str, ...]
"""The keys that lead to a place in a flow file, or in a node of it."""


def verb_of(node: Node) -> str:
    """The verb of a node."""
    return next(verb for verb, kind in NODES.items() if isinstance(node, kind))


def value_of_verb(node: Node) -> Any:
    """What a node has beside its verb: a text, a number, a table."""
    verb = verb_of(node)
    return getattr(node, f"{verb}_" if isinstance(node, ReturnNode) else verb)


def targets(node: Node) -> Mapping[KeyPath, str]:  # noqa: C901 - a line for each kind of node
    """The nodes that a node can lead to, by the place in the node that names them."""
    match node:
        case SayNode() | SetNode() | WaitNode() | SendDigitsNode() | OptOutNode() | SubflowNode():
            return {("then",): node.then}
        case HoursNode():
            return _given({"open": node.open, "closed": node.closed, "holiday": node.holiday})
        case ChooseNode():
            return {("choose", str(at), "then"): case.then for at, case in enumerate(node.choose)}
        case MenuNode() | AskNode():
            choices: dict[KeyPath, str] = {("choices", key): choice.then for key, choice in node.choices.items()}
            return {**_targets_after_reprompts(node), **choices}
        case ListenNode():
            return {**_given({"then": node.then, "unheard": node.unheard}), **_targets_after_reprompts(node)}
        case CollectNode():
            return {("then",): node.then, **_targets_after_reprompts(node)}
        case RequestNode() | RunNode() | TransferNode() | PlayNode() | SmsNode():
            return _given({"then": node.then, "failed": node.failed})
        case QueueNode():
            return _given({"then": node.then, "left": node.left, "full": node.full, "failed": node.failed})
        case RecordNode(then=then, nothing=nothing):
            return _given({"then": then, "nothing": nothing})
        case CallBackNode(then=then, invalid=invalid):
            return _given({"then": then, "invalid": invalid})
        case ScreeningNode():
            return _given({"then": node.then, "voicemail": node.voicemail, "nobody": node.nobody})
        case HangUpNode() | GotoNode() | ReturnNode():
            return {}


def _given(named: Mapping[str, str | None]) -> dict[KeyPath, str]:
    return {(field,): target for field, target in named.items() if target is not None}


def _targets_after_reprompts(node: QuestionNode) -> dict[KeyPath, str]:
    named = {("no_input", "then"): node.no_input.then, ("no_match", "then"): node.no_match.then}
    return {path: target for path, target in named.items() if target is not None}


def target_without_caller(node: Node) -> str | None:
    """The node that follows when the caller does nothing at all; None where that depends on something else."""
    match node:
        case SayNode() | SetNode() | WaitNode() | SendDigitsNode() | OptOutNode() | CallBackNode():
            return node.then
        case PlayNode() | SmsNode():
            return node.then
        case MenuNode() | CollectNode() | AskNode() | ListenNode():
            return node.no_input.then
        case RecordNode():
            return node.nothing or node.then
        case ScreeningNode():
            return node.nobody
        case RequestNode() | RunNode() | TransferNode() | QueueNode():
            return node.failed  # what failed once may fail every time
        case ChooseNode() | HoursNode() | HangUpNode() | GotoNode() | SubflowNode() | ReturnNode():
            return None


NAMING = frozenset({"run", "goto", "subflow"})
"""The verbs whose text is a name, and no template."""


def texts_of(node: Any) -> dict[KeyPath, str]:
    """Every text of a node that is a template, by its place in the node."""
    found: dict[KeyPath, str] = {}
    for verb in NODES:
        if verb not in NAMING and isinstance(text := getattr(node, verb, None), str):
            found[verb,] = text
    for part in ("no_input", "no_match"):
        if isinstance(text := getattr(getattr(node, part, None), "say", None), str):
            found[part, "say"] = text
    found |= _wordings_of(node)
    return {**found, **{path: text for path, text in _texts_beside(node).items() if text is not None}}


def _texts_beside(node: Any) -> Mapping[KeyPath, str | None]:
    """The templates of a node beside its verb and its questions."""
    match node:
        case SetNode(set=values):
            return _texts_in(values, ("set",))
        case RequestNode(request=request):
            found = {("request", "url"): request.url, **_texts_in(request.headers, ("request", "headers"))}
            body = _texts_in(request.json_body, ("request", "json"))
            return {**found, **body, **_texts_in(request.form, ("request", "form"))}
        case TransferNode(caller_id=caller_id, whisper=whisper):
            return {("caller_id",): caller_id, ("whisper",): whisper}
        case CallBackNode(at=at):
            return {("at",): at}
        case RecordNode(mail=mail):
            return {("mail",): mail}
        case QueueNode(wait_url=wait_url):
            return {("wait_url",): wait_url}
        case SmsNode(to=to, from_=sender):
            return {("to",): to, ("from",): sender}
        case GotoNode(variables=values) | SubflowNode(variables=values):
            return _texts_in(values, ("variables",))
        case ReturnNode(return_=values):
            return _texts_in(values, ("return",))
        case _:
            return {}


def _wordings_of(node: Any) -> dict[KeyPath, str]:
    """The question in other words, and how an answer is confirmed, where a node has them."""
    spoken = getattr(node, "spoken", None)
    written = {} if spoken is None else {"with": spoken.heard, "without": spoken.unheard}
    found: dict[KeyPath, str] = {("spoken", name): text for name, text in written.items() if text is not None}
    confirm = getattr(node, "confirm", None)
    return found if confirm is None else {**found, ("confirm", "say"): confirm.say}


def _texts_in(value: Any, path: KeyPath) -> dict[KeyPath, str]:
    """Every text inside a value, at any depth."""
    if isinstance(value, str):
        return {path: value}
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {at: text for key, each in inside for at, text in _texts_in(each, (*path, str(key))).items()}


def conditions_of(node: object) -> dict[KeyPath, str]:
    """Every condition of a node, by its place in the node."""
    if not isinstance(node, ChooseNode):
        return {}
    cases = enumerate(node.choose)
    return {("choose", str(at), "if"): case.condition for at, case in cases if case.condition is not None}


def variables_set_by(node: object) -> frozenset[str]:
    """The variables that a node gives a value."""
    match node:
        case CollectNode(into=into) | ListenNode(into=into) | RecordNode(into=into):
            return frozenset({into})
        case SetNode(set=values):
            return frozenset(values)
        case (
            RequestNode(request=WebRequest(into=str() as into))
            | RunNode(into=str() as into)
            | AskNode(into=str() as into)
        ):
            return frozenset({into})
        case SubflowNode(into=str() as into) | SmsNode(into=str() as into):
            return frozenset({into})
        case _:
            return frozenset()


def flow_texts(flow: Flow) -> dict[KeyPath, str]:
    """Every text of a flow that is a template, by its place in the file."""
    found: dict[KeyPath, str] = {("apology",): flow.apology}
    for name, node in flow.nodes.items():
        found |= {("nodes", name, *path): text for path, text in texts_of(node).items()}
    return found


def flow_conditions(flow: Flow) -> dict[KeyPath, str]:
    """Every condition of a flow, by its place in the file."""
    found: dict[KeyPath, str] = {}
    for name, node in flow.nodes.items():
        found |= {("nodes", name, *path): condition for path, condition in conditions_of(node).items()}
    return found


def used_variables(flow: Flow) -> frozenset[str]:
    """The variables that a text or a condition of a flow uses; none of one that cannot be read."""
    used: set[str] = set()
    for found, names in ((flow_texts(flow), names_in), (flow_conditions(flow), names_in_condition)):
        for text in found.values():
            try:
                used |= names(text)
            except TemplateProblem:
                continue  # a mistake of the flow, which is found where it is checked
    return frozenset(used)


def folded_name(name: str) -> str:
    """The name of a variable or a column without what people write in different ways: case, blanks and `_`."""
    return "".join(character for character in name.casefold() if character.isalnum())


def matched_variables(given: Mapping[str, Any], wanted: Iterable[str]) -> dict[str, Any]:
    """Return the variables of a call, also under the names by which a flow knows them.

    Args:
        given: What is known of the call: `{"Name": "Ann"}`.
        wanted: The names of the flow: `name`. One that is given as it is is left alone.
    """
    missing = [name for name in wanted if name not in given]
    if not missing:
        return dict(given)
    by_folded: dict[str, str] = {}
    for name in given:
        by_folded.setdefault(folded_name(name) or name, name)
    found = {name: by_folded[folded] for name in missing if (folded := folded_name(name)) in by_folded}
    return {**given, **{name: given[other] for name, other in found.items()}}


def escape_applies(node: object, key: str) -> bool:
    """Whether the flow's escape key leads out of a node: out of a question that does not take the key itself."""
    match node:
        case MenuNode(choices=choices):
            return key not in choices
        case AskNode():
            return key not in answer_keys(node).values()
        case ListenNode():
            return True
        case CollectNode(digits=digits):
            return digits.min > 1 and key != digits.finish_on_key
        case _:
            return False


def answer_keys(node: AskNode) -> dict[str, str]:
    """The key that gives each answer of an `ask`, by the answer's name."""
    given = {choice.key for choice in node.choices.values()}
    free = (str(number) for number in range(1, 20) if str(number) not in given)
    return {name: choice.key or next(free) for name, choice in node.choices.items()}


def digit_rules(node: QuestionNode) -> DigitRules:
    """The keys that answer a node's question, and when they are complete.

    Raises:
        ConfigurationError: `min` and `max` contradict each other.
    """
    if not isinstance(node, CollectNode):
        return DigitRules(
            min_digits=1,
            max_digits=1,
            finish_on_key="",
            no_input_seconds=node.no_input.after,
            type_ahead=getattr(node, "type_ahead", True),
        )
    digits = node.digits
    return DigitRules(
        min_digits=digits.min,
        max_digits=digits.max,
        finish_on_key=digits.finish_on_key,
        between_seconds=digits.between,
        no_input_seconds=node.no_input.after,
        overall_seconds=digits.overall,
        type_ahead=digits.type_ahead,
    )
