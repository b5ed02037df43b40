"""The nodes that lead to other flows, and back: `goto`, `subflow`, `return`."""

from typing import Annotated

from pydantic import ConfigDict, Field

from telebridge.flows.nodes.part import Part
from telebridge.flows.values import NodeName, ThenTarget, Value, VariableName

FlowName = Annotated[str, Field(pattern=r"^[\w.-]+$")]
PassedVariables = Annotated[
    dict[VariableName, Value],
    Field(description="Given to the other flow, beside what the call began with; texts are templates."),
]


class GotoNode(Part):
    """Go on in another flow, and do not come back."""

    goto: Annotated[FlowName, Field(description="The name of the flow, as its file has it under `flow`.")]
    node: Annotated[NodeName | None, Field(description="The node there; without it the flow's start.")] = None
    variables: PassedVariables = {}


class SubflowNode(Part):
    """Run another flow, keep what it returns in a variable, then go on here."""

    subflow: Annotated[FlowName, Field(description="The name of the flow, as its file has it under `flow`.")]
    then: ThenTarget
    variables: PassedVariables = {}
    into: Annotated[VariableName | None, Field(description="The variable that keeps what it returns.")] = None


class ReturnNode(Part):
    """Go back to the flow that ran this one; a flow that none has run ends the call."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    return_: Annotated[
        dict[VariableName, Value] | None,
        Field(
            alias="return", description="Values for the flow that ran this one; texts are templates; `null` for none."
        ),
    ]
