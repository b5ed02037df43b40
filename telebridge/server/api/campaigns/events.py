"""Events of the progress of campaigns: a campaign is looked up once for all its watchers.

Source: HTML, "Server-sent events".

One rule: each event has the whole progress, so that a watcher who missed one has lost nothing after the next.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from telebridge.call.runner.feed import FeedEvent, Watch, Watcher
from telebridge.campaigns.reporting.view import CampaignView
from telebridge.errors import CampaignRefused
from telebridge.logs import logger
from telebridge.tasks import Tasks

log = logger(__name__)

LOOK_SECONDS = 2.0
MOST_WAITING = 20
"""A watcher that has not taken so many events is cut off."""
STANDS = "campaign"
OVER = "over"

Look = Callable[[str], Awaitable[CampaignView]]


@dataclass(slots=True)
class _Followed:
    """A campaign with watchers.

    Args:
        first: Done when it was looked up for the first time, with the error when that failed.
        latest: How it stood then.
        over: Whether nothing will change any more.
    """

    first: asyncio.Future[None]
    latest: dict[str, Any] = field(default_factory=dict)
    over: bool = False
    watchers: set[Watcher] = field(default_factory=set)

    def look(self, view: CampaignView) -> None:
        """It was looked up: send its progress if that has changed."""
        values = view.as_json()
        self.over = view.campaign.status.is_over and not view.live
        if values != self.latest:
            self.latest = values
            for watcher in list(self.watchers):
                watcher.receive(FeedEvent(None, STANDS, "", values))
                if watcher.over:
                    self.watchers.discard(watcher)
        if self.over:
            self.close()

    def close(self) -> None:
        """Send nothing more."""
        for watcher in self.watchers:
            if self.over:
                watcher.receive(FeedEvent(None, OVER, "", {}))
            watcher.close()
        self.watchers.clear()

    def watch(self, wake: Callable[[], None]) -> Watcher:
        """Add a watcher, which gets the progress now and after every change."""
        watcher = Watcher(Watch(), wake, MOST_WAITING)
        ends = [FeedEvent(None, OVER, "", {})] if self.over else []
        watcher.catch_up([FeedEvent(None, STANDS, "", self.latest), *ends], None)
        if self.over:
            watcher.close()
        else:
            self.watchers.add(watcher)
        return watcher


class CampaignFeeds:
    """The campaigns that have watchers in this process. Call `close` last.

    Args:
        look: Looks a campaign up.
        every_seconds: How often a campaign is looked up, however many watch it.
    """

    def __init__(self, look: Look, *, every_seconds: float = LOOK_SECONDS) -> None:
        self._look = look
        self._every = every_seconds
        self._followed: dict[str, _Followed] = {}
        self._tasks = Tasks("campaign feed")

    def __len__(self) -> int:
        """How many watchers there are."""
        return sum(len(followed.watchers) for followed in self._followed.values())

    async def watch(self, campaign_id: str, wake: Callable[[], None]) -> Watcher:
        """Watch a campaign, until it is over or `leave`; how it stands waits to be taken already.

        Raises:
            CampaignRefused: There is no such campaign.
            SQLAlchemyError, OSError: The database is away.
        """
        followed = self._followed.get(campaign_id)
        if followed is None:
            followed = self._followed[campaign_id] = _Followed(asyncio.get_running_loop().create_future())
            _ = self._tasks.start(self._follow(campaign_id, followed))
        await asyncio.shield(followed.first)
        return followed.watch(wake)

    def leave(self, watcher: Watcher) -> None:
        """No longer watch."""
        for followed in self._followed.values():
            followed.watchers.discard(watcher)

    def close(self) -> None:
        """End it for everybody."""
        self._tasks.cancel()
        for followed in self._followed.values():
            followed.close()

    async def _follow(self, campaign_id: str, followed: _Followed) -> None:
        """Look the campaign up for as long as it has watchers, and once more, for a watcher that comes back."""
        try:
            while await self._looked(campaign_id, followed):
                await asyncio.sleep(self._every)
                if not followed.watchers:
                    return
        finally:
            del self._followed[campaign_id]
            followed.first.cancel()

    async def _looked(self, campaign_id: str, followed: _Followed) -> bool:
        """Look once; False when there is nothing to be seen."""
        try:
            followed.look(await self._look(campaign_id))
        except (CampaignRefused, SQLAlchemyError, OSError) as error:
            if followed.first.done():
                log.warning("a campaign cannot be looked up for its watchers", campaign=campaign_id, error=str(error))
                return True
            followed.first.set_exception(error)
            return False
        if not followed.first.done():
            followed.first.set_result(None)
        return True
