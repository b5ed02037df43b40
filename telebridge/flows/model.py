"""What a flow file can say: the verbs, their fields, and what each field may hold.

The format is telebridge's own. A node has exactly one verb; those that exist are in `NODES`.

What each field of a flow file means, in one sentence: for the schema that editors read, and for the page on flows.

One rule: every field of every part has a note here, and a test says which is missing.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, JsonValue, Tag, model_validator

from telebridge.turns.barge_in import BargeInPolicy
from telebridge.turns.digits import KEYS, DigitRules

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m)")
LATER = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
ADDRESS = re.compile(r"\+[1-9]\d{5,14}|sips?:\S+@\S+|client:\S+")
"""What Twilio dials."""
LONGEST_SECONDS = 3600.0
LATEST_SECONDS = 60 * 86_400.0
APOLOGY = "We are sorry, we cannot help you right now. Please call again later."


def _seconds(value: object) -> object:
    if isinstance(value, str) and (found := DURATION.fullmatch(value.strip())) is not None:
        return float(found[1]) * SECONDS[found[2]]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError("should be a duration such as 5s, 300ms or 2m")


def _later(value: object) -> object:
    if isinstance(value, str) and (found := LATER.fullmatch(value.strip())) is not None:
        return float(found[1]) * SECONDS[found[2]]
    raise ValueError("should be a duration such as 30m, 2h or 1d")


def _keys(value: object) -> object:
    """YAML reads the key `1` as a number; every key is text here."""
    if not isinstance(value, dict):
        return value
    for key in value:
        if str(key) not in KEYS:
            raise ValueError(f"'{key}' is no key of a telephone: 0 to 9, '*' and '#' are (the last two quoted)")
    return {str(key): target for key, target in value.items()}


def _no_blank(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise ValueError("should not be empty")
    return value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=LONGEST_SECONDS)]
Later = Annotated[float, BeforeValidator(_later), Field(gt=0, le=LATEST_SECONDS)]
Text = Annotated[str, BeforeValidator(_no_blank)]
Target = Annotated[str, Field(min_length=1)]
Choices = Annotated[dict[str, Target], BeforeValidator(_keys), Field(min_length=1)]
Speech = dict[str, str | int | float | bool]
Value = JsonValue
Tries = Annotated[int, Field(ge=0, le=20)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoInput(_Part):
    """What happens when nothing is pressed: asked again `reprompt` times, after saying `say`; `then` follows."""

    after: Seconds = 5.0
    say: Text | None = None
    reprompt: Tries = 2
    then: Target | None = None


class NoMatch(_Part):
    """What happens when something else is pressed than what counts."""

    say: Text | None = "That is not one of the choices."
    reprompt: Tries = 2
    then: Target | None = None


class Digits(_Part):
    """Which digits answer a `collect`, and when they are complete."""

    min: Annotated[int, Field(ge=1, le=64)] = 1
    max: Annotated[int, Field(ge=1, le=64)] | None = None
    finish_on_key: Annotated[str, Field(pattern=r"^[0-9*#]?$")] = "#"
    between: Seconds = 3.0
    overall: Seconds | None = None
    type_ahead: bool = True


class SayNode(_Part):
    """Say something, then go on."""

    say: Text
    then: Target
    barge_in: BargeInPolicy | None = None
    speech: Speech = {}


class MenuNode(_Part):
    """Ask for one key, and go where it leads."""

    menu: Text
    choices: Choices
    no_input: NoInput = NoInput()
    no_match: NoMatch = NoMatch()
    barge_in: BargeInPolicy | None = None
    type_ahead: bool = True
    speech: Speech = {}


class CollectNode(_Part):
    """Ask for digits, keep them in a variable, then go on."""

    collect: Text
    into: Name
    then: Target
    digits: Digits = Digits()
    no_input: NoInput = NoInput()
    no_match: NoMatch = NoMatch(say="That is not complete.")
    barge_in: BargeInPolicy | None = None
    speech: Speech = {}


class Case(_Part):
    """A road of a `choose`, taken when its condition holds; one without a condition always is."""

    condition: Annotated[Text | None, Field(alias="if")] = None
    then: Target


class ChooseNode(_Part):
    """Go where the first case leads that holds."""

    choose: Annotated[tuple[Case, ...], Field(min_length=1)]


class SetNode(_Part):
    """Give variables a value: texts are templates, everything else is taken as it is.

    `speech` changes the voice from here on, for another language for example.
    """

    set: dict[Name, Value]
    then: Target
    speech: Speech = {}

    @model_validator(mode="after")
    def _something(self) -> "SetNode":
        if not self.set and not self.speech:
            raise ValueError("sets nothing")
        return self


class WaitNode(_Part):
    """Be silent for a while. Keys pressed meanwhile wait for the next question."""

    wait: Seconds
    then: Target


class SendDigitsNode(_Part):
    """Play the tones of telephone keys into the call; `w` is half a second's pause."""

    send_digits: Text
    then: Target


