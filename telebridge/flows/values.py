"""The kinds of value that a field of a flow file can hold: durations, keys, names, texts.

One rule: a value that is wrong is refused with a sentence for the author of the flow, not for a programmer.
"""

import math
import re
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from telebridge.turns.barge_in import BargeInPolicy
from telebridge.turns.digits import KEYS

DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m)")
DELAY = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)")
SECONDS_PER_UNIT = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
ADDRESS = re.compile(r"\+[1-9][0-9]{5,14}|sips?:\S+@\S+|client:\S+")
"""What Twilio can dial."""
YAML_NAMES = {True: "yes", False: "no"}
LONGEST_PHRASE = 200
LONGEST_SECONDS = 3600.0
"""The longest duration within a call."""
LONGEST_DELAY_SECONDS = 60 * 86_400.0
"""The longest delay until a call-back."""


def _seconds(value: object) -> object:
    if isinstance(value, str) and (found := DURATION.fullmatch(value.strip())) is not None:
        return float(found[1]) * SECONDS_PER_UNIT[found[2]]
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError:
            return math.inf
    raise ValueError("should be a duration such as 5s, 300ms or 2m")


def _delay(value: object) -> object:
    if isinstance(value, str) and (found := DELAY.fullmatch(value.strip())) is not None:
        return float(found[1]) * SECONDS_PER_UNIT[found[2]]
    raise ValueError("should be a duration such as 30m, 2h or 1d")


def _keys(value: object) -> object:
    """Make every key text, because YAML reads the key `1` as a number."""
    if not isinstance(value, dict):
        return value
    for key in value:
        if str(key) not in KEYS:
            raise ValueError(f"'{key}' is no key of a telephone: 0 to 9, '*' and '#' are (the last two quoted)")
    return {str(key): target for key, target in value.items()}


def _choice(value: object) -> object:
    """A choice that is only the node it leads to."""
    if not isinstance(value, str | dict | BaseModel):
        raise ValueError("should be the name of a node, or {then: node, say: [phrase]}")
    return {"then": value} if isinstance(value, str) else value


def _named_choices(value: object) -> object:
    """The names of choices as text, because YAML reads `yes` and `no` as true and false."""
    if not isinstance(value, dict):
        return value
    return {YAML_NAMES.get(name, name) if isinstance(name, bool) else str(name): each for name, each in value.items()}


def _not_blank(value: object) -> object:
    if isinstance(value, str) and not value.strip():
        raise ValueError("should not be empty")
    return value


Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0, le=LONGEST_SECONDS)]
CallBackDelay = Annotated[float, BeforeValidator(_delay), Field(gt=0, le=LONGEST_DELAY_SECONDS)]
TemplateText = Annotated[str, BeforeValidator(_not_blank)]
NodeName = Annotated[str, Field(min_length=1)]
VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")]
FinishKey = Annotated[str, Field(pattern=r"^[0-9*#]?$")]
EscapeKey = Annotated[str, BeforeValidator(str), Field(pattern=r"^[0-9*#]$")]
SpokenPhrase = Annotated[str, BeforeValidator(_not_blank), Field(max_length=LONGEST_PHRASE)]


class Choice(BaseModel):
    """Where a key leads, and the phrases that lead there too."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    then: Annotated[NodeName, Field(description="The node that follows.")]
    say: Annotated[
        tuple[SpokenPhrase, ...], Field(description="The phrases that callers may say instead of the key.")
    ] = ()


class NamedChoice(Choice):
    """Where an answer leads, and how else it may be given."""

    key: Annotated[
        EscapeKey | None,
        Field(description="The key that gives the same answer; by default 1 for the first, and so on."),
    ] = None


ChoiceOfKey = Annotated[Choice, BeforeValidator(_choice)]
Choices = Annotated[dict[str, ChoiceOfKey], BeforeValidator(_keys), Field(min_length=1)]
NamedChoices = Annotated[
    dict[str, Annotated[NamedChoice, BeforeValidator(_choice)]],
    BeforeValidator(_named_choices),
    Field(min_length=1, max_length=9),
]
Reprompts = Annotated[int, Field(ge=0, le=20)]
DigitCount = Annotated[int, Field(ge=1, le=64)]
Speech = dict[str, str | int | float | bool]
Value = JsonValue

# Fields that many nodes have.

ThenTarget = Annotated[NodeName, Field(description="The node that follows.")]
FailedTarget = Annotated[
    NodeName | None,
    Field(description="The node that follows when it fails; without it the apology is said and the call ends."),
]
TargetAfterReprompts = Annotated[
    NodeName | None,
    Field(description="The node that follows the last time; without it the apology is said and the call ends."),
]
BargeInField = Annotated[
    BargeInPolicy | None, Field(description="What may interrupt the prompt; without it the settings say.")
]
NodeSpeech = Annotated[Speech, Field(description="Synthesis parameters for this node only.")]
