"""Server-sent events of the pages: what a page shows, and what of it has changed since.

Source: HTML, "Server-sent events".

One rule: what a page shows is looked at only while its reader takes it, and once for all that read the same. A reader
that takes nothing is waited for, and costs nothing meanwhile; after some seconds its stream is closed, and the browser
asks again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
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
FRESH = 0.9
"""The part of this time for which others see what one reader has seen."""
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


class _SharedLook:
    """What all readers of one page see: it is looked at once, and its change is written once, for all of them.

    Args:
        look: Returns what the page shows now.
        for_seconds: How long a state is shown to others that ask for it.
    """

    def __init__(self, look: PageLook, for_seconds: float) -> None:
        self._look = look
        self._for = for_seconds
        self._looking = asyncio.Lock()
        self._until = 0.0
        self._state = PageState({})
        self._change: tuple[object, object, bytes] = (None, None, b"")
        self.readers = 0

    async def state(self) -> PageState:
        """What the page shows now, or lately."""
        loop = asyncio.get_running_loop()
        async with self._looking:
            if loop.time() >= self._until:
                self._state = await self._look()
                self._until = loop.time() + self._for
            return self._state

    def change(self, shown: Mapping[str, Any] | None, state: PageState) -> bytes:
        """The event for a reader that has seen a state; most have seen the same."""
        if shown is state.values and not state.over:
            return b""
        if self._change[0] is not shown or self._change[1] is not state:
            self._change = shown, state, _change(shown, state)
        return self._change[2]


class LiveStreams:
    """Sends the states of pages to their readers, and ends all streams when the server stops.

    Args:
        every_seconds: How often a page is looked at.
    """

    def __init__(self, *, every_seconds: float = EVERY_SECONDS) -> None:
        self._every = every_seconds
        self._open: set[asyncio.Event] = set()
        self._shared: dict[str, _SharedLook] = {}

    def __len__(self) -> int:
        """How many streams are open."""
        return len(self._open)

    async def close(self, _app: web.Application) -> None:
        """End all streams, because a server that stops waits for them."""
        for closed in self._open:
            closed.set()

    async def send(self, visit: PageVisit, look: PageLook, *, for_one: bool = False) -> web.StreamResponse:
        """Send the state of a page, and its changes, until the reader goes or nothing changes any more.

        Args:
            visit: Asks for the stream.
            look: Returns what the page shows now.
            for_one: Whether each reader sees something else; otherwise all that ask for the same address see the same.

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
            with self._looked(None if for_one else visit.request.path_qs, look) as shared:
                await self._write(response, shared, closed)
        except (TimeoutError, ConnectionError):  # the reader takes nothing, or is gone
            if visit.request.transport is not None:
                visit.request.transport.abort()  # else the end of the answer would wait for the reader for ever
        finally:
            self._open.discard(closed)
        return response

    @contextmanager
    def _looked(self, address: str | None, look: PageLook) -> Iterator[_SharedLook]:
        """The look at a page, which its readers share until the last of them goes."""
        if address is None:
            yield _SharedLook(look, 0.0)
            return
        shared = self._shared.setdefault(address, _SharedLook(look, self._every * FRESH))
        shared.readers += 1
        try:
            yield shared
        finally:
            shared.readers -= 1
            if not shared.readers:
                del self._shared[address]

    async def _write(self, response: web.StreamResponse, look: _SharedLook, closed: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        shown: Mapping[str, Any] | None = None
        text, written_at = RETRY, loop.time()
        while not closed.is_set():
            state = await look.state()
            text += look.change(shown, state)
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
