"""The node `play`: a recording of the flow's author, once or again and again."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from telebridge.flows.nodes.part import Part
from telebridge.flows.values import BargeInField, FailedTarget, Seconds, TemplateText, ThenTarget

MOST_LOOPS = 1000


def _loops(value: object) -> object:
    if value is True:
        return MOST_LOOPS
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("should be how many times, such as 3, or true for again and again")
    return value


Loops = Annotated[int, BeforeValidator(_loops), Field(ge=1, le=MOST_LOOPS)]


class PlayNode(Part):
    """Play a recording of your own, a file or an address, then go on; `failed` when it cannot be fetched."""

    play: Annotated[
        TemplateText,
        Field(
            description="A WAV file, by its path from the flow file's folder, or an address that begins with "
            "`https://` or `http://`; a template."
        ),
    ]
    then: ThenTarget
    loop: Annotated[Loops, Field(description="How many times it is played; `true` for again and again.")] = 1
    longest: Annotated[Seconds, Field(description="It ends after this time, in the middle if need be.")] = 600.0
    barge_in: BargeInField = None
    failed: FailedTarget = None
