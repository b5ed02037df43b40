"""The nodes that have Twilio do something beside the call's audio: `queue` and `sms`."""

from typing import Annotated

from pydantic import Field

from telebridge.flows.nodes.part import Part
from telebridge.flows.values import FailedTarget, NodeName, Seconds, TemplateText, ThenTarget, VariableName


class QueueNode(Part):
    """Put the caller into a queue of Twilio's, until an agent takes the call or something else ends the wait."""

    queue: Annotated[
        TemplateText, Field(description="The name of the queue, up to 64 characters; Twilio makes it. A template.")
    ]
    wait_url: Annotated[
        TemplateText | None,
        Field(
            description="An address of TwiML or of a recording that the caller hears meanwhile, a template whose "
            "values are percent-encoded; without it Twilio's music."
        ),
    ] = None
    then: Annotated[
        NodeName | None,
        Field(description="The node that follows when they have talked; without it the call ends."),
    ] = None
    left: Annotated[
        NodeName | None,
        Field(description="The node that follows when TwiML of `wait_url` leaves the queue; without it `failed`."),
    ] = None
    full: Annotated[
        NodeName | None, Field(description="The node that follows when the queue is full; without it `failed`.")
    ] = None
    failed: FailedTarget = None


class SmsNode(Part):
    """Send a text message by Twilio, then go on; `failed` when Twilio refuses it or does not answer."""

    sms: Annotated[TemplateText, Field(description="The text, up to 1600 characters; a template.")]
    to: Annotated[
        TemplateText | None,
        Field(description="The number it is sent to, a template; without it the person at the other end."),
    ] = None
    from_: Annotated[
        TemplateText | None,
        Field(
            alias="from",
            description="The number of the account, or the SID of a messaging service, that sends it; a template. "
            "Without it the account's number in this call.",
        ),
    ] = None
    then: ThenTarget
    failed: FailedTarget = None
    into: Annotated[
        VariableName | None, Field(description="The variable that keeps the message's `sid` and `status`.")
    ] = None
    timeout: Annotated[Seconds, Field(description="How long Twilio may take, the caller waiting in silence.")] = 5.0
