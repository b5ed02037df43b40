"""Why contacts are not called now."""

from dataclasses import replace
from datetime import timedelta

import pytest
from support.campaigns import CHICAGO, NEW_YORK, START, plan

from telebridge.campaigns.campaign import Campaign
from telebridge.campaigns.epoch import instant
from telebridge.campaigns.explaining import Explanation, Waiting, explain
from telebridge.campaigns.states import CampaignStatus
from telebridge.campaigns.store import WaitingLane

NOW = instant(START)
RUNNING = Campaign("c1", plan(), CampaignStatus.RUNNING)
LANES = [
    WaitingLane(1, NEW_YORK, 5, {"": 2, "capped": 3}, START + 9000),
    WaitingLane(2, CHICAGO, 7, {"live_elsewhere": 1}, START + 5000),
]


def in_new_york_only(lane, now):
    return now + timedelta(hours=1) if lane.lane == NEW_YORK else None


def test_every_contact_that_waits_is_counted_once():
    waiting = {Waiting.TURN: 5, Waiting.HOURS: 7, Waiting.TIME: 2, Waiting.CAP: 3, Waiting.OTHER_CALL: 1}
    told = explain(RUNNING, LANES, in_new_york_only, wallclock=NOW)
    assert told == Explanation(waiting, NOW + timedelta(seconds=5))


@pytest.mark.parametrize(
    ("campaign", "what"),
    [
        (replace(RUNNING, status=CampaignStatus.PAUSED), Waiting.CAMPAIGN),
        (replace(RUNNING, plan=plan(start_at=START + 1)), Waiting.START),
        (replace(RUNNING, plan=plan(end_at=START)), Waiting.END),
    ],
)
def test_a_campaign_that_does_not_dial_explains_everything(campaign, what):
    assert explain(campaign, LANES, in_new_york_only, wallclock=NOW) == Explanation({what: 18}, None)
