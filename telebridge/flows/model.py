"""The format of a flow file: the verbs, their fields, and what each field means.

The format is telebridge's own. A node has exactly one verb; the verbs are the keys of `NODES`. The description of a
field appears in the JSON Schema for editors, in `telebridge flow fields` and in the tables of docs/flows.md.

One rule: every field has a description here; what a node means for the rest of the package is read in `inspection`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, Discriminator, Field, PrivateAttr, Tag, model_validator

from telebridge.flows.nodes.hours import HoursNode, ZoneName
from telebridge.flows.nodes.part import Part
from telebridge.flows.nodes.playing import PlayNode
from telebridge.flows.nodes.questions import AskNode, CollectNode, ListenNode, MenuNode
from telebridge.flows.nodes.screening import ScreeningNode
from telebridge.flows.nodes.subflows import GotoNode, ReturnNode, SubflowNode
from telebridge.flows.nodes.twilio import QueueNode, SmsNode
from telebridge.flows.values import (
    BargeInField,
    CallBackDelay,
    EscapeKey,
    FailedTarget,
    FinishKey,
    NodeName,
    NodeSpeech,
    Seconds,
    Speech,
    TemplateText,
    ThenTarget,
    Value,
    VariableName,
)

APOLOGY = "We are sorry, we cannot help you right now. Please call again later."


class SayNode(Part):
    """Say something, then go on."""

    say: Annotated[TemplateText, Field(description="What is said; a template.")]
    then: ThenTarget
    barge_in: BargeInField = None
    speech: NodeSpeech = {}


class Case(Part):
    """A branch of a `choose`, taken when its condition holds; one without a condition is always taken."""

    condition: Annotated[
        TemplateText | None,
        Field(alias="if", description="A condition, a Jinja2 expression; without one the case always holds."),
    ] = None
    then: Annotated[NodeName, Field(description="The node that follows when the condition holds.")]


class ChooseNode(Part):
    """Go where the first case leads that holds."""

    choose: Annotated[
        tuple[Case, ...],
        Field(min_length=1, description="The cases, looked at in their order; the last has no `if`."),
    ]


class SetNode(Part):
    """Give variables a value: texts are templates, everything else is taken as it is.

    `speech` changes the voice from here on, for another language for example.
    """

    set: Annotated[
        dict[VariableName, Value],
        Field(description="Values by the names of variables; texts are templates, everything else is taken as it is."),
    ]
    then: ThenTarget
    speech: Annotated[
        Speech, Field(description="Changes the voice from here on: another language, another speaker.")
    ] = {}

    @model_validator(mode="after")
    def _something(self) -> "SetNode":
        if not self.set and not self.speech:
            raise ValueError("sets nothing")
        return self


class WaitNode(Part):
    """Be silent for a while. Keys pressed meanwhile wait for the next question."""

    wait: Annotated[Seconds, Field(description="How long the line is silent.")]
    then: ThenTarget


class SendDigitsNode(Part):
    """Play the tones of telephone keys into the call; `w` is half a second's pause."""

    send_digits: Annotated[
        TemplateText,
        Field(description="The keys: 0 to 9, A to D, `*`, `#`, and `w` for half a second's pause; a template."),
    ]
    then: ThenTarget


class WebRequest(Part):
    """What is sent to a web service; texts in it are templates."""

    method: Annotated[
        Literal["GET", "POST", "PUT", "PATCH", "DELETE"], Field(description="GET, POST, PUT, PATCH or DELETE.")
    ] = "GET"
    url: Annotated[TemplateText, Field(description="The address; a template whose values are percent-encoded.")]
    headers: Annotated[dict[str, str], Field(description="Sent with it; values are templates.")] = {}
    json_body: Annotated[
        Value, Field(alias="json", description="The body, sent as JSON; every text in it is a template.")
    ] = None
    form: Annotated[dict[str, str] | None, Field(description="The body, sent as a form; values are templates.")] = None
    timeout: Annotated[Seconds, Field(description="How long all of it may take, the caller waiting in silence.")] = 5.0
    into: Annotated[
        VariableName | None,
        Field(description="The variable that keeps the answer: what its JSON holds, or its text."),
    ] = None

    @model_validator(mode="after")
    def _one_body(self) -> "WebRequest":
        if self.json_body is not None and self.form is not None:
            raise ValueError("has both 'json' and 'form'; one body can be sent")
        return self


class RequestNode(Part):
    """Ask a web service, keep its answer in a variable, then go on; `failed` when it does not answer with success."""

    request: Annotated[WebRequest, Field(description="What is sent to which web service.")]
    then: ThenTarget
    failed: FailedTarget = None


