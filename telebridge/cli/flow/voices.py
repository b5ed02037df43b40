"""The voices that a flow asks for, checked against what Rime documents.

A flow does not know who speaks, so this is done where both are known.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from telebridge.errors import ConfigurationError
from telebridge.flows.checking import Mistake, nearest
from telebridge.flows.inspection import KeyPath
from telebridge.flows.model import Flow
from telebridge.rime.parameters import SpeechParameters, speech_parameters

WHERE = "speech"


def speech_check(settings: Mapping[str, Any]) -> Callable[[Flow], Iterable[Mistake]]:
    """What to look for in the `speech` of flows and nodes, which goes over the parameters of the settings."""
    speech_parameters(settings)  # whose own mistakes are no flow's

    def check(flow: Flow) -> Iterator[Mistake]:
        whole = {**settings, **flow.speech}
        wrong = _mistake(whole, flow.speech, (WHERE,))
        if wrong is not None:
            yield wrong
            return  # each node would tell it again
        for name, node in flow.nodes.items():
            own: Mapping[str, Any] = getattr(node, WHERE, None) or {}
            wrong = _mistake({**whole, **own}, own, ("nodes", name, WHERE))
            if own and wrong is not None:
                yield wrong

    return check


def _mistake(values: Mapping[str, Any], own: Mapping[str, Any], path: KeyPath) -> Mistake | None:
    try:
        speech_parameters(values, where=WHERE)
    except ConfigurationError as error:
        name = error.where.removeprefix(f"{WHERE}.")
        place = (*path, name) if name in own else path
        near = nearest(name, dict(SpeechParameters.model_fields)) if name not in SpeechParameters.model_fields else ""
        return Mistake(place, f"'{name}': {error.problem}", near or error.hint)
    return None
