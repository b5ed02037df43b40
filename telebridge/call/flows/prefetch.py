"""Has the first words of a campaign's call spoken while its phone rings, so that they sound once it is answered.

One rule: nothing of it may fail a call; what is not ready is spoken when it is needed.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.errors import ConfigurationError, SpeechError
from telebridge.flows.interpreter import FlowInterpreter
from telebridge.flows.model import Flow
from telebridge.flows.steps import Collect, Say
from telebridge.logs import logger
from telebridge.speech.source import SpeechSource

log = logger(__name__)

AT_ONCE = 8
MOST_WAITING = 200


class FirstPrompts:
    """Fetches first prompts; to be closed.

    Args:
        flows: Where flows are looked up.
        source: Speaks, and keeps what it spoke.
    """

    def __init__(self, flows: FlowCatalogue, source: SpeechSource) -> None:
        self._flows = flows
        self._source = source
        self._room = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    def fetch(self, flow: str, variables: Mapping[str, Any]) -> None:
        """Have the first prompt of a flow spoken with these variables."""
        if len(self._tasks) >= MOST_WAITING or (say := self._first(flow, variables)) is None:
            return
        task = asyncio.create_task(self._speak(say))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Fetch nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _first(self, name: str, variables: Mapping[str, Any]) -> Say | None:
        try:
            flow = self._flows.find(name)
        except ConfigurationError as error:
            log.error("a campaign's flow cannot be used", flow=name, error=str(error))
            return None
        if not isinstance(flow, Flow):
            return None
        match FlowInterpreter(flow, variables).start():
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
