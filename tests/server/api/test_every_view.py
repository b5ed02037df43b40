"""Every view of every phase, cause, status, state and outcome there is, as the OpenAPI document says it.

The values are those of the enumerations: one that is added is in these tests at once.
"""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product

import pytest
import structlog
from jsonschema import Draft202012Validator
from rich.console import Console
from support.api import CAMPAIGN, FILE, NOW, OVER, SID, Api, PlayedFlows, api, record
from support.faults import fault

from telebridge.call.record import CallRecord, PlaybackPause, SpokenUtterance
from telebridge.call.runner.feed import FeedEvent
from telebridge.call.session.stream_phase import Phase
from telebridge.call.store.table import StoredCall
from telebridge.campaigns.engine.attempt import Attempt
from telebridge.campaigns.engine.campaign import Campaign, CampaignKind
from telebridge.campaigns.engine.contact import Contact, Lane
from telebridge.campaigns.engine.outcomes import Outcome, Reported
from telebridge.campaigns.engine.states import AttemptState, CampaignStatus, ContactState
from telebridge.campaigns.reporting.report import BEHIND, ReportRow, csv_lines, json_lines
from telebridge.campaigns.reporting.view import CampaignView
from telebridge.campaigns.reporting.why_waiting import Explanation, Waiting
from telebridge.campaigns.store.protocols import Progress
from telebridge.cli import call as call_command
from telebridge.cli.campaign.view import pictured
from telebridge.logs import configure_logs, logger
from telebridge.server.api.campaigns.models import CampaignProgressResponse
from telebridge.server.api.campaigns.plan import planned
from telebridge.server.api.endpoints import DECLARATIONS
from telebridge.server.http.openapi import document
from telebridge.settings.settings import Settings
from telebridge.turns.barge_in import BargeIn, BargeInCause
from telebridge.twilio.calls import CallStatus

DESCRIPTION = document(Api().app[DECLARATIONS], version="1")
END_REASONS = [
    None,
    "caller hung up",
    "flow ended",
    "the media stream never came",
    "speech failed: Rime closed the connection\nnow",
    *(f"call {status.value}" for status in CallStatus),
]


def check(path, told, *, status="200"):
    """An answer is of the schema that the document has for it."""
    answer = DESCRIPTION["paths"][path]["get"]["responses"][status]["content"]["application/json"]["schema"]
    Draft202012Validator({**answer, "components": DESCRIPTION["components"]}).validate(told)


def utterances():
    """One for each cause of an interruption, exact or not, and one that was heard."""
    cut = [
        SpokenUtterance("Hello there.", 900.4, BargeIn(cause, heard, 300.2, exact, stop_ms=20.0))
        for cause, heard, exact in product(BargeInCause, ("", "Hello"), (True, False))
    ]
    return [
        *cut,
        SpokenUtterance("Hello.", 0.0, None),
        SpokenUtterance("", 5.0, None, pauses=(PlaybackPause(1.0, 2.0),)),
    ]


@pytest.mark.parametrize("phase", Phase)
async def test_a_call_in_every_phase(phase):
    async with api() as client:
        client.calls.add(record(utterances=utterances()), phase)
        one, all_ = await client.get(f"/api/calls/{SID}"), await client.get("/api/calls")
        live, ended = await client.get("/api/calls?state=live"), await client.get("/api/calls?state=ended")
    check("/api/calls/{sid}", one)
    for told in (all_, live, ended):
        check("/api/calls", told)
    assert one["phase"] == all_["calls"][0]["phase"]
    assert {each["interrupted_by"] for each in one["utterances"]} == {None, *(cause.value for cause in BargeInCause)}


def test_the_document_names_every_phase_and_cause():
    schemas = DESCRIPTION["components"]["schemas"]
    phase = schemas["CallResponse"]["properties"]["phase"]
    assert len(phase["enum"]) == len(Phase)
    assert all(f"`{name}`" in phase["description"] for name in phase["enum"])
    causes = str(schemas["UtteranceResponse"]["properties"]["interrupted_by"])
    assert all(f"'{cause.value}'" in causes for cause in BargeInCause)


@pytest.mark.parametrize("reason", END_REASONS)
async def test_a_call_that_ended_for_every_reason(reason):
    async with api() as client:
        client.calls.ended[OVER] = record(OVER, end_reason=reason, utterances=utterances(), result={"a": [1, None]})
        one, all_ = await client.get(f"/api/calls/{OVER}"), await client.get("/api/calls")
    check("/api/calls/{sid}", one)
    check("/api/calls", all_)
    assert one["end_reason"] == reason


def stored(reason, *, ended=True, kept=True):
    began = record(OVER, end_reason=reason, utterances=utterances())
    values = began.as_json() if kept else None
    begun = CallRecord(OVER, "front-desk", "+1", "+2", "inbound", began.started_at)
    return StoredCall(begun, ended, None, values)


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("call", [*map(stored, END_REASONS), stored(None, ended=False, kept=False)])
async def test_the_commands_show_every_call(call, as_json, monkeypatch, capsys):
    async def read(_settings, query):
        class Store:
            async def starting_with(self, _prefix, _limit):
                return [call]

            async def recent(self, _limit):
                return [call]

        return await query(Store())

    monkeypatch.setattr(call_command, "_read", read)
    await call_command.show_call(Settings(), OVER, as_json=as_json)
    shown = capsys.readouterr().out
    await call_command.list_calls(Settings(), as_json=as_json)
    listed = capsys.readouterr().out
    assert OVER in shown
    assert OVER in listed.replace("\n", "") or not as_json  # a narrow terminal folds the table
    if as_json:
        assert json.loads(shown)["end_reason"] == json.loads(listed)[0]["end_reason"] == call.as_json()["end_reason"]
    elif call.record is not None:
        assert all(cause.value in shown for cause in BargeInCause)


