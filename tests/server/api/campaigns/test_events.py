"""Who watches a campaign is told how it stands, and whenever that changes; it is looked up once for all of them."""

import asyncio

import pytest
from support.campaigns import contacts, running_campaign
from support.dialling import always_open, virtual_clock
from support.memory_store.store import memory_campaign_store
from support.virtual_time import virtually

from telebridge.campaigns.engine.states import CampaignInput
from telebridge.campaigns.reporting.view import view_campaign
from telebridge.errors import CampaignRefused
from telebridge.server.api.campaigns.events import MOST_WAITING, CampaignFeeds
from telebridge.timing.epoch import instant


class Watched:
    """A campaign in a store in memory, and how often it was looked up."""

    def __init__(self):
        self.store, self.looks, self.away = memory_campaign_store(virtual_clock), [], False
        self.feeds = CampaignFeeds(self._look)

    async def make(self):
        self.campaign = await running_campaign(self.store, contacts(2))
        return self

    async def _look(self, campaign_id):
        self.looks.append(asyncio.get_running_loop().time())
        if self.away:
            raise OSError("the database is away")
        return await view_campaign(self.store, campaign_id, always_open, wallclock=instant(virtual_clock()))

    async def watch(self):
        return await self.feeds.watch(self.campaign.id, lambda: None)

    async def change(self, happened):
        await self.store.campaigns.change(self.campaign.id, happened)


def told(watcher):
    return [(event.kind, event.data.get("status")) for event in watcher.take()]


@virtually
async def test_a_campaign_is_told_at_once_and_then_when_it_has_changed():
    watched = await Watched().make()
    watcher = await watched.watch()
    assert told(watcher) == [("campaign", "running")]
    await asyncio.sleep(9)
    assert told(watcher) == []
    await watched.change(CampaignInput.PAUSE)
    await asyncio.sleep(2.1)
    assert told(watcher) == [("campaign", "paused")]
    watched.feeds.close()


@virtually
async def test_it_is_looked_up_every_two_seconds_however_many_watch_and_not_when_nobody_does():
    watched = await Watched().make()
    watchers = await asyncio.gather(*(watched.watch() for _ in range(50)))
    await asyncio.sleep(1)
    watchers.append(await watched.watch())
    assert [told(watcher) for watcher in watchers] == [[("campaign", "running")]] * 51
    await asyncio.sleep(5.5)
    assert len(watched.looks) == 4
    assert len(watched.feeds) == 51
    for watcher in watchers:
        watched.feeds.leave(watcher)
    again = await watched.watch()
    assert len(watched.looks) == 4
    watched.feeds.leave(again)
    await asyncio.sleep(60)
    assert (len(watched.looks), len(watched.feeds)) == (4, 0)
    assert told(await watched.watch()) == [("campaign", "running")]
    assert len(watched.looks) == 5
    watched.feeds.close()


@virtually
async def test_it_ends_when_the_campaign_is_over():
    watched = await Watched().make()
    watcher = await watched.watch()
    await watched.change(CampaignInput.CANCEL)
    await asyncio.sleep(2.1)
    assert told(watcher) == [("campaign", "running"), ("campaign", "cancelled"), ("over", None)]
    assert watcher.over
    for wait in (0, 10):
        await asyncio.sleep(wait)
        late = await watched.watch()
        assert (told(late), late.over) == ([("campaign", "cancelled"), ("over", None)], True)


@virtually
async def test_a_campaign_that_nobody_knows_cannot_be_watched():
    watched = await Watched().make()
    for _ in range(2):
        with pytest.raises(CampaignRefused, match="there is none"):
            await watched.feeds.watch("nobody", lambda: None)
    await asyncio.sleep(0.1)
    assert watched.feeds._followed == {}


@virtually
async def test_a_database_that_is_away_for_a_while_ends_nothing():
    watched = await Watched().make()
    watcher = await watched.watch()
    watched.away = True
    await asyncio.sleep(5)
    await watched.change(CampaignInput.PAUSE)
    watched.away = False
    await asyncio.sleep(2)
    assert told(watcher) == [("campaign", "running"), ("campaign", "paused")]
    watched.feeds.close()
    assert watcher.over


@virtually
async def test_who_takes_nothing_is_cut_off():
    watched = await Watched().make()
    watcher = await watched.watch()
    for at in range(MOST_WAITING + 2):
        await watched.change(CampaignInput.START if at % 2 else CampaignInput.PAUSE)
        await asyncio.sleep(2.1)
    assert (watcher.over, len(watched.feeds), told(watcher)[-1]) == (True, 0, ("overrun", None))
