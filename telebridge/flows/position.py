"""The position of a call in a flow: what another process needs to go on with it.

One rule: the names of these fields are the keys of stored checkpoints; an old checkpoint must still be readable.
"""

from dataclasses import dataclass, field
from typing import Any

from telebridge.flows.steps import CallBack


@dataclass(slots=True)
class FlowFrame:
    """A flow that waits for another one, which it has run, to return.

    Args:
        flow: Its name.
        node: The node that ran the other flow.
        variables: Its variables.
    """

    flow: str
    node: str
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class FlowPosition:
    """Where a call is in a flow, and what the flow knows by then.

    Args:
        node: The node entered last.
        variables: The variables, collected digits among them.
        voice: The synthesis parameters that `set` nodes changed.
        path: The nodes entered so far, the last of them at the end; bounded by the interpreter.
        silences: How many times in a row nothing was pressed at this node.
        mismatches: How many times in a row something was pressed at this node that does not count.
        before: What is said before the question because it is asked again; None when it is asked for the first time.
        opted_out: Whether the caller wants no further call.
        call_back: When the caller wants to be called again; None when they did not say.
        failure: Why the flow ends with an apology; None while it does not.
        flow: The name of the flow of `node`; None for the flow that the call began with.
        frames: The flows that wait for this one to return, the last of them at the end.
        passes: How many times the recording of this node was played.
        unconfirmed: The key of a spoken answer that is being confirmed; None when none is.
        heard: What was heard of it.
    """

    node: str
    variables: dict[str, Any] = field(default_factory=dict)
    voice: dict[str, str | int | float | bool] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    silences: int = 0
    mismatches: int = 0
    before: str | None = None
    opted_out: bool = False
    call_back: CallBack | None = None
    failure: str | None = None
    flow: str | None = None
    frames: list[FlowFrame] = field(default_factory=list)
    passes: int = 0
    unconfirmed: str | None = None
    heard: str = ""