class RunNode(Part):
    """Run a Python function of the application, keep what it returns in a variable, then go on."""

    run: Annotated[VariableName, Field(description="The name of the function, as `@bridge.function` registered it.")]
    then: ThenTarget
    failed: FailedTarget = None
    into: Annotated[VariableName | None, Field(description="The variable that keeps what it returns.")] = None
    timeout: Annotated[Seconds, Field(description="How long it may take.")] = 10.0


class RecordNode(Part):
    """Record the caller after a prompt, keep where the recording is in a variable, then go on."""

    record: Annotated[TemplateText | None, Field(description="Said before the beep, a template; `null` for nothing.")]
    then: ThenTarget
    into: Annotated[
        VariableName,
        Field(description="The variable that keeps where the recording is, as `file` and `seconds`."),
    ] = "recording"
    beep: Annotated[bool, Field(description="Whether a tone tells the caller to speak.")] = True
    longest: Annotated[Seconds, Field(description="The recording ends after this time.")] = 120.0
    silence: Annotated[Seconds, Field(description="The recording ends after this much silence.")] = 5.0
    finish_on_key: Annotated[FinishKey, Field(description='This key ends it; `""` for none.')] = "#"
    nothing: Annotated[
        NodeName | None, Field(description="The node that follows when nothing was said; without it `then`.")
    ] = None
    mail: Annotated[
        TemplateText | None,
        Field(
            description="To whom it is sent by e-mail: addresses with commas between, a template; without it `mail.to` "
            "of the settings."
        ),
    ] = None
    barge_in: BargeInField = None
    speech: NodeSpeech = {}


class TransferNode(Part):
    """Connect the caller with somebody else: `failed` when nobody could be reached, `then` when they have talked."""

    transfer: Annotated[
        TemplateText,
        Field(description="Who is called: a number with + and the country, `sip:…` or `client:…`; a template."),
    ]
    failed: Annotated[
        NodeName | None,
        Field(
            description="The node that follows when nobody answers; without it the apology is said and the call ends."
        ),
    ] = None
    then: Annotated[
        NodeName | None,
        Field(description="The node that follows when they have talked; without it the call ends."),
    ] = None
    timeout: Annotated[Seconds, Field(description="How long it rings there.")] = 30.0
    caller_id: Annotated[
        TemplateText | None,
        Field(description="The number shown there, a template; without it the caller's own."),
    ] = None
    whisper: Annotated[
        TemplateText | None,
        Field(description="Said to whoever answers, before they are connected; a template."),
    ] = None


class OptOutNode(Part):
    """Put the caller on the do-not-call list at once, tell them so, then go on."""

    opt_out: Annotated[
        TemplateText | None,
        Field(description="Said once they are on the list, and cannot be interrupted; a template, `null` for nothing."),
    ]
    then: ThenTarget
    speech: NodeSpeech = {}


class CallBackNode(Part):
    """Have a campaign call again at a better time, tell the person so, then go on; `invalid` when there is no such."""

    call_back: Annotated[
        TemplateText | None,
        Field(description="Said once it is kept, and cannot be interrupted; a template, `null` for nothing."),
    ]
    in_: Annotated[CallBackDelay | None, Field(alias="in", description="How long from now: `30m`, `2h`, `1d`.")] = None
    at: Annotated[
        TemplateText | None,
        Field(
            description="When: an ISO 8601 date and time, a template; without an offset it is the person's local time."
        ),
    ] = None
    then: ThenTarget
    invalid: Annotated[
        NodeName | None,
        Field(description="The node that follows when `at` is no date and time; without it the apology ends the call."),
    ] = None
    speech: NodeSpeech = {}


class HangUpNode(Part):
    """End the call, after a last word if there is one."""

    hang_up: Annotated[
        TemplateText | None,
        Field(description="A last word that cannot be interrupted, a template; `null` for none."),
    ]
    speech: NodeSpeech = {}


NODES: Mapping[str, type[Part]] = {
    "say": SayNode,
    "play": PlayNode,
    "menu": MenuNode,
    "collect": CollectNode,
    "ask": AskNode,
    "listen": ListenNode,
    "choose": ChooseNode,
    "hours": HoursNode,
    "set": SetNode,
    "wait": WaitNode,
    "send_digits": SendDigitsNode,
    "request": RequestNode,
    "run": RunNode,
    "record": RecordNode,
    "screening": ScreeningNode,
    "transfer": TransferNode,
    "queue": QueueNode,
    "sms": SmsNode,
    "goto": GotoNode,
    "subflow": SubflowNode,
    "return": ReturnNode,
    "opt_out": OptOutNode,
    "call_back": CallBackNode,
    "hang_up": HangUpNode,
}
"""The model of a node for each verb."""


def verbs_in(node: object) -> list[str]:
    """The verbs that a node of a file has; exactly one is right."""
    return [verb for verb in NODES if verb in node] if isinstance(node, dict) else []


