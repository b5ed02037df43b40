"""Whole campaigns on virtual time: the dialer, the flow, the speech server and the people who are rung."""

import asyncio
import csv
import json
from collections import Counter

import aiohttp
import pytest
from support.campaigning import FLOW, campaigning, number
from support.virtual_time import virtually

from telebridge.campaigns.engine.campaign import OnMachine
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.states import AttemptState, CampaignInput, CampaignStatus
from telebridge.campaigns.store.protocols import DialingNow
from telebridge.cli.campaign.report import ReportFormat, ReportTarget, write_report
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.setup.options import AUTH_TOKEN
from telebridge.twilio.request_signature import webhook_signature

pytestmark = pytest.mark.timeout(240)  # hundreds of seconds of virtual time on a database

CONFIRMS = "human after 1s; wait; silence 900ms; press 1; silence 4s; hang up"
PEOPLE = {
    number(100): [CONFIRMS],
    number(101): [CONFIRMS],
    number(102): [CONFIRMS],
    number(103): ["human after 1s; wait; silence 900ms; press 9; silence 5s; hang up"],
    number(104): ["human after 1s; wait 300ms; speak 1s; silence 900ms; press 1; silence 4s; hang up"],
    number(105): ["human after 300ms; wait 400ms; hang up"],
    number(106): ["busy", CONFIRMS],
    number(107): ["busy"],
    number(108): ["no answer"],
    number(109): ["machine after 3s; speak 2500ms; silence 3s; hang up"],
    number(110): ["fail 404"],
    number(111): ["human after 1s; listen 60s"],
}
ANSWERING = (100, 102, 103, 104, 105, 111)
TWICE = RetryRules(2, {Outcome.BUSY: (10.0,), Outcome.NO_ANSWER: (5.0,)})
EXPECTED = {
    number(100): ("answered", 1, "1"),
    number(101): ("answered", 1, "1"),
    number(102): ("answered", 1, "1"),
    number(103): ("opted_out", 1, "9"),
    number(104): ("answered", 1, "1"),
    number(105): ("hung_up", 1, ""),
    number(106): ("answered", 2, "1"),
    number(107): ("busy", 2, ""),
    number(108): ("no_answer", 2, ""),
    number(109): ("machine", 1, ""),
    number(110): ("failed", 1, ""),
    number(111): ("answered", 1, ""),
}
MESSAGE = {
    "machine_detection": "DetectMessageEnd",
    "on_machine": OnMachine.LEAVE_MESSAGE,
    "message_node": "message",
}


@pytest.mark.slow
@virtually
async def test_twelve_people_end_as_they_behave_and_the_report_adds_up(tmp_path):
    async with campaigning(tmp_path, PEOPLE) as stack:
        campaign = await stack.campaign(retry=TWICE, **MESSAGE)
        await stack.done(campaign)
        rows = await stack.rows(campaign)
        outcomes = await write_report(stack.store, campaign, ReportTarget(tmp_path / "report.csv", ReportFormat.CSV))
    told = {
        phone: (row.outcome, row.contact.attempts, row.attempts[-1].talk.get("digits", ""))
        for phone, row in rows.items()
    }
    assert told == EXPECTED
    assert outcomes == Counter(outcome for outcome, _, _ in EXPECTED.values())
    with (tmp_path / "report.csv").open(newline="") as file:
        cells = {row["phone"]: row for row in csv.DictReader(file)}
    assert sum(outcomes.values()) == len(cells) == 12
    assert cells[number(100)]["heard"] == "Hello number 0. Press 1 to confirm, 9 for no more calls. Goodbye."
    assert cells[number(100)]["result_answer"] == "confirmed"
    assert cells[number(104)]["interruptions"] == "1"
    assert cells[number(109)]["heard"].endswith("Please call us back. Goodbye.")


