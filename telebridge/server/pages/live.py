"""Server-sent events of the pages: what a page shows, and what of it has changed since.

Source: HTML, "Server-sent events".

One rule: what a page shows is looked at only while its reader takes it. A reader that takes nothing is waited for, and
costs nothing meanwhile; after some seconds its stream is closed, and the browser asks again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from telebridge.json_text import json_text
from telebridge.server.http.event_stream import COMMENT, KEEP_ALIVE_SECONDS, RETRY, event_stream
from telebridge.server.http.problems import Problem
from telebridge.server.pages.rendering import HEADERS
from telebridge.server.pages.visits import PageVisit

EVERY_SECONDS = 0.5
"""How often a page is looked at: changes in between are one event."""
WRITE_SECONDS = 10.0
MOST_STREAMS = 100


@dataclass(frozen=True, slots=True)
class PageState:
    """What a page shows at one moment.

    Args:
        values: By name; of these only what has changed is sent.
        events: What has happened since the moment before; all of it is sent.
        over: Whether nothing will change any more.
    """

    values: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]] = field(default=())
    over: bool = False


PageLook = Callable[[], Awaitable[PageState]]
"""Returns what a page shows now."""


class LiveStreams:
    """Sends the states of pages to their readers, and ends all streams when the server stops.

    Args:
        every_seconds: How often a page is looked at.
    """

    def __init__(self, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._every = every_seconds
        self._open: set[asyncio.Event] = set()

    def __len__(self) -> int:
        """How many streams are open."""
        return len(self._open)

    async def close(self, _app: web.Application) -> None:
        """End all streams, because a server that stops waits for them."""
        for closed in self._open:
            closed.set()

    async def send(self, visit: PageVisit, look: PageLook) -> web.StreamResponse:
        """Send the state of a page, and its changes, until the reader goes or nothing changes any more.

        Raises:
            Problem: Too many streams are open.
        """
        if len(self._open) >= MOST_STREAMS:
            raise Problem(503, f"{MOST_STREAMS} pages are live already; close one.", kind="too-many-watchers")
        response = event_stream(HEADERS)
        closed = asyncio.Event()
        self._open.add(closed)
        try:
            await response.prepare(visit.request)
            await self._write(response, look, closed)
        except (TimeoutError, ConnectionError):  # the reader takes nothing, or is gone
            if visit.request.transport is not None:
                visit.request.transport.abort()  # else the end of the answer would wait for the reader for ever
        finally:
            self._open.discard(closed)
        return response

    async def _write(self, response: web.StreamResponse, look: PageLook, closed: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        shown: Mapping[str, Any] | None = None
        text, written_at = RETRY, loop.time()
        while not closed.is_set():
            state = await look()
            text += _change(shown, state)
            shown = state.values
            if not text and loop.time() - written_at >= KEEP_ALIVE_SECONDS:
                text = COMMENT
            if text:
                async with asyncio.timeout(WRITE_SECONDS):
                    await response.write(text)
                text, written_at = b"", loop.time()
            if state.over:
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await closed.wait()


def _change(shown: Mapping[str, Any] | None, state: PageState) -> bytes:
    """The event that makes of what is shown what the page shows now; empty when that is the same."""
    before = {} if shown is None else shown
    changed = {name: value for name, value in state.values.items() if name not in before or before[name] != value}
    gone = [name for name in before if name not in state.values]
    if not (changed or gone or state.events or state.over or shown is None):
        return b""
    told: dict[str, Any] = {"set": changed}
    if gone:
        told["gone"] = gone
    if state.events:
        told["events"] = list(state.events)
    if shown is None:
        told["first"] = True
    return f"event: {'over' if state.over else 'change'}\ndata: {json_text(told)}\n\n".encode()
