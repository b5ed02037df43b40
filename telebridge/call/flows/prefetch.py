"""Prefetches the first prompt of a campaign's call while its phone rings, so that it sounds once it is answered.

One rule: a prefetch that fails never fails a call; a prompt that is not ready is spoken when it is needed.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.errors import ConfigurationError, SpeechError
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import Flow
from telebridge.flows.nodes.surroundings import FlowSurroundings
from telebridge.flows.steps import Collect, Say
from telebridge.logs import logger
from telebridge.speech.source import SpeechSource
from telebridge.tasks import Tasks

log = logger(__name__)

AT_ONCE = 8
MOST_WAITING = 200


class FirstPrompts:
    """Prefetches first prompts. Close it after use.

    Args:
        flows: Where flows are looked up.
        source: Makes speech of text, and caches it.
        surroundings: What flow files ask of their surroundings.
    """

    def __init__(
        self, flows: FlowCatalogue, source: SpeechSource, surroundings: FlowSurroundings | None = None
    ) -> None:
        self._flows = flows
        self._surroundings = surroundings
        self._source = source
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks = Tasks("first prompt")

    def fetch(self, flow: str, variables: Mapping[str, Any]) -> None:
        """Prefetch the first prompt of a flow with these variables, in the background."""
        if len(self._tasks) >= MOST_WAITING or (say := self._first(flow, variables)) is None:
            return
        _ = self._tasks.start(self._speak(say))

    async def aclose(self) -> None:
        """Stop: no further prompt is fetched."""
        self._tasks.cancel()
        await self._tasks.wait()

    def _first(self, name: str, variables: Mapping[str, Any]) -> Say | None:
        try:
            flow = self._flows.find(name)
        except ConfigurationError as error:
            log.error("a campaign's flow cannot be used", flow=name, error=str(error))
            return None
        if not isinstance(flow, Flow):
            return None
        match FlowInterpreter(flow, variables, self._surroundings).start():
            case Say() as say:
                return say
            case Collect(Say() as say, _):
                return say
            case _:
                return None

    async def _speak(self, say: Say) -> None:
        if not isinstance(say.text, str):
            return
        async with self._room:
            try:
                async for _ in self._source.speak(say.text, voice=say.voice):
                    pass
            except SpeechError as error:
                log.warning("a first prompt could not be fetched", error=str(error))
