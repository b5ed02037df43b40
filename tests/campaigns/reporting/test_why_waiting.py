"""Why contacts are not called now."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.campaigns import CHICAGO, NEW_YORK, START, plan

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.reporting.why_waiting import Explanation, Waiting, explain
from telebridge.campaigns.store.protocols import DialingNow, WaitingLane
from telebridge.timing.epoch import instant

NOW, HOUR = instant(START), timedelta(hours=1)
RUNNING = Campaign("c1", plan(), CampaignStatus.RUNNING)
DIALLED = DialingNow(1)
LANES = [
    WaitingLane(1, NEW_YORK, 5, {"": 2, "capped": 3}, START + 9000),
    WaitingLane(2, CHICAGO, 7, {"live_elsewhere": 1}, START + 5000),
]


def in_new_york_only(lane, now):
    return now + timedelta(hours=1) if lane.lane == NEW_YORK else None


def test_every_contact_that_waits_is_counted_once():
    waiting = {Waiting.TURN: 5, Waiting.HOURS: 7, Waiting.TIME: 2, Waiting.CAP: 3, Waiting.OTHER_CALL: 1}
    told = explain(RUNNING, LANES, DIALLED, in_new_york_only, wallclock=NOW)
    assert told == Explanation(waiting, NOW + timedelta(seconds=5), dialers=1)


def test_when_the_calling_hours_of_the_first_begin_is_told():
    told = explain(RUNNING, LANES, DIALLED, in_new_york_only, wallclock=NOW, opens_at=lambda _, now: now + HOUR)
    assert told.opens_at == NOW + HOUR
    assert explain(RUNNING, LANES, DIALLED, lambda _, now: now, wallclock=NOW, opens_at=lambda *_: NOW).opens_at is None


@pytest.mark.parametrize(
    ("dialing", "what"),
    [
        (DialingNow(0, rate_limited_until=START + 1, numbers_left=0), Waiting.NOBODY),
        (DialingNow(0, elsewhere=2), Waiting.OTHER_ACCOUNT),
        (DialingNow(1, rate_limited_until=START + 9000, numbers_left=0), Waiting.RATE_LIMITED),
        (DialingNow(1, numbers_left=0), Waiting.NUMBERS),
        (DialingNow(1, numbers_left=1), Waiting.TURN),
    ],
)
def test_who_may_be_called_and_is_not_waits_for_what_stands_in_everybodys_way(dialing, what):
    told = explain(RUNNING, LANES, dialing, in_new_york_only, wallclock=NOW)
    assert (told.waiting[what], told.waiting[Waiting.HOURS], told.dialers) == (5, 7, dialing.dialers)
    assert told.rate_limited_until == (
        None if dialing.rate_limited_until is None else instant(dialing.rate_limited_until)
    )


@pytest.mark.parametrize(
    ("campaign", "what"),
    [
        (replace(RUNNING, status=CampaignStatus.PAUSED), Waiting.CAMPAIGN),
        (replace(RUNNING, plan=plan(start_at=START + 1)), Waiting.START),
        (replace(RUNNING, plan=plan(end_at=START)), Waiting.END),
    ],
)
def test_a_campaign_that_does_not_dial_explains_everything(campaign, what):
    told = explain(campaign, LANES, DIALLED, in_new_york_only, wallclock=NOW)
    assert told == Explanation({what: 18}, None, dialers=1)
