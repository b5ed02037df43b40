"""Delivers one call's callbacks, each a request of its own, in order unless a fault says otherwise.

This is a shell: it owns tasks. One rule: nobody waits for a callback, and a callback that fails is only noted.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from telebridge.simulator.client import RequestFailed, WebClient
from telebridge.simulator.faults import Faults


@dataclass(frozen=True, slots=True)
class Callback:
    """A request to be made."""

    event: str
    url: str
    method: str
    fields: Mapping[str, str]


class Courier:
    """Sends callbacks one after the other; delayed ones go their own way."""

    def __init__(self, client: WebClient, faults: Faults, note: Callable[[str], None]) -> None:
        self._client = client
        self._faults = faults
        self._note = note
        self._queue: asyncio.Queue[Callback | None] = asyncio.Queue()
        self._delayed: set[asyncio.Task[None]] = set()
        self._sender = asyncio.create_task(self._send_queue(), name="simulator callbacks")

    def send(self, callback: Callback) -> None:
        """Send it, as the faults allow."""
        fault = self._faults.callback(callback.event)
        if fault.lose:
            self._note(f"{callback.event} lost")
            return
        for _ in range(fault.copies):
            if fault.delay_seconds:
                task = asyncio.create_task(self._deliver_late(callback, fault.delay_seconds))
                self._delayed.add(task)
                task.add_done_callback(self._delayed.discard)
            else:
                self._queue.put_nowait(callback)

    async def aclose(self) -> None:
        """Wait until everything is delivered."""
        self._queue.put_nowait(None)
        await self._sender
        while self._delayed:
            await asyncio.wait(self._delayed)

    async def abort(self) -> None:
        """Drop what is not delivered."""
        tasks = [self._sender, *self._delayed]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_queue(self) -> None:
        while (callback := await self._queue.get()) is not None:
            await self._deliver(callback)

    async def _deliver_late(self, callback: Callback, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._deliver(callback)

    async def _deliver(self, callback: Callback) -> None:
        try:
            answer = await self._client.ask(callback.url, callback.method, callback.fields)
        except RequestFailed as error:
            self._note(f"{callback.event} failed {error.code}: {error.problem}")
        else:
            self._note(f"{callback.event} {answer.status}")
