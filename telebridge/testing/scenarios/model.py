"""What a scenario file (`*.call.yaml`) holds: a call, what the caller does, and what is expected.

    call: front-desk.yaml
    caller: "+14155550123"
    steps:
      - hears: press 1 for billing
        within: 3s
      - press: "1"
      - hears: billing
    ends: {node: billing, by: bridge}

One rule: a step is a table with one verb; its other fields belong to that verb.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from telebridge.flows.values import Seconds
from telebridge.testing.vocabulary import KEYS, NUMBER, WITHIN_SECONDS


def _keys(value: object) -> object:
    if isinstance(value, bool | int | float):
        problem = "is a number for YAML, which may have lost keys; put the keys in quotes"
        raise PydanticCustomError("keys", problem)
    if isinstance(value, str) and not KEYS.fullmatch(value):
        raise PydanticCustomError("keys", "should be keys: 0 to 9, *, #, A to D, and w for half a second")
    return value


def _number(value: object) -> object:
    if isinstance(value, int):
        raise PydanticCustomError("number", "is a number for YAML; put it in quotes, with its plus")
    return value


Keys = Annotated[str, BeforeValidator(_keys)]
TelephoneNumber = Annotated[str, BeforeValidator(_number), Field(pattern=NUMBER)]
Within = Annotated[Seconds, Field(description="At most so long from the step before.")]


class ScenarioPart(BaseModel):
    """A table of a scenario file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class HearsStep(ScenarioPart):
    """The caller hears a text to its end, after what was heard before."""

    hears: Annotated[str, Field(description="The words, without regard to case and punctuation.", min_length=1)]
    within: Within = WITHIN_SECONDS
    heard: Annotated[
        Literal["fully", "begun"], Field(description="Whether the text was heard to its end, or has begun.")
    ] = "fully"


class HearsNothingStep(ScenarioPart):
    """The caller hears nothing for a while."""

    hears_nothing: Annotated[Seconds, Field(description="For how long.")]


class HearsSoundStep(ScenarioPart):
    """The caller hears anything at all, known or not."""

    hears_sound: Annotated[Seconds, Field(description="At most so long from the step before.")]


class PressStep(ScenarioPart):
    """The caller presses keys."""

    press: Annotated[Keys, Field(description="The keys, in quotes; `w` is a pause of half a second.")]


class SaysStep(ScenarioPart):
    """The caller says something, whatever is heard meanwhile."""

    says: Annotated[str, Field(description="The words, or the path of a WAV file that ends in `.wav`.", min_length=1)]


class MakesStep(ScenarioPart):
    """The caller makes a short sound that says nothing."""

    makes: Annotated[Literal["cough", "click", "breathe", "mm-hm"], Field(description="The sound.")]


class WaitsStep(ScenarioPart):
    """The caller does nothing for a while."""

    waits: Annotated[Seconds, Field(description="For how long.")]


class StandsInStep(ScenarioPart):
    """From now on there is noise around the caller."""

    stands_in: Annotated[Literal["hum", "street", "babble", "music", "quiet"], Field(description="Where.")]
    level: Annotated[float, Field(description="Decibels relative to full scale.", le=0)] = -35.0


class CutStep(ScenarioPart):
    """The prompt that played at the caller's last action has stopped before its end."""

    cut: Annotated[Seconds, Field(description="At most so long after the last action began.")]


class TransferredStep(ScenarioPart):
    """The application calls somebody else for the caller."""

    transferred_to: Annotated[TelephoneNumber, Field(description="Whom.")]
    within: Within = WITHIN_SECONDS


class HangsUpStep(ScenarioPart):
    """The caller hangs up."""

    hangs_up: Annotated[None, Field(description="Nothing is written behind it.")]


class FaultStep(ScenarioPart):
    """Something fails from now on."""

    fault: Annotated[str, Field(description="The name of a fault, and its values, such as `rime hangs`.")]


ScenarioStep = (
    HearsStep
    | HearsNothingStep
    | HearsSoundStep
    | PressStep
    | SaysStep
    | MakesStep
    | WaitsStep
    | StandsInStep
    | CutStep
    | TransferredStep
    | HangsUpStep
    | FaultStep
)

STEPS: dict[str, type[ScenarioPart]] = {
    "hears": HearsStep,
    "hears_nothing": HearsNothingStep,
    "hears_sound": HearsSoundStep,
    "press": PressStep,
    "says": SaysStep,
    "makes": MakesStep,
    "waits": WaitsStep,
    "stands_in": StandsInStep,
    "cut": CutStep,
    "transferred_to": TransferredStep,
    "hangs_up": HangsUpStep,
    "fault": FaultStep,
}
"""The kinds of steps by their verbs."""


class ScenarioEnd(ScenarioPart):
    """How the call ends."""

    within: Within = WITHIN_SECONDS
    by: Annotated[Literal["caller", "bridge"] | None, Field(description="Who hangs up.")] = None
    node: Annotated[str | None, Field(description="The node of the flow at which it ends.")] = None
    status: Annotated[str | None, Field(description="The status that Twilio reports, such as `completed`.")] = None
    result: Annotated[dict[str, Any], Field(description="What the flow has found out, among other things.")] = {}


class Scenario(ScenarioPart):
    """A call and what is expected of it."""

    call: Annotated[
        str | None,
        Field(
            description="The flow that answers: its name, its file beside this one, or `FILE.py:BRIDGE`.",
            min_length=1,
        ),
    ] = None
    url: Annotated[
        str | None,
        Field(description="The voice webhook of a TwiML application, instead of `call`.", pattern="^https?://"),
    ] = None
    caller: Annotated[TelephoneNumber | None, Field(description="The caller's number.")] = None
    to: Annotated[TelephoneNumber | None, Field(description="The number that is called.")] = None
    at: Annotated[
        datetime | None,
        Field(description="Date and time of the call, such as `2026-12-25T09:00`, on the clock of the flow's zone."),
    ] = None
    settings: Annotated[dict[str, Any], Field(description="Settings of the bridge, nested as in its file.")] = {}
    people: Annotated[
        dict[TelephoneNumber, str | list[str]],
        Field(description="What becomes of calls to a number, such as `busy` or `human; wait; press 1`."),
    ] = {}
    web: Annotated[
        dict[str, Any],
        Field(
            description="What web services answer, by URL: JSON, a status such as 503, a table of `json`, `status`, "
            "`after`, `text` and `method`, or `{down: true}`."
        ),
    ] = {}
    faults: Annotated[list[str], Field(description="What fails from the beginning, such as `rime slow 2s`.")] = []
    cases: Annotated[
        list[dict[str, Any]], Field(description="Values for `${name}` in this file; each row is a call of its own.")
    ] = []
    steps: Annotated[list[ScenarioStep], Field(description="What happens, in order.", min_length=1)]
    ends: Annotated[ScenarioEnd | None, Field(description="How the call ends; without it the caller hangs up.")] = None