@pytest.mark.slow
@virtually
async def test_each_answered_person_hears_the_bridge_within_a_tenth_of_a_second(tmp_path):
    people = {number(n): PEOPLE[number(n)] for n in ANSWERING}
    async with campaigning(tmp_path, people) as stack:
        campaign = await stack.campaign(**MESSAGE)
        await stack.done(campaign)
        rows = await stack.rows(campaign)
        recordings = [
            stack.simulator.find(attempt.call_sid).recording
            for row in rows.values()
            for attempt in row.attempts
            if attempt.answered_by == "human"
        ]
    waits = [recording.heard[0].start_time - recording.opened_at for recording in recordings]
    assert len(waits) == len(ANSWERING)
    assert max(waits) <= 0.1
    assert all(recording.of_kind(EventKind.WARNING) == [] for recording in recordings)


@pytest.mark.slow
@virtually
async def test_who_opted_out_is_never_called_again_by_any_campaign(tmp_path):
    async with campaigning(tmp_path, {number(103): PEOPLE[number(103)]}) as stack:
        await stack.done(await stack.campaign())
        assert await stack.store.do_not_call.has(number(103))
        second = await stack.campaign(name="summer")
        await stack.done(second)
        [row] = (await stack.rows(second)).values()
    assert (row.outcome, row.attempts) == ("do_not_call", [])
    assert stack.callees.calls == {number(103): 1}


@pytest.mark.slow
@virtually
async def test_who_named_a_better_time_is_called_again_then_and_not_before(tmp_path):
    flow = FLOW.replace("choices: {1: yes_", "choices: {2: later, 1: yes_").replace(
        "  bye:", '  later: {call_back: "We will call again.", in: 90s, then: bye}\n  bye:'
    )
    later = "human after 1s; wait; silence 900ms; press 2; silence 6s; hang up"
    async with campaigning(tmp_path, {number(100): [later, CONFIRMS]}, flow=flow) as stack:
        campaign = await stack.campaign(retry=RetryRules(1, {}))
        await stack.done(campaign)
        [row] = (await stack.rows(campaign)).values()
    first, second = row.attempts
    assert ([first.outcome, second.outcome], row.outcome) == ([Outcome.CALL_BACK, Outcome.ANSWERED], "answered")
    assert first.talk["heard"][-2:] == ["We will call again.", "Goodbye."]
    assert 90_000 <= second.intent_at - first.intent_at <= 110_000


@virtually
async def test_a_campaign_is_followed_to_its_end_over_the_api(tmp_path):
    async with campaigning(tmp_path, {number(100): [CONFIRMS]}, server={"api_token": "t"}) as stack:
        campaign = await stack.campaign()
        url = f"{stack.app_url}/api/campaigns/{campaign.id}/events"
        async with aiohttp.ClientSession(headers={"Authorization": "Bearer t"}) as session, session.get(url) as answer:
            blocks = (await answer.text()).split("\n\n")
    told = [json.loads(block.split("data: ")[1]) for block in blocks if block.startswith("event: campaign\n")]
    assert (told[0]["status"], told[0]["dialers"]) == ("running", 1)
    assert any(one["live_calls"] for one in told)
    assert (told[-1]["status"], told[-1]["outcomes"]) == ("done", {"answered": 1})
    assert "event: over\ndata: {}" in blocks


@pytest.mark.slow
@virtually
async def test_a_pause_lets_live_calls_end_and_begins_no_other(tmp_path):
    people = {number(n): [CONFIRMS] for n in range(100, 116)}
    async with campaigning(tmp_path, people, campaigns={"calls_per_second": 2.0}) as stack:
        campaign = await stack.campaign()
        await asyncio.sleep(5)
        await stack.store.campaigns.change(campaign.id, CampaignInput.PAUSE)
        await asyncio.sleep(0.5)
        begun = sum(stack.callees.calls.values())
        await asyncio.sleep(60)
        rows = await stack.rows(campaign)
        assert sum(stack.callees.calls.values()) == begun
        assert 5 <= begun < 14
        assert Counter(row.outcome for row in rows.values()) == {"answered": begun, "waiting": 16 - begun}
        await stack.store.campaigns.change(campaign.id, CampaignInput.START)
        await stack.done(campaign)
    assert set(stack.callees.calls.values()) == {1}