class WebRequest(_Part):
    """What is asked of a web service; texts in it are templates."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: Text
    headers: dict[str, str] = {}
    json_body: Annotated[Value, Field(alias="json")] = None
    form: dict[str, str] | None = None
    timeout: Seconds = 5.0
    into: Name | None = None

    @model_validator(mode="after")
    def _one_body(self) -> "WebRequest":
        if self.json_body is not None and self.form is not None:
            raise ValueError("has both 'json' and 'form'; one body can be sent")
        return self


class RequestNode(_Part):
    """Ask a web service, keep its answer in a variable, then go on; `failed` when it does not answer with success."""

    request: WebRequest
    then: Target
    failed: Target | None = None


class RunNode(_Part):
    """Run a Python function of the application, keep what it returns in a variable, then go on."""

    run: Name
    then: Target
    failed: Target | None = None
    into: Name | None = None
    timeout: Seconds = 10.0


class RecordNode(_Part):
    """Record the caller after a prompt, keep where the recording is in a variable, then go on."""

    record: Text | None
    then: Target
    into: Name = "recording"
    beep: bool = True
    longest: Seconds = 120.0
    silence: Seconds = 5.0
    finish_on_key: Annotated[str, Field(pattern=r"^[0-9*#]?$")] = "#"
    nothing: Target | None = None
    barge_in: BargeInPolicy | None = None
    speech: Speech = {}


class TransferNode(_Part):
    """Connect the caller with somebody else: `failed` when nobody could be reached, `then` when they have talked."""

    transfer: Text
    failed: Target | None = None
    then: Target | None = None
    timeout: Seconds = 30.0
    caller_id: Text | None = None
    whisper: Text | None = None


class OptOutNode(_Part):
    """Put the caller on the do-not-call list at once, tell them so, then go on."""

    opt_out: Text | None
    then: Target
    speech: Speech = {}


class CallBackNode(_Part):
    """Have a campaign call again at a better time, tell the person so, then go on; `invalid` when there is no such."""

    call_back: Text | None
    in_: Annotated[Later | None, Field(alias="in")] = None
    at: Text | None = None
    then: Target
    invalid: Target | None = None
    speech: Speech = {}


class HangUpNode(_Part):
    """End the call, after a last word if there is one."""

    hang_up: Text | None
    speech: Speech = {}


NODES: Mapping[str, type[_Part]] = {
    "say": SayNode,
    "menu": MenuNode,
    "collect": CollectNode,
    "choose": ChooseNode,
    "set": SetNode,
    "wait": WaitNode,
    "send_digits": SendDigitsNode,
    "request": RequestNode,
    "run": RunNode,
    "record": RecordNode,
    "transfer": TransferNode,
    "opt_out": OptOutNode,
    "call_back": CallBackNode,
    "hang_up": HangUpNode,
}
"""The verbs, and what a node with each looks like."""


def verbs_in(node: object) -> list[str]:
    """The verbs that a node of a file has; exactly one is right."""
    return [verb for verb in NODES if verb in node] if isinstance(node, dict) else []


def _tag(node: object) -> str | None:
    if isinstance(node, BaseModel):
        return next((verb for verb, kind in NODES.items() if isinstance(node, kind)), None)
    return next(iter(verbs_in(node)), None)


Node = Annotated[
    Annotated[SayNode, Tag("say")]
    | Annotated[MenuNode, Tag("menu")]
    | Annotated[CollectNode, Tag("collect")]
    | Annotated[ChooseNode, Tag("choose")]
    | Annotated[SetNode, Tag("set")]
    | Annotated[WaitNode, Tag("wait")]
    | Annotated[SendDigitsNode, Tag("send_digits")]
    | Annotated[RequestNode, Tag("request")]
    | Annotated[RunNode, Tag("run")]
    | Annotated[RecordNode, Tag("record")]
    | Annotated[TransferNode, Tag("transfer")]
    | Annotated[OptOutNode, Tag("opt_out")]
    | Annotated[CallBackNode, Tag("call_back")]
    | Annotated[HangUpNode, Tag("hang_up")],
    Discriminator(_tag),
]


class Escape(_Part):
    """A key that leads out of every question of the flow, to an operator for example."""

    key: Annotated[str, BeforeValidator(str), Field(pattern=r"^[0-9*#]$")]
    then: Target


class Flow(_Part):
    """A whole flow.

    Args:
        flow: Its name.
        start: The first node.
        nodes: What happens where.
        variables: Known to every text as `{{ name }}`, beside `from` and `to`, the numbers of the call.
        speech: Synthesis parameters for the whole flow.
        escape: A key that leads out of every question, where the question itself does not take it.
        entrances: Nodes that something beside the flow leads to, such as the `message_node` of a campaign.
        apology: Said before hanging up where a road ends and nothing else is named.
    """

    flow: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    start: Target
    nodes: Annotated[dict[str, Node], Field(min_length=1)]
    variables: dict[str, Value] = {}
    speech: Speech = {}
    escape: Escape | None = None
    entrances: tuple[Target, ...] = ()
    apology: Text = APOLOGY


def digit_rules(node: MenuNode | CollectNode) -> DigitRules:
    """What answers a node's question.

    Raises:
        ConfigurationError: `min` and `max` contradict each other.
    """
    if isinstance(node, MenuNode):
        return DigitRules(
            min_digits=1,
            max_digits=1,
            finish_on_key="",
            no_input_seconds=node.no_input.after,
            type_ahead=node.type_ahead,
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


def fields_of(kind: type[BaseModel]) -> list[str]:
    """The fields of a part as a file spells them, for hints."""
    return [field.alias or name for name, field in kind.model_fields.items()]


def texts_of(node: Any) -> dict[tuple[str, ...], str]:
    """Every text of a node that is a template, by where it stands in the node."""
    found: dict[tuple[str, ...], str] = {}
    for verb in NODES:
        if verb != "run" and isinstance(text := getattr(node, verb, None), str):
            found[verb,] = text
    for ladder in ("no_input", "no_match"):
        if isinstance(text := getattr(getattr(node, ladder, None), "say", None), str):
            found[ladder, "say"] = text
    match node:
        case SetNode(set=values):
            found |= _texts_in(values, ("set",))
        case RequestNode(request=request):
            found["request", "url"] = request.url
            for name in ("headers", "json", "form"):
                value = request.json_body if name == "json" else getattr(request, name)
                found |= _texts_in(value, ("request", name))
        case TransferNode(caller_id=caller_id, whisper=whisper):
            optional = {("caller_id",): caller_id, ("whisper",): whisper}
            found |= {path: text for path, text in optional.items() if text is not None}
        case CallBackNode(at=str() as at):
            found["at",] = at
        case _:
            pass
    return found


def _texts_in(value: Any, path: tuple[str, ...]) -> dict[tuple[str, ...], str]:
    """Every text inside a value, however deep."""
    if isinstance(value, str):
        return {path: value}
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {at: text for key, each in inside for at, text in _texts_in(each, (*path, str(key))).items()}


def conditions_of(node: object) -> dict[tuple[str, ...], str]:
    """Every condition of a node, by where it stands in the node."""
    if not isinstance(node, ChooseNode):
        return {}
    cases = enumerate(node.choose)
    return {("choose", str(at), "if"): case.condition for at, case in cases if case.condition is not None}


def escapes(node: object, key: str) -> bool:
    """Whether the escape key of the flow leads out of a node: out of a question that does not take it itself."""
    match node:
        case MenuNode(choices=choices):
            return key not in choices
        case CollectNode(digits=digits):
            return digits.min > 1 and key != digits.finish_on_key
        case _:
            return False


def sets(node: object) -> frozenset[str]:
    """The variables that a node gives a value."""
    match node:
        case CollectNode(into=into) | RecordNode(into=into):
            return frozenset({into})
        case SetNode(set=values):
            return frozenset(values)
        case RequestNode(request=WebRequest(into=str() as into)) | RunNode(into=str() as into):
            return frozenset({into})
        case _:
            return frozenset()


WHOLE = "flow"

NOTES: Mapping[str, str] = {
    "flow.flow": "The flow's name: letters, digits, `_`, `.` and `-`.",
    "flow.start": "The node that a call begins with.",
    "flow.nodes": "What happens where: nodes by their names, each with one verb.",
    "flow.variables": "Values for `{{ name }}` in texts, beside `{{ from }}` and `{{ to }}`, the numbers of the call.",
    "flow.speech": "Synthesis parameters for the whole flow, such as `speaker`, `model`, `lang`.",
    "flow.apology": "Said before hanging up where a road ends and nothing else is named.",
    "flow.entrances": "Nodes that something beside the flow leads to, such as the `message_node` of a campaign.",
    "flow.escape": "A key that leads out of every question, where the question itself does not take it.",
    "escape.key": "The key, quoted.",
    "escape.then": "The node that it leads to.",
    "node.failed": "The node that follows when it fails; without it the apology is said and the call ends.",
    "node.then": "The node that follows.",
    "node.into": "The variable that keeps the result.",
    "node.speech": "Synthesis parameters for this node only.",
    "node.barge_in": "What may interrupt the prompt; without it the settings say.",
    "node.no_input": "What happens when nothing is pressed.",
    "node.no_match": "What happens when something else is pressed than what counts.",
    "say.say": "What is said; a template.",
    "menu.menu": "The question; a template.",
    "menu.choices": "The node that each key leads to: 0 to 9, and quoted `*` and `#`.",
    "menu.type_ahead": "Whether a key pressed before the question answers it.",
    "collect.collect": "The question; a template.",
    "collect.digits": "Which digits answer, and when they are complete.",
    "collect.into": "The variable that keeps the digits.",
    "collect.no_match": "What happens with fewer digits than `digits.min`; says “That is not complete.” unless told.",
    "choose.choose": "The cases, looked at in their order; the last has no `if`.",
    "set.set": "Values by the names of variables; texts are templates, everything else is taken as it is.",
    "wait.wait": "How long the line is silent.",
    "send_digits.send_digits": "The keys: 0 to 9, A to D, `*`, `#`, and `w` for half a second's pause; a template.",
    "set.speech": "Changes the voice from here on: another language, another speaker.",
    "request.request": "What is asked of which web service.",
    "web_request.method": "GET, POST, PUT, PATCH or DELETE.",
    "web_request.url": "Where; a template.",
    "web_request.headers": "Sent with it; values are templates.",
    "web_request.json": "The body, sent as JSON; every text in it is a template.",
    "web_request.form": "The body, sent as a form; values are templates.",
    "web_request.timeout": "How long all of it may take, the caller waiting in silence.",
    "web_request.into": "The variable that keeps the answer: what its JSON holds, or its text.",
    "run.run": "The name of the function, as `@bridge.function` registered it.",
    "run.into": "The variable that keeps what it returns.",
    "run.timeout": "How long it may take.",
    "record.record": "Said before the beep, a template; `null` for nothing.",
    "record.into": "The variable that keeps where the recording is, as `file` and `seconds`.",
    "record.beep": "Whether a tone tells the caller to speak.",
    "record.longest": "It ends after so much.",
    "record.silence": "It ends when nothing was said for so long.",
    "record.finish_on_key": 'This key ends it; `""` for none.',
    "record.nothing": "The node that follows when nothing was said; without it `then`.",
    "transfer.transfer": "Whom: a number with + and the country, `sip:…` or `client:…`; a template.",
    "transfer.then": "The node that follows when they have talked; without it the call ends.",
    "transfer.failed": "The node that follows when nobody answers; without it the apology is said and the call ends.",
    "transfer.timeout": "How long it rings there.",
    "transfer.caller_id": "The number shown there, a template; without it the caller's own.",
    "transfer.whisper": "Said to who answers, before they are connected; a template.",
    "opt_out.opt_out": "Said once they are on the list, and cannot be interrupted; a template, `null` for nothing.",
    "call_back.call_back": "Said once it is kept, and cannot be interrupted; a template, `null` for nothing.",
    "call_back.in": "So long from now: `30m`, `2h`, `1d`.",
    "call_back.at": "Then: an ISO 8601 date and time, a template; without an offset it is on the clock of the person.",
    "call_back.invalid": "The node that follows when `at` comes out as no time; without it the apology ends the call.",
    "hang_up.hang_up": "A last word that cannot be interrupted, a template; `null` for none.",
    "no_input.after": "How long the caller may be silent after the question.",
    "no_input.say": "Said before the question is asked again; a template.",
    "no_input.reprompt": "How many times it is asked again.",
    "no_input.then": "The node that follows the last time; without it the apology is said and the call ends.",
    "no_match.say": "Said before the question is asked again; a template.",
    "no_match.reprompt": "How many times it is asked again.",
    "no_match.then": "The node that follows the last time; without it the apology is said and the call ends.",
    "digits.min": "Fewer digits are no match.",
    "digits.max": "So many digits end it at once.",
    "digits.finish_on_key": 'This key ends it and is no digit; `""` for none.',
    "digits.between": "So long a pause after a digit ends it.",
    "digits.overall": "So long after the question it ends in any case.",
    "digits.type_ahead": "Whether keys pressed before the question answer it.",
    "case.if": "A condition, a Jinja2 expression; without one the case always holds.",
    "case.then": "The node that follows when the condition holds.",
}
"""By part and field; `node.…` is for all verbs that have no note of their own."""


def note(part: str, field: str) -> str | None:
    """What a field means; None when nobody has written it down."""
    return NOTES.get(f"{part}.{field}") or (NOTES.get(f"node.{field}") if part in NODES else None)


def parts() -> Mapping[str, type[BaseModel]]:
    """Every part of a flow file by its name: the whole, the verbs, and what they are made of."""
    found: dict[str, type[BaseModel]] = {WHOLE: Flow, **NODES, "escape": Escape}
    for kind in NODES.values():
        for inner in _inner(kind):
            found.setdefault(_snake(inner.__name__), inner)
    return found


def _inner(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in kind.model_fields.values():
        for each in models_in(field.annotation):
            yield each
            yield from _inner(each)


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """The parts that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")


def verb_of(node: Node) -> str:
    """The verb of a node."""
    return next(verb for verb, kind in NODES.items() if isinstance(node, kind))
