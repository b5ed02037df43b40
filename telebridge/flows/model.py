"""What a flow file can say: the verbs, their fields, and what each field may hold.

The format is telebridge's own. A node has exactly one verb; those that exist are in `NODES`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from telebridge.turns.barge_in import BargeInPolicy
from telebridge.turns.digits import KEYS, DigitRules

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m)")
SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
LONGEST_SECONDS = 3600.0
APOLOGY = "We are sorry, we cannot help you right now. Please call again later."


def _seconds(value: object) -> object:
    if isinstance(value, str) and (found := DURATION.fullmatch(value.strip())) is not None:
        return float(found[1]) * SECONDS[found[2]]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    raise ValueError("should be a duration such as 5s, 300ms or 2m")


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
Text = Annotated[str, BeforeValidator(_no_blank)]
Target = Annotated[str, Field(min_length=1)]
Choices = Annotated[dict[str, Target], BeforeValidator(_keys), Field(min_length=1)]
Speech = dict[str, str | int | float | bool]
Scalar = str | int | float | bool | None
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
    """Give variables a value: texts are templates, everything else is taken as it is."""

    set: Annotated[dict[Name, Scalar], Field(min_length=1)]
    then: Target


class WaitNode(_Part):
    """Be silent for a while. Keys pressed meanwhile wait for the next question."""

    wait: Seconds
    then: Target


class SendDigitsNode(_Part):
    """Play the tones of telephone keys into the call; `w` is half a second's pause."""

    send_digits: Text
    then: Target


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
    | Annotated[HangUpNode, Tag("hang_up")],
    Discriminator(_tag),
]


class Flow(_Part):
    """A whole flow.

    Args:
        flow: Its name.
        start: The first node.
        nodes: What happens where.
        variables: Known to every text as `{{ name }}`, beside `from` and `to`, the numbers of the call.
        speech: Synthesis parameters for the whole flow.
        apology: Said before hanging up where a road ends and nothing else is named.
    """

    flow: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    start: Target
    nodes: Annotated[dict[str, Node], Field(min_length=1)]
    variables: dict[str, Scalar] = {}
    speech: Speech = {}
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
        if isinstance(text := getattr(node, verb, None), str):
            found[verb,] = text
    for ladder in ("no_input", "no_match"):
        if isinstance(text := getattr(getattr(node, ladder, None), "say", None), str):
            found[ladder, "say"] = text
    if isinstance(node, SetNode):
        found |= {("set", name): value for name, value in node.set.items() if isinstance(value, str)}
    return found


def conditions_of(node: object) -> dict[tuple[str, ...], str]:
    """Every condition of a node, by where it stands in the node."""
    if not isinstance(node, ChooseNode):
        return {}
    cases = enumerate(node.choose)
    return {("choose", str(at), "if"): case.condition for at, case in cases if case.condition is not None}


def sets(node: object) -> frozenset[str]:
    """The variables that a node gives a value."""
    if isinstance(node, CollectNode):
        return frozenset({node.into})
    return frozenset(node.set) if isinstance(node, SetNode) else frozenset()
