"""The first words of a call are spoken while its telephone rings, and nothing of that can fail the call."""

import asyncio

import pytest
import yaml

from telebridge.call.flows.prefetch import AT_ONCE, MOST_WAITING, FirstPrompts
from telebridge.errors import ConfigurationError, SpeechUnavailable
from telebridge.flows.model import Flow
from telebridge.speech.utterance import Utterance

SAYS = (
    "{flow: a, start: x, speech: {speaker: luna}, nodes: {x: {say: 'Hello {{ name }}.', then: y}, y: {hang_up: null}}}"
)
ASKS = "{flow: a, start: x, nodes: {x: {menu: 'Press 1, {{ name }}.', choices: {1: y}}, y: {hang_up: null}}}"
WAITS = "{flow: a, start: x, nodes: {x: {wait: 1s, then: y}, y: {hang_up: null}}}"


class Flows:
    def __init__(self, text):
        self.flow = Flow.model_validate(yaml.safe_load(text)) if text else None

    def find(self, name):
        if self.flow is None:
            raise ConfigurationError(f"flow '{name}'", "does not exist")
        return self.flow


class Source:
    """Says nothing, and fails when it is told to; `hold` keeps it busy."""

    def __init__(self, error=None, hold=False):
        self.said, self.error, self.hold = [], error, hold

    def speak(self, text, *, voice=None):
        self.said.append((text, voice))
        utterance = Utterance()
        if not self.hold:
            utterance.end(self.error)
        return utterance


@pytest.mark.parametrize(
    ("flow", "said"),
    [(SAYS, [("Hello Ada.", {"speaker": "luna"})]), (ASKS, [("Press 1, Ada.", None)]), (WAITS, []), ("", [])],
)
async def test_the_first_words_are_spoken_as_the_call_will_ask_for_them(flow, said):
    source = Source()
    prompts = FirstPrompts(Flows(flow), source)
    prompts.fetch("a", {"name": "Ada"})
    await asyncio.sleep(0)
    await prompts.aclose()
    assert source.said == said


async def test_a_voice_that_fails_fails_no_call():
    prompts = FirstPrompts(Flows(SAYS), Source(SpeechUnavailable("away")))
    prompts.fetch("a", {"name": "Ada"})
    await asyncio.sleep(0.01)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_only_so_many_are_fetched_at_once_and_wait():
    source = Source(hold=True)
    prompts = FirstPrompts(Flows(SAYS), source)
    for n in range(MOST_WAITING + 10):
        prompts.fetch("a", {"name": n})
    await asyncio.sleep(0.01)
    assert len(source.said) == AT_ONCE
    assert len(asyncio.all_tasks()) == MOST_WAITING + 1, "this one too"
    await prompts.aclose()
