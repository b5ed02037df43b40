"""Renders the static prompts of flows into the prompt cache ahead of calls, a few at a time."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from telebridge.errors import ConfigurationError, SpeechError
from telebridge.flows.model import Flow
from telebridge.flows.prompts import DynamicPrompt, StaticPrompt, prompts_of
from telebridge.speech.cache.cached_source import CachedSpeech

AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class FlowPrompt:
    """A prompt and the name of its flow."""

    flow: str
    prompt: StaticPrompt


@dataclass(slots=True)
class Rendering:
    """The result of rendering the prompts of some flows.

    Attributes:
        rendered: Prompts that were rendered now.
        kept: Prompts that were in the cache already.
        dynamic: Prompts that depend on the call, each with its flow.
        failed: Prompts that could not be rendered, each with the reason.
    """

    rendered: list[FlowPrompt] = field(default_factory=list)
    kept: list[FlowPrompt] = field(default_factory=list)
    dynamic: list[tuple[str, DynamicPrompt]] = field(default_factory=list)
    failed: list[tuple[FlowPrompt, str]] = field(default_factory=list)


def collected(flows: Iterable[Flow]) -> tuple[list[FlowPrompt], list[tuple[str, DynamicPrompt]]]:
    """Return the static prompts of flows, each once, and the dynamic ones, which depend on the call."""
    static: dict[tuple[str, str], FlowPrompt] = {}
    dynamic: list[tuple[str, DynamicPrompt]] = []
    for flow in flows:
        for prompt in prompts_of(flow):
            if isinstance(prompt, StaticPrompt):
                identity = (prompt.text, repr(sorted((prompt.voice or {}).items(), key=lambda item: item[0])))
                static.setdefault(identity, FlowPrompt(flow.flow, prompt))
            else:
                dynamic.append((flow.flow, prompt))
    return list(static.values()), dynamic


async def render(prompts: Iterable[FlowPrompt], speech: CachedSpeech, *, on_done: Callable[[], None]) -> Rendering:
    """Render every prompt into the cache.

    Args:
        prompts: The static prompts.
        speech: The source, over a clip store that holds nothing in memory, so that a kept clip is on disk.
        on_done: Called after each prompt.
    """
    rendering = Rendering()
    room = asyncio.Semaphore(AT_ONCE)

    async def one(prompt: FlowPrompt) -> None:
        async with room:
            await _render(prompt, speech, rendering)
        on_done()

    async with asyncio.TaskGroup() as tasks:
        for prompt in prompts:
            tasks.create_task(one(prompt))
    await speech.wait()
    for prompt in list(rendering.rendered):
        if not await speech.is_cached(prompt.prompt.text, voice=prompt.prompt.voice):
            rendering.rendered.remove(prompt)
            rendering.failed.append((prompt, "it was spoken but could not be kept: look at prompts.cache_dir"))
    return rendering


async def _render(prompt: FlowPrompt, speech: CachedSpeech, rendering: Rendering) -> None:
    text, voice = prompt.prompt.text, prompt.prompt.voice
    try:
        if await speech.is_cached(text, voice=voice):
            rendering.kept.append(prompt)
            return
        stream = speech.speak(text, voice=voice)
        async for _ in stream:
            pass
    except (SpeechError, ConfigurationError) as error:
        rendering.failed.append((prompt, str(error)))
        return
    if stream.substitute:
        rendering.failed.append((prompt, "another voice stood in for some of it"))
    else:
        rendering.rendered.append(prompt)
