"""The endpoints of events: server-sent events of all calls, or of a campaign, for as long as somebody reads.

Source: HTML, "Server-sent events".

One rule: this is a shell around `feed`; it waits, writes, and decides nothing.
"""

import asyncio
from contextlib import suppress

from aiohttp import hdrs, web

from telebridge.call.runner.feed import CallFeed, Watch, Watcher
from telebridge.errors import CampaignRefused
from telebridge.server.api.campaigns.events import CampaignFeeds
from telebridge.server.api.models import EventsQuery
from telebridge.server.http.bodies import Nothing
from telebridge.server.http.endpoint import Header, endpoint
from telebridge.server.http.event_stream import COMMENT, KEEP_ALIVE_SECONDS, RETRY, event_stream
from telebridge.server.http.problems import Problem, unknown_campaign

WRITE_SECONDS = 30.0
MOST_WATCHERS = 100
LAST_EVENT = Header(
    "Last-Event-ID", "Go on after this event; `gap` comes first when some are lost.", {"type": "string"}
)


class EventEndpoints:
    """Answers `GET /api/events` and `GET /api/campaigns/{id}/events`.

    Args:
        feed: What happens.
        campaigns: How campaigns stand.
        keep_alive_seconds: A stream that has been silent for so long gets a comment, so that proxies keep it open.
    """

    def __init__(
        self, feed: CallFeed, campaigns: CampaignFeeds, *, keep_alive_seconds: float = KEEP_ALIVE_SECONDS
    ) -> None:
        self._feed = feed
        self._campaigns = campaigns
        self._keep_alive = keep_alive_seconds

    async def close(self, _app: web.Application) -> None:
        """End all streams, because a server that stops waits for them."""
        self._feed.close()
        self._campaigns.close()

    @endpoint(
        hdrs.METH_GET,
        "/api/events",
        "Follow all calls as server-sent events.",
        {200: "text/event-stream"},
        problems={503: "Too many follow already."},
        headers=(LAST_EVENT,),
    )
    async def follow_events(self, request: web.Request, query: EventsQuery, _body: Nothing) -> web.StreamResponse:
        """Send every event, until the reader goes or the server stops."""
        after = _last_id(request.headers.get("Last-Event-ID"))
        self._check_room()
        arrived = asyncio.Event()
        kinds = frozenset() if query.kinds is None else frozenset(query.kinds.split(","))
        watcher = self._feed.watch(Watch(query.call or "", kinds), arrived.set, after=after)
        try:
            return await self._stream(request, watcher, arrived)
        finally:
            self._feed.leave(watcher)

    @endpoint(
        hdrs.METH_GET,
        "/api/campaigns/{id}/events",
        "Follow how a campaign stands, as server-sent events, until it is over.",
        {200: "text/event-stream"},
        problems={404: "There is no such campaign.", 503: "Too many follow already."},
    )
    async def follow_campaign(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.StreamResponse:
        """Send the progress of a campaign, now and whenever it has changed, until the campaign is over."""
        self._check_room()
        arrived = asyncio.Event()
        campaign_id = request.match_info["id"]
        try:
            watcher = await self._campaigns.watch(campaign_id, arrived.set)
        except CampaignRefused as error:
            raise unknown_campaign(campaign_id) from error
        try:
            return await self._stream(request, watcher, arrived)
        finally:
            self._campaigns.leave(watcher)

    def _check_room(self) -> None:
        if len(self._feed) + len(self._campaigns) >= MOST_WATCHERS:
            raise Problem(503, f"{MOST_WATCHERS} watch already; close one.", kind="too-many-watchers")

    async def _stream(self, request: web.Request, watcher: Watcher, arrived: asyncio.Event) -> web.StreamResponse:
        response = event_stream()
        await response.prepare(request)
        with suppress(TimeoutError, ConnectionError):  # the reader is gone, or takes nothing
            await self._write(response, watcher, arrived)
        return response

    async def _write(self, response: web.StreamResponse, watcher: Watcher, arrived: asyncio.Event) -> None:
        text = RETRY
        while True:
            async with asyncio.timeout(WRITE_SECONDS):
                await response.write(text)
            if watcher.over and not arrived.is_set():
                return
            try:
                async with asyncio.timeout(self._keep_alive):
                    await arrived.wait()
            except TimeoutError:
                text = COMMENT
                continue
            arrived.clear()
            text = b"".join(event.as_text() for event in watcher.take()) or COMMENT


def _last_id(header: str | None) -> int | None:
    """The last event that the reader saw.

    Raises:
        Problem: The header is no id of ours.
    """
    if not header:
        return None
    if not (header.isascii() and header.isdigit() and len(header) <= 20):
        raise Problem(400, "'Last-Event-ID' is no id of this feed: send the last one you saw, or none.")
    return int(header)
