"""A hundred callers who ask for the same prompt at once cause one synthesis, and each hears all of it."""

import asyncio

import pytest
from support.bridge import bridge, heard_by
from support.speech import KnownVoice, audio_of
from support.virtual_time import virtually

pytestmark = pytest.mark.slow

SENTENCE = "We are open."
FLOW = f"""
flow: test
start: bye
nodes:
  bye: {{hang_up: "{SENTENCE}"}}
"""


class CountingVoice(KnownVoice):
    def __init__(self):
        self.said = []

    async def say(self, phrase):
        self.said.append(phrase.text)
        async for part in super().say(phrase):
            yield part


@pytest.mark.timeout(180)  # a hundred calls in one process
@virtually
async def test_a_hundred_calls_one_synthesis(tmp_path):
    voice = CountingVoice()
    async with bridge(tmp_path, FLOW, rime={"voice": voice}) as stack:
        calls = await asyncio.gather(*(stack.call("listen 60s") for _ in range(100)))
        assert voice.said == [SENTENCE]
        assert all(heard_by(placed) == [audio_of(SENTENCE)] for placed, _ in calls)
        await stack.call("listen 60s")
        assert voice.said == [SENTENCE]
