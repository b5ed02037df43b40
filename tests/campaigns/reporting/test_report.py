"""A report has each contact once, with all its attempts, whatever their order and number."""

import csv
import json

from support.campaigns import CHICAGO, NEW_YORK, claim, contacts, phone, running_campaign, said

from telebridge.campaigns.engine.contact import NewContact
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.reporting.report import (
    BEHIND,
    ReportRow,
    csv_lines,
    header_of,
    report_rows,
    result_texts,
)
from telebridge.twilio.calls import CallStatus

TALK = {
    "heard": ["Hello.", "", "Goodbye."],
    "digits": "1",
    "result": {"answer": "=2+2"},
    "interruptions": 1,
    "first_audio_ms": 12.0,
}


async def called(store, clock):
    """Three people: one spoken to at the second call, one not called yet, one who must not be called."""
    rules = RetryRules(2, {Outcome.BUSY: (60.0,)})
    campaign = await running_campaign(store, contacts(3), retry=rules)
    await store.do_not_call.add([phone(2)], source="letter")
    [first] = await claim(store, 1)
    await store.attempts.report(first.attempt_id, said("CA1", CallStatus.BUSY))
    clock.advance(61)
    claims = {one.contact.phone: one for one in await claim(store)}
    await store.attempts.report(claims[phone(0)].attempt_id, said("CA2", CallStatus.COMPLETED, answered_by="human"))
    await store.attempts.report(claims[phone(0)].attempt_id, said("CA2", talk=TALK))
    return campaign


async def test_every_contact_has_one_row_with_its_attempts(store, clock):
    campaign = await called(store, clock)
    rows = [row async for row in report_rows(store.reports, campaign.id)]
    assert [(row.contact.phone, row.outcome, len(row.attempts)) for row in rows] == [
        (phone(0), "answered", 2),
        (phone(1), "calling", 1),
        (phone(2), "do_not_call", 0),
    ]
    assert [attempt.n for attempt in rows[0].attempts] == [1, 2]
    assert rows[0].attempts[1].talk == TALK


async def test_a_row_tells_what_was_heard_and_no_cell_is_a_formula(store, clock):
    campaign = await called(store, clock)
    [row, *_] = [row async for row in report_rows(store.reports, campaign.id)]
    cells = dict(zip(header_of(["name"], ["answer"]), row.cells(["name"], ["answer"]), strict=True))
    assert (cells["phone"], cells["name"], cells["outcome"], cells["attempts"]) == (phone(0), "n0", "answered", "2")
    assert (cells["heard"], cells["digits"], cells["interruptions"]) == ("Hello. Goodbye.", "1", "1")
    assert cells["result_answer"] == "'=2+2"
    assert cells["called_number"] == phone(0)
    assert (cells["call_sid"], cells["answered_by"], cells["next_call_at"]) == ("CA2", "human", "")


async def test_a_row_tells_which_of_several_numbers_was_called(store):
    person = NewContact(phone(0), NEW_YORK, {}, others=((phone(7), CHICAGO),))
    campaign = await running_campaign(store, [person], retry=RetryRules(3, {}, (Outcome.NO_ANSWER,)))
    for sid, status in (("CA1", CallStatus.NO_ANSWER), ("CA2", CallStatus.COMPLETED)):
        [one] = await claim(store, 1)
        await store.attempts.report(one.attempt_id, said(sid, status, talk=TALK if sid == "CA2" else {}))
    [row] = [row async for row in report_rows(store.reports, campaign.id)]
    cells = dict(zip(header_of([]), row.cells([]), strict=True))
    assert (cells["phone"], cells["called_number"], cells["call_sid"]) == (phone(0), phone(7), "CA2")
    assert [attempt["to"] for attempt in row.as_json()["attempts"]] == [phone(0), phone(7)]
    assert row.as_json()["numbers"] == [
        {"number": phone(0), "zones": ["America/New_York"], "region": "US-NY"},
        {"number": phone(7), "zones": ["America/Chicago"], "region": "US-IL"},
    ]


async def test_a_row_as_json_has_every_attempt(store, clock):
    campaign = await called(store, clock)
    [row, *_] = [row async for row in report_rows(store.reports, campaign.id)]
    told = json.loads(json.dumps(row.as_json()))
    assert [(attempt["outcome"], attempt["call_sid"]) for attempt in told["attempts"]] == [
        ("busy", "CA1"),
        ("answered", "CA2"),
    ]
    assert (told["state"], told["next_call_at"], told["variables"]) == ("done", None, {"name": "n0"})
    assert (told["zones"], told["region"]) == (["America/New_York"], "US-NY")


async def test_what_a_contact_or_a_caller_wrote_runs_in_no_spreadsheet(store, clock):
    campaign = await called(store, clock)
    [row, *_] = [row async for row in report_rows(store.reports, campaign.id)]
    contact = type(row.contact)(**{**_fields(row.contact), "variables": {"name": "=cmd()"}})
    assert ReportRow(contact, row.lane, row.attempts).cells(["name"])[1] == "'=cmd()"


def test_the_header_has_the_contacts_own_columns_after_the_number():
    assert header_of(["name", "-x"]) == ["phone", "name", "'-x", *BEHIND]


def test_a_contacts_column_that_is_called_like_ours_gets_a_name_of_its_own():
    header = header_of(["state", "contact_state", "phone", "name", "-x", "'-x"])
    assert header[1 : -len(BEHIND)] == [
        "contact_contact_state",
        "contact_state",
        "contact_phone",
        "name",
        "contact_'-x",
        "'-x",
    ]
    assert len(set(header)) == len(header)


async def test_each_result_has_a_column_and_no_cell_is_json(store, clock):
    campaign = await called(store, clock)
    rows = report_rows(store.reports, campaign.id)
    [first, second, _] = csv.DictReader([line async for line in csv_lines(store.reports, campaign.id, rows)])
    assert (first["digits"], first["result_answer"], second["result_answer"]) == ("1", "'=2+2", "")
    assert "result" not in first


def test_the_results_of_a_flow_are_texts():
    result = {"a": "yes", "b": True, "c": None, "d": [1], "e": 2}
    assert result_texts({"result": result}) == {"a": "yes", "b": "true", "c": "", "d": "[1]", "e": "2"}
    assert result_texts({}) == {}


def test_a_contacts_column_that_is_called_like_a_result_gets_a_name_of_its_own():
    assert header_of(["result_answer"], ["answer"]) == ["phone", "contact_result_answer", *BEHIND, "result_answer"]


async def test_a_report_of_two_imports_has_the_columns_of_both(store):
    campaign = await running_campaign(store, [NewContact(phone(1), NEW_YORK, {"name": "Ann"})])
    more = [NewContact(phone(2), NEW_YORK, {"city": "Bonn", "name": "Bob", "state": "NRW"})]
    await store.contacts.add(campaign.id, more, upto_line=2)
    rows = report_rows(store.reports, campaign.id)
    [ann, bob] = csv.DictReader([line async for line in csv_lines(store.reports, campaign.id, rows)])
    assert (ann["name"], ann["city"], ann["contact_state"], ann["state"]) == ("Ann", "", "", "ready")
    assert (bob["name"], bob["city"], bob["contact_state"], bob["state"]) == ("Bob", "Bonn", "NRW", "ready")


def _fields(contact):
    return {name: getattr(contact, name) for name in type(contact).__dataclass_fields__}
