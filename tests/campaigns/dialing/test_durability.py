"""Whatever dies, and whatever is lost on the way: nobody is dialled twice, and nobody is forgotten."""

import asyncio
from collections import Counter
from itertools import pairwise

import pytest
from support.campaigns import IN_FULL, contacts, running_campaign
from support.dialling import SlowStore, Worker, attach, chance, virtual_clock
from support.lossy_twilio import Losses, LossyTwilio
from support.memory_store.store import memory_campaign_store
from support.virtual_time import virtually

from telebridge.campaigns.engine.circuit_breaker import BreakerRules
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import AttemptState, CampaignStatus, ContactState

pytestmark = pytest.mark.slow

BAD_DAY = Losses(
    refused=0.03,
    too_many=0.03,
    broken=0.05,
    answer_lost=0.15,
    callback_lost=0.3,
    callback_doubled=0.3,
    silent=0.2,
    talk_lost=0.05,
    listed_late=0.4,
)
NEVER = BreakerRules(failed_share=1.0, abandoned_share=1.0)
"""On a day like this a campaign is paused; what is looked for here shows when it goes on."""
RULES = RetryRules(3, {Outcome.BUSY: (30.0,), Outcome.NO_ANSWER: (60.0,), Outcome.LOST: (45.0,)})


async def lossy_campaign(people, kills, seed, workers=2):
    """Run a campaign to its end while its workers are killed; answers the store, Twilio and the campaign."""
    store, random = memory_campaign_store(virtual_clock), chance(seed)
    twilio = LossyTwilio(virtual_clock, random, BAD_DAY)
    slow = SlowStore(store, random)
    attach(twilio, store)
    campaign = await running_campaign(store, contacts(people), pacing=Pacing(20.0, 50), retry=RULES, breaker=NEVER)
    running = [Worker(slow, twilio, f"w{n}", tick_seconds=0.25).start() for n in range(workers)]
    for kill in range(kills):
        await asyncio.sleep(random.random() * 3)
        await running[kill % workers].kill()
        running[kill % workers] = Worker(slow, twilio, f"w{workers + kill}", tick_seconds=0.25).start()
    while (await store.campaigns.find(campaign.id)).status is CampaignStatus.RUNNING:  # noqa: ASYNC110 - as a person would
        await asyncio.sleep(5)
    for worker in running:
        await worker.kill()
    await twilio.aclose()
    return store, twilio, campaign


async def assert_nobody_twice_and_nobody_lost(store, twilio, campaign):
    calls = Counter(call.attempt_id for call in twilio.calls.values())
    assert {attempt: count for attempt, count in calls.items() if count > 1} == {}
    attempts = {attempt.id: attempt async for attempt in store.reports.attempts(campaign.id)}
    assert set(calls) <= set(attempts)
    for attempt in attempts.values():
        assert attempt.state in {AttemptState.DONE, AttemptState.VOID}
        assert calls[attempt.id] == (attempt.state is AttemptState.DONE)
    placed = Counter(attempt.contact_id for attempt in attempts.values() if attempt.state is AttemptState.DONE)
    async for contact in store.reports.contacts(campaign.id):
        assert contact.state is ContactState.DONE
        assert contact.attempts == placed[contact.id] <= 3
        assert contact.attempts == 3 or contact.outcome == "answered"


def assert_never_two_at_once(twilio):
    by_phone = {}
    for call in twilio.calls.values():
        by_phone.setdefault(call.to, []).append(call)
    for calls in by_phone.values():
        for one, other in pairwise(calls):
            assert one.ended_at <= other.begun_at


@pytest.mark.parametrize("seed", range(3))
@virtually
async def test_no_attempt_is_dialled_twice_and_no_contact_lost_however_often_workers_die(seed):
    store, twilio, campaign = await lossy_campaign(people=40, kills=12, seed=seed)
    await assert_nobody_twice_and_nobody_lost(store, twilio, campaign)
    assert_never_two_at_once(twilio)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not IN_FULL, reason="left out: set TELEBRIDGE_DURABILITY=full to run it")
@virtually
async def test_a_thousand_contacts_and_forty_kills():
    store, twilio, campaign = await lossy_campaign(people=1000, kills=40, seed=7, workers=3)
    await assert_nobody_twice_and_nobody_lost(store, twilio, campaign)
    assert_never_two_at_once(twilio)
