"""What a campaign's webhook is told of a change; which changes it is told of is the stores' suite's to say."""

import json
from dataclasses import replace

from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.campaign import (
    Campaign,
    CampaignPlan,
    PoolNumber,
    Webhook,
)
from telebridge.campaigns.engine.contact import Contact
from telebridge.campaigns.engine.outcomes import Outcome
from telebridge.campaigns.engine.states import AttemptState, CampaignStatus, ContactState
from telebridge.campaigns.webhooks.events import (
    NOTHING,
    Change,
    attempt_events,
    skipped_events,
    status_events,
)

START = 1_790_000_000_000
PLAN = CampaignPlan("spring", "AC1", "hello", (PoolNumber("+15550002222"),), webhook=Webhook("https://example.com"))
CAMPAIGN = Campaign("c1", PLAN)
SILENT = Campaign("c1", replace(PLAN, webhook=None))
LIVE = Contact(7, "c1", 1, "+12125550100", ContactState.LIVE, 0, attempts=1, claims=1)
DONE = replace(LIVE, state=ContactState.DONE, outcome="answered")
RINGING = Attempt("a1", "c1", 7, 1, "+12125550100", "AC1", "+15550002222", "w1", START, START + 30_000, None)
ENDED = replace(RINGING, state=AttemptState.DONE, outcome=Outcome.ANSWERED, ended_at=START, call_sid="CA1")
END = Change(RINGING, ENDED), Change(LIVE, DONE)


def names(change):
    return [event.event.value for event in change.events]


def test_an_end_waits_for_what_is_still_said_of_the_call():
    change = attempt_events(CAMPAIGN, *END, now=START)
    assert [(event.subject, event.at, event.due_at) for event in change.events] == [
        ("a1", START, START + 5000),
        ("7", START, START + 5000),
    ]
    assert change.withdrawn == ()


def test_an_end_waits_for_a_verdict_that_is_still_to_come():
    awaited = replace(ENDED, check_at=START + 30_000)
    change = attempt_events(CAMPAIGN, Change(RINGING, awaited), END[1], now=START)
    assert {event.due_at for event in change.events} == {START + 35_000}


def test_what_changes_replaces_what_was_to_be_told():
    said = replace(ENDED, talk={"digits": "1"})
    change = attempt_events(CAMPAIGN, Change(ENDED, said), Change(DONE, DONE), now=START)
    assert names(change) == ["attempt.done", "contact.done"]
    assert [subject for _, subject in change.withdrawn] == ["a1", "7"]


def test_what_nobody_sees_is_not_told():
    looked_up = replace(ENDED, check_at=START)
    assert attempt_events(CAMPAIGN, Change(ENDED, looked_up), Change(DONE, DONE), now=START) == NOTHING


def test_an_earlier_attempt_says_nothing_of_its_contact():
    since = replace(DONE, claims=2)
    said = replace(ENDED, talk={"digits": "1"})
    assert names(attempt_events(CAMPAIGN, Change(ENDED, said), Change(since, since), now=START)) == ["attempt.done"]


def test_a_contact_that_is_put_off_is_not_told():
    held = replace(LIVE, state=ContactState.READY, held="capped")
    assert skipped_events(CAMPAIGN, held, now=START) == NOTHING
    assert names(skipped_events(CAMPAIGN, replace(held, state=ContactState.SKIPPED), now=START)) == ["contact.done"]


def test_a_status_is_told_when_it_changes():
    running = replace(CAMPAIGN, status=CampaignStatus.RUNNING, reason="why")
    [event] = status_events(Change(CAMPAIGN, running), now=START).events
    assert json.loads(event.body) == {
        "id": event.id,
        "event": "campaign.status",
        "at_ms": START,
        "campaign": {"id": "c1", "name": "spring"},
        "status": "running",
        "reason": "why",
    }
    assert status_events(Change(running, running), now=START) == NOTHING


def test_without_a_webhook_nothing_is_told():
    assert not attempt_events(SILENT, *END, now=START)
    assert not status_events(Change(SILENT, replace(SILENT, status=CampaignStatus.DONE)), now=START)
    assert not skipped_events(SILENT, replace(LIVE, state=ContactState.SKIPPED), now=START)


def test_any_text_survives_a_body():
    odd = {"name": "Zoë \ud800 \x00 \u2028"}
    change = attempt_events(CAMPAIGN, END[0], Change(LIVE, replace(DONE, variables=odd)), now=START)
    bodies = [event.body.encode("ascii") for event in change.events]
    assert [json.loads(body)["contact"]["variables"] for body in bodies] == [odd, odd]
