"""Checks the voices of a flow against what Rime documents.

The package of flows knows no speech provider, so this check stands with the command, which knows both.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from telebridge.errors import ConfigurationError
from telebridge.flows.checks.mistakes import Mistake, nearest
from telebridge.flows.inspection import KeyPath
from telebridge.flows.model import Flow
from telebridge.rime.parameters import SpeechParameters, speech_parameters

WHERE = "speech"


def speech_check(settings: Mapping[str, Any]) -> Callable[[Flow], Iterable[Mistake]]:
    """A check of the `speech` of flows and nodes, which overrides the parameters of the settings.

    Raises:
        ConfigurationError: The parameters of the settings are wrong themselves.
    """
    speech_parameters(settings)

    def check(flow: Flow) -> Iterator[Mistake]:
        whole = {**settings, **flow.speech}
        wrong = _mistake(whole, flow.speech, (WHERE,))
        if wrong is not None:
            yield wrong
            return  # each node would report it again
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