@virtually
async def test_a_machine_is_hung_up_on_when_no_message_is_wanted(tmp_path):
    async with campaigning(tmp_path, {number(109): ["machine after 3s; listen 60s"]}) as stack:
        campaign = await stack.campaign(machine_detection="Enable", retry=RetryRules(1, {}))
        await stack.done(campaign, within=60)
        [row] = (await stack.rows(campaign)).values()
        recording = stack.simulator.find(row.attempts[0].call_sid).recording
    assert row.outcome == "machine"
    assert row.attempts[0].talk["end_reason"] == "hung up by request"
    assert [event.detail for event in recording.of_kind(EventKind.HUNG_UP)] == ["bridge"]


@pytest.mark.slow
@virtually
async def test_a_call_that_is_not_its_attempts_is_hung_up_before_a_word(tmp_path):
    async with campaigning(tmp_path, {number(100): [CONFIRMS]}) as stack:
        campaign = await stack.campaign()
        await stack.done(campaign)
        [row] = (await stack.rows(campaign)).values()
        webhook = f"{stack.app_url}/twilio/voice/test?attempt={row.attempts[0].id}"
        second = stack.simulator.place_inbound_call(webhook)
        await second.finished
        assert stack.calls.record(second.record.sid) is None
    assert second.recording.heard == []


@pytest.mark.slow
@virtually
async def test_outside_its_hours_a_campaign_calls_nobody(tmp_path):
    async with campaigning(tmp_path, {number(100): [CONFIRMS]}) as stack:
        campaign = await stack.campaign(hours={})
        await asyncio.sleep(120)
        assert (await stack.store.campaigns.find(campaign.id)).status is CampaignStatus.RUNNING
        assert await stack.store.reports.dialing(campaign) == DialingNow(1)
    assert stack.callees.calls == {number(100): 0}


@pytest.mark.slow
@virtually
async def test_draining_lets_what_rings_be_answered_and_dials_nothing_more(tmp_path):
    people = {
        number(n): ["ring 8s; human after 1s; wait; silence 900ms; press 1; silence 4s; hang up"] for n in (100, 101)
    }
    async with campaigning(tmp_path, people, campaigns={"max_live": 1}) as stack:
        campaign = await stack.campaign()
        await asyncio.sleep(2)
        await stack.app_campaigns.drain(seconds=60)
        assert await stack.store.reports.dialing(campaign) == DialingNow(0)
        await stack.calls.drain(seconds=60)
        await asyncio.sleep(30)
        rows = await stack.rows(campaign)
    assert sorted(row.outcome for row in rows.values()) == ["answered", "waiting"]
    assert {attempt.state for row in rows.values() for attempt in row.attempts} == {AttemptState.DONE}


@pytest.mark.slow
@virtually
async def test_while_the_database_is_away_twilio_is_told_to_come_again(tmp_path, monkeypatch):
    async def away(*_args, **_kwargs):
        raise OSError("the database is away")

    async with campaigning(tmp_path, {number(100): [CONFIRMS]}) as stack, aiohttp.ClientSession() as session:
        campaign = await stack.campaign()
        await stack.done(campaign)
        monkeypatch.setattr(stack.store.attempts, "report", away)
        answers = {}
        for path in ("voice/test", "status", "amd"):
            url = f"{stack.app_url}/twilio/{path}?attempt=a1"
            form = {"CallSid": "CA" + "1" * 32, "CallStatus": "completed", "AnsweredBy": "human"}
            signature = webhook_signature(AUTH_TOKEN, url, form)
            async with session.post(url, data=form, headers={"X-Twilio-Signature": signature}) as answer:
                answers[path] = answer.status
    assert answers == {"voice/test": 503, "status": 503, "amd": 503}