DAMAGED = [
    {"utterances": 5},
    {"utterances": [{}]},
    {"utterances": [{"text": "a", "audio_ms": 1, "interrupted_by": "key"}]},
    {"utterances": [{"text": 5, "audio_ms": "x"}]},
    {"path": None},
    {"digits": 7},
    {"first_audio_ms": "x"},
    {"result": []},
]


@fault(
    "A call is shown whose row holds a record that is damaged.",
    caller="Nothing.",
    operator="`call show` with what is certain of the call, and 'its record is damaged'.",
    kept="The SID, the numbers and the time of the call.",
)
@pytest.mark.parametrize("damaged", DAMAGED)
def test_a_call_with_a_damaged_record_is_shown_as_far_as_it_is_certain(damaged, capsys):
    call_command._print(replace(stored(None), record=damaged))
    shown = capsys.readouterr().out
    assert OVER in shown
    assert "its record is damaged" in shown


@pytest.mark.parametrize("kind", CampaignKind)
@pytest.mark.parametrize("status", CampaignStatus)
async def test_a_campaign_in_every_status(status, kind):
    async with api() as client:
        rows = client.store.campaigns._rows
        _, plan = planned(
            FILE.replace("informational", kind.value), where="file", flows=PlayedFlows(), account="AC1", wallclock=NOW
        )
        rows.campaigns[CAMPAIGN] = Campaign(CAMPAIGN, plan, status)
        one, all_ = await client.get(f"/api/campaigns/{CAMPAIGN}"), await client.get("/api/campaigns")
    check("/api/campaigns/{id}", one)
    check("/api/campaigns", all_)
    assert one["status"] == all_["campaigns"][0]["status"] == status.value


def view(status, **values):
    _, plan = planned(FILE, where="file", flows=PlayedFlows(), account="AC1", wallclock=NOW)
    return CampaignView(Campaign(CAMPAIGN, plan, status), **values)


@pytest.mark.parametrize("status", CampaignStatus)
def test_how_a_campaign_stands_with_everything_that_contacts_wait_for(status):
    progress = Progress(
        {state.value: 3 for state in ContactState},
        {outcome.value: 2 for outcome in Outcome},
        {state.value: 1 for state in AttemptState},
    )
    for dialers, limited in product((0, 1), (None, NOW)):
        shown = view(
            status,
            progress=progress,
            explanation=Explanation(dict.fromkeys(Waiting, 1), NOW, dialers, limited),
            per_second=0.5,
            undelivered=1,
        )
        told = json.loads(CampaignProgressResponse.model_validate(shown.as_json()).model_dump_json())
        check("/api/campaigns/{id}", told)
        console = Console(width=160)
        with console.capture() as captured:
            console.print(pictured(shown))
        text = captured.get()
        assert all(outcome.value.replace("_", " ") in text for outcome in Outcome)
        assert all(waiting.value in text for waiting in Waiting)
        assert status.value in text
        assert told["waiting"].keys() == {waiting.value for waiting in Waiting}


def rows_of(state):
    """A contact in a state, with every outcome, status and report of an attempt."""
    attempts = [
        Attempt(
            "a",
            CAMPAIGN,
            1,
            1,
            "+1",
            "AC1",
            "+2",
            "w",
            1,
            2,
            None,
            attempt,
            0,
            25,
            False,
            SID,
            status,
            "human",
            reported,
        )
        for attempt, status, reported in product(AttemptState, [None, *CallStatus], [None, *Reported])
    ]
    contacts = [Contact(1, CAMPAIGN, 1, "+12125550111", state, 5, outcome=outcome.value) for outcome in Outcome]
    return [ReportRow(contact, Lane(("America/New_York",), "US-NY"), attempts) for contact in contacts]


@pytest.mark.parametrize("state", ContactState)
async def test_a_report_of_a_contact_in_every_state(state):
    class Reports:
        async def columns(self, _campaign_id):
            return ["name"]

        async def attempts(self, _campaign_id):
            for row in rows_of(state):
                for attempt in row.attempts:
                    yield attempt

    async def rows():
        for row in rows_of(state):
            yield row

    lines = [line async for line in csv_lines(Reports(), CAMPAIGN, rows())]
    read = list(csv.DictReader(io.StringIO("".join(lines))))
    assert {row["state"] for row in read} == {state.value}
    assert set(BEHIND) < read[0].keys()
    told = json.loads("".join([line async for line in json_lines(rows())]))
    assert [row["outcome"] for row in told] == [row["outcome"] for row in read]
    assert {each["state"] for each in told[0]["attempts"]} == {each.value for each in AttemptState}


LOOP: dict = {}
LOOP["loop"] = LOOP


ODD = [{"a": {1, 2}}, {1: datetime(2026, 1, 1, tzinfo=UTC)}, {"a": "\ud83d"}, {(1, 2): 3}, {"a": float("nan")}, LOOP]


@pytest.mark.parametrize("value", ODD)
def test_an_event_and_a_log_line_with_any_value_can_be_read(value):
    head, data = FeedEvent(7, "call-ended", SID, {"result": value}).as_text().decode().split("data: ")
    assert head == "id: 7\nevent: call-ended\n"
    lines = io.StringIO()
    configure_logs(json=True, stream=lines)
    try:
        logger("test").info("call over", call_sid=SID, result=value)
    finally:
        structlog.reset_defaults()
    for text in (data, lines.getvalue()):
        told = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert told["call_sid"] == SID
