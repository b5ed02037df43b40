"""The prompts of a flow that can be rendered ahead of calls, and those that cannot, with the reason.

A prompt is static when nothing in it depends on the call: every name in it is a variable of the flow that no node sets.
The variables of a call override those of the flow, so a campaign that overrides one has other prompts; these are
synthesized when they are needed.

One rule: texts are joined and filled in exactly as by the interpreter; otherwise a clip rendered ahead is never found.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from telebridge.flows.checking import BUILT_IN
from telebridge.flows.inspection import QuestionNode, variables_set_by
from telebridge.flows.model import CallBackNode, Flow, HangUpNode, Node, OptOutNode, SayNode
from telebridge.flows.nodes.questions import AskNode, CollectNode, ListenNode, MenuNode, Wordings
from telebridge.flows.nodes.screening import ScreeningNode
from telebridge.flows.templates import TemplateProblem, names_in, rendered
from telebridge.speech.source import VoiceOverrides


@dataclass(frozen=True, slots=True)
class StaticPrompt:
    """A prompt that is the same in every call.

    Args:
        node: The name of its node; empty for the flow's apology.
        text: The text as it is spoken.
        voice: The parameters that override the voice of the settings; None for none.
    """

    node: str
    text: str
    voice: VoiceOverrides | None


@dataclass(frozen=True, slots=True)
class DynamicPrompt:
    """A prompt that depends on the call, and the reason why."""

    node: str
    template: str
    reason: str


def prompts_of(flow: Flow) -> list[StaticPrompt | DynamicPrompt]:
    """Every prompt of a flow, each text of a voice once, in the order of the file."""
    changing = BUILT_IN.union(flow.needs, *(variables_set_by(node) for node in flow.nodes.values()))
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
            case ScreeningNode():
                yield name, node, node.screening
            case HangUpNode(hang_up=str(text)) | OptOutNode(opt_out=str(text)) | CallBackNode(call_back=str(text)):
                yield name, node, text
            case (
                MenuNode(menu=question)
                | CollectNode(collect=question)
                | AskNode(ask=question)
                | ListenNode(listen=question)
            ):
                yield from ((name, node, text) for text in _questions(node, question))
            case _:
                pass
        yield "", node, flow.apology  # any node may be the one that fails
    yield "", None, flow.apology


def _questions(node: QuestionNode, question: str) -> Iterator[str]:
    """A question as it is asked the first time, and as it is asked again, in each of its wordings."""
    spoken = getattr(node, "spoken", None) or Wordings()
    for wording in dict.fromkeys((spoken.heard or question, spoken.unheard or question)):
        yield wording
        for again in (node.no_input, node.no_match):
            if again.say is not None and again.reprompt:
                yield f"{again.say} {wording}"


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
    speaking = SayNode | QuestionNode | OptOutNode | CallBackNode | HangUpNode | ScreeningNode
    own = node.speech if isinstance(node, speaking) else {}
    return {**flow.speech, **own} or None


def _identity(voice: VoiceOverrides | None) -> tuple[tuple[str, object], ...]:
    return tuple(sorted((voice or {}).items(), key=lambda item: item[0]))