def _tag(node: object) -> str | None:
    if isinstance(node, BaseModel):
        return next((verb for verb, kind in NODES.items() if isinstance(node, kind)), None)
    return next(iter(verbs_in(node)), None)


Node = Annotated[
    Annotated[SayNode, Tag("say")]
    | Annotated[PlayNode, Tag("play")]
    | Annotated[MenuNode, Tag("menu")]
    | Annotated[CollectNode, Tag("collect")]
    | Annotated[AskNode, Tag("ask")]
    | Annotated[ListenNode, Tag("listen")]
    | Annotated[ChooseNode, Tag("choose")]
    | Annotated[HoursNode, Tag("hours")]
    | Annotated[SetNode, Tag("set")]
    | Annotated[WaitNode, Tag("wait")]
    | Annotated[SendDigitsNode, Tag("send_digits")]
    | Annotated[RequestNode, Tag("request")]
    | Annotated[RunNode, Tag("run")]
    | Annotated[RecordNode, Tag("record")]
    | Annotated[ScreeningNode, Tag("screening")]
    | Annotated[TransferNode, Tag("transfer")]
    | Annotated[QueueNode, Tag("queue")]
    | Annotated[SmsNode, Tag("sms")]
    | Annotated[GotoNode, Tag("goto")]
    | Annotated[SubflowNode, Tag("subflow")]
    | Annotated[ReturnNode, Tag("return")]
    | Annotated[OptOutNode, Tag("opt_out")]
    | Annotated[CallBackNode, Tag("call_back")]
    | Annotated[HangUpNode, Tag("hang_up")],
    Discriminator(_tag),
]


class Escape(Part):
    """A key that leads out of every question of the flow, to an operator for example."""

    key: Annotated[EscapeKey, Field(description="The key, quoted.")]
    then: Annotated[NodeName, Field(description="The node that it leads to.")]


class Flow(Part):
    """A whole flow.

    Attributes:
        folder: The folder of its file, from which the paths in it begin.
    """

    _folder: Path = PrivateAttr(Path())

    flow: Annotated[str, Field(pattern=r"^[\w.-]+$", description="The flow's name: letters, digits, `_`, `.` and `-`.")]
    start: Annotated[NodeName, Field(description="The node that a call begins with.")]
    nodes: Annotated[dict[str, Node], Field(min_length=1, description="The nodes by their names, each with one verb.")]
    variables: Annotated[
        dict[str, Value],
        Field(
            description="Values for `{{ name }}` in texts, beside `{{ from }}` and `{{ to }}`, the numbers of the "
            "call, and `{{ now }}`, the date and time."
        ),
    ] = {}
    zone: Annotated[
        ZoneName | None,
        Field(description="The zone of `hours` and of `{{ now }}`, such as `Europe/Berlin`; without it `now` is UTC."),
    ] = None
    needs: Annotated[
        tuple[VariableName, ...],
        Field(
            description="Variables that must be given for each call: a campaign rejects contacts without them, instead "
            "of calling people with the wrong words."
        ),
    ] = ()
    speech: Annotated[
        Speech,
        Field(description="Synthesis parameters for the whole flow, such as `speaker`, `model`, `lang`."),
    ] = {}
    escape: Annotated[
        Escape | None,
        Field(description="A key that leads out of every question, where the question itself does not take it."),
    ] = None
    entrances: Annotated[
        tuple[NodeName, ...],
        Field(description="Nodes that something beside the flow leads to, such as the `message_node` of a campaign."),
    ] = ()
    apology: Annotated[
        TemplateText, Field(description="Said before hanging up where the flow names no node that follows.")
    ] = APOLOGY

    @property
    def folder(self) -> Path:
        """The folder of its file; the working directory where it was read from none."""
        return self._folder

    def in_folder(self, folder: Path) -> "Flow":
        """This flow, its paths beginning in that folder."""
        self._folder = folder
        return self


# The parts of the format, for schemas, tables and hints.


def fields_of(kind: type[BaseModel]) -> list[str]:
    """The fields of a part as a file spells them."""
    return [field.alias or name for name, field in kind.model_fields.items()]


def parts() -> Mapping[str, type[BaseModel]]:
    """Every part of a flow file by its name: the whole, the verbs, and what they are made of."""
    found: dict[str, type[BaseModel]] = {"flow": Flow, **NODES, "escape": Escape}
    for kind in NODES.values():
        for inner in _parts_in(kind):
            found.setdefault(_snake_case(inner.__name__), inner)
    return found


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """The parts that a field with this annotation may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def _parts_in(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in kind.model_fields.values():
        for each in models_in(field.annotation):
            yield each
            yield from _parts_in(each)


def _snake_case(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")
