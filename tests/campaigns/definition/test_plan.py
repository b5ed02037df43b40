"""A campaign file becomes the plan that says the same."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from telebridge.campaigns.calling_hours.windows import windows_of
from telebridge.campaigns.definition.loading import read_campaign
from telebridge.campaigns.definition.plan import plan_of
from telebridge.campaigns.engine.campaign import (
    CampaignKind,
    CampaignPlan,
    Cap,
    OnMachine,
    OnUnknown,
    PoolNumber,
    Webhook,
    WebhookEvent,
)
from telebridge.campaigns.engine.outcomes import Outcome

LEAST = 'name = "a"\nflow = "f"\nkind = "informational"\nfrom = "212-555-0100"\n'
ALL = """
name = "all"
flow = "f"
kind = "debt"
from = ["+12125550100", { number = "+13125550100", daily_cap = 5 }]
start_at = 2026-03-02T09:00:00-05:00
end_at = 2026-03-03T00:00:00Z
calls_per_second = 2.5
max_live = 7
priority = 3
weight = 2.0
ring_timeout = 30
on_unknown = "give_up"
max_attempts = 4
failure_breaker = { share = 0.2, over = 20 }
caps = [{ attempts = 2, within = "1d" }]
[window]
mon = ["09:00-12:00", "13:30-20:00"]
[webhook]
url = "https://example.com/calls"
secret = "s"
events = ["campaign.status", "contact.done", "campaign.status"]
[retry]
busy = ["15m", "1h"]
failed = []
hung-up = ["2h"]
"""


def plan(text):
    return plan_of(read_campaign(text, where="x"), account="AC1", rules_version="2026-01", file=text)


def test_everything_in_a_file_is_in_its_plan():
    made = plan(ALL)
    assert (made.name, made.flow, made.kind, made.account) == ("all", "f", CampaignKind.DEBT, "AC1")
    assert made.numbers == (PoolNumber("+12125550100"), PoolNumber("+13125550100", 5))
    assert made.start_at == round(datetime(2026, 3, 2, 14, tzinfo=UTC).timestamp() * 1000)
    assert made.end_at == round(datetime(2026, 3, 3, tzinfo=UTC).timestamp() * 1000)
    assert (made.calls_per_second, made.max_live, made.priority, made.weight) == (2.5, 7, 3, 2.0)
    assert (made.ring_seconds, made.on_unknown, made.retry.max_attempts) == (30, OnUnknown.GIVE_UP, 4)
    assert (made.breaker.failed_share, made.breaker.failed_of) == (0.2, 20)
    assert made.caps == (Cap(2, timedelta(days=1).total_seconds()),)
    assert (made.rules_version, made.file) == ("2026-01", ALL)
    assert made.retry.delays_seconds == {
        Outcome.BUSY: (900.0, 3600.0),
        Outcome.NO_ANSWER: (7200.0, 86400.0),
        Outcome.MACHINE: (14400.0, 86400.0),
        Outcome.SCREENED: (14400.0, 86400.0),
        Outcome.HUNG_UP: (7200.0,),
        Outcome.LOST: (3600.0, 86400.0),
    }


def test_a_number_of_ours_is_written_as_twilio_takes_it():
    assert plan(LEAST).numbers == (PoolNumber("+12125550100"),)


def test_windows_come_back_as_the_file_has_them():
    assert windows_of(plan(ALL).hours) == read_campaign(ALL, where="x").window
    assert len(windows_of(plan(LEAST).hours)) == 7


@pytest.mark.parametrize("text", [LEAST, ALL])
def test_a_plan_comes_back_from_the_database_as_it_was(text):
    made = plan(text)
    assert msgspec.json.decode(msgspec.json.encode(made), type=CampaignPlan) == made


@pytest.mark.parametrize(
    ("more", "detection", "on_machine"),
    [
        ("", "Enable", OnMachine.HANG_UP),
        ('amd = "off"\n', "", OnMachine.HANG_UP),
        ('on_machine = "carry_on"\n', "Enable", OnMachine.CARRY_ON),
        ('on_machine = "leave_message"\nmessage_node = "m"\n', "DetectMessageEnd", OnMachine.LEAVE_MESSAGE),
    ],
)
def test_what_becomes_of_machines_decides_how_they_are_looked_for(more, detection, on_machine):
    made = plan(LEAST + more)
    assert (made.machine_detection, made.on_machine) == (detection, on_machine)


@pytest.mark.parametrize("heard", ['on_machine = "leave_message"\nmessage_node = "m"\n', 'on_machine = "carry_on"\n'])
def test_a_machine_that_heard_something_is_not_called_again_unless_the_file_says_so(heard):
    assert Outcome.MACHINE not in plan(LEAST + heard).retry.delays_seconds
    assert plan(LEAST + heard + '[retry]\nmachine = ["4h"]\n').retry.delays_seconds[Outcome.MACHINE] == (14400.0,)
    assert Outcome.MACHINE in plan(LEAST).retry.delays_seconds


def test_a_webhook_is_told_what_the_file_names_and_else_everything():
    wanted = (WebhookEvent.CAMPAIGN_STATUS, WebhookEvent.CONTACT_DONE)
    assert plan(ALL).webhook == Webhook("https://example.com/calls", "s", wanted)
    bare = plan(LEAST + '[webhook]\nurl = "http://10.0.0.1:8080/"\n').webhook
    assert bare == Webhook("http://10.0.0.1:8080/", "", tuple(WebhookEvent))
    assert plan(LEAST).webhook is None


def test_a_secret_is_not_shown():
    assert "s3cr3t" not in repr(Webhook("https://example.com", "s3cr3t"))
