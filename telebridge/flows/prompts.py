"""The prompts of a flow that can be spoken before anybody calls, and those that cannot, with the reason.

A text can when nothing in it depends on the call: every name in it is one of the flow's own variables that no node
sets. What a call knows goes before the flow's own variables, so a campaign that overrides one has other prompts, which
are spoken when they are needed.

One rule: texts are put together and filled in as the interpreter does, or the clip made ahead is never found.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from telebridge.flows.checking import BUILT_IN
from telebridge.flows.model import (
    CallBackNode,
    CollectNode,
    Flow,
    HangUpNode,
    MenuNode,
    Node,
    OptOutNode,
    SayNode,
    sets,
)
from telebridge.flows.templates import TemplateProblem, names_in, rendered
from telebridge.speech.source import VoiceOverrides


@dataclass(frozen=True, slots=True)
class StaticPrompt:
    """What a node always says.

    Args:
        node: Its name; empty for the flow's apology.
        text: As it is spoken.
        voice: What overrides the settings' voice.
    """

    node: str
    text: str
    voice: VoiceOverrides | None


@dataclass(frozen=True, slots=True)
class DynamicPrompt:
    """What a node says depends on the call."""

    node: str
    template: str
    reason: str


def prompts_of(flow: Flow) -> list[StaticPrompt | DynamicPrompt]:
    """Every prompt of a flow, each text of a voice once, in the order of the file."""
    changing = BUILT_IN.union(*(sets(node) for node in flow.nodes.values()))
    fixed = {name: value for name, value in flow.variables.items() if name not in changing}
    found: dict[object, StaticPrompt | DynamicPrompt] = {}
    for name, node, template in _templates(flow):
        prompt = _prompt(name, template, _voice(flow, node), fixed)
        if isinstance(prompt, StaticPrompt):
            found.setdefault((prompt.text, _identity(prompt.voice)), prompt)
        else:
            found.setdefault((prompt.node, prompt.template), prompt)
    return list(found.values())


def _templates(flow: Flow) -> Iterator[tuple[str, Node | None, str]]:
    for name, node in flow.nodes.items():
        match node:
            case SayNode():
                yield name, node, node.say
            case HangUpNode(hang_up=str(text)) | OptOutNode(opt_out=str(text)) | CallBackNode(call_back=str(text)):
                yield name, node, text
            case MenuNode():
                yield from ((name, node, text) for text in _asked(node, node.menu))
            case CollectNode():
                yield from ((name, node, text) for text in _asked(node, node.collect))
            case _:
                pass
        yield "", node, flow.apology  # whichever node it is that ends the road
    yield "", None, flow.apology


def _asked(node: MenuNode | CollectNode, question: str) -> Iterator[str]:
    """A question as it is asked first, and as it is asked again."""
    yield question
    for again in (node.no_input, node.no_match):
        if again.say is not None and again.reprompt:
            yield f"{again.say} {question}"


def _prompt(
    name: str, template: str, voice: VoiceOverrides | None, fixed: Mapping[str, Any]
) -> StaticPrompt | DynamicPrompt:
    try:
        if open_names := sorted(names_in(template) - set(fixed)):
            return DynamicPrompt(name, template, f"depends on {', '.join(open_names)}")
        text = rendered(template, dict(fixed))
    except TemplateProblem as error:
        return DynamicPrompt(name, template, str(error))
    return StaticPrompt(name, text, voice) if text else DynamicPrompt(name, template, "comes out empty")


def _voice(flow: Flow, node: Node | None) -> VoiceOverrides | None:
    speaking = SayNode | MenuNode | CollectNode | OptOutNode | CallBackNode | HangUpNode
    own = node.speech if isinstance(node, speaking) else {}
    return {**flow.speech, **own} or None


def _identity(voice: VoiceOverrides | None) -> tuple[tuple[str, object], ...]:
    return tuple(sorted((voice or {}).items(), key=lambda item: item[0]))
