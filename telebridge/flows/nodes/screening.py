"""The node `screening`: says who calls to a telephone that screens calls, and waits for a person."""

from typing import Annotated

from pydantic import Field

from telebridge.flows.nodes.part import Part
from telebridge.flows.values import NodeName, NodeSpeech, Seconds, TemplateText, ThenTarget


class ScreeningNode(Part):
    """Tell a telephone that screens calls who calls and why, then wait in silence for a person or a voice mailbox."""

    screening: Annotated[
        TemplateText,
        Field(description="Who calls and why, in one breath; said once the telephone is silent. A template."),
    ]
    then: ThenTarget
    voicemail: Annotated[
        NodeName | None,
        Field(
            description="The node that follows when a voice mailbox comes, after its beep; without it that of `nobody`."
        ),
    ] = None
    nobody: Annotated[
        NodeName | None,
        Field(description="The node that follows when nobody came in time; without it the call ends."),
    ] = None
    longest: Annotated[Seconds, Field(description="How long it waits for somebody, from its beginning.")] = 45.0
    speech: NodeSpeech = {}
