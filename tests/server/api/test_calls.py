"""Calls over the API: listed, told, and placed once for each key."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.test_utils import make_mocked_request
from support.api import ORDER, SID, PlayedCalls, PlayedFlows, PlayedPlacer, api, record

from telebridge.call.record import SpokenUtterance
from telebridge.call.session.stream_phase import Phase
from telebridge.errors import ConfigurationError, TwilioAPIError
from telebridge.flows.steps import Say
from telebridge.server.api.calls import CallList, CallsDoor, cursor, read_cursor
from telebridge.server.api.models import PlaceCall
from telebridge.server.api.ports import CallOrder, Position
from telebridge.server.http.bodies import Nothing
from telebridge.server.http.problems import Problem
from telebridge.turns.barge_in import BargeIn, BargeInCause
from telebridge.twilio.signed_urls import VariablesTooLong

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
KEY = {"Idempotency-Key": "order 7"}


def sids(told):
    return [call["call_sid"] for call in told["calls"]]


class Past:
    """Calls of a database."""

    def __init__(self, *calls):
        self.calls = {call.call_sid: call.as_json() for call in calls}

    async def find(self, call_sid):
        return self.calls.get(call_sid)

    async def recent(self, limit, before):
        ordered = sorted(self.calls.values(), key=lambda call: (call["started_at"], call["call_sid"]), reverse=True)
        positions = [(Position(datetime.fromisoformat(call["started_at"]), call["call_sid"]), call) for call in ordered]
        return [call for position, call in positions if before is None or position < before][:limit]


# Listing and telling.


async def test_calls_are_listed_newest_first():
    async with api() as client:
        for minute in (3, 1, 2):
            client.calls.add(record(f"CA{minute}", NOON + timedelta(minutes=minute)))
        client.calls.ended["CA0"] = record("CA0", NOON)
        told = await client.get("/api/calls")
    assert sids(told) == ["CA3", "CA2", "CA1", "CA0"]
    assert [call["phase"] for call in told["calls"]] == ["live", "live", "live", "over"]
    assert told["next"] is None


@pytest.mark.parametrize(("state", "listed"), [("live", ["CA1"]), ("ended", ["CA0"])])
async def test_live_and_ended_calls_are_listed_apart(state, listed):
    async with api() as client:
        client.calls.add(record("CA1"))
        client.calls.ended["CA0"] = record("CA0")
        assert sids(await client.get(f"/api/calls?state={state}")) == listed


async def test_a_cursor_goes_on_where_the_page_ended_whatever_began_meanwhile():
    async with api() as client:
        for number in range(5):
            client.calls.ended[f"CA{number}"] = record(f"CA{number}", NOON)
        first = await client.get("/api/calls?limit=2")
        client.calls.add(record("CA9", NOON + timedelta(hours=1)))
        second = await client.get("/api/calls", params={"limit": "2", "cursor": first["next"]})
        third = await client.get("/api/calls", params={"limit": "2", "cursor": second["next"]})
    assert [sids(page) for page in (first, second, third)] == [["CA4", "CA3"], ["CA2", "CA1"], ["CA0"]]
    assert third["next"] is None


@pytest.mark.parametrize(
    ("phase", "name"),
    [
        (Phase.WAITING, "waiting"),
        (Phase.LIVE, "live"),
        (Phase.AWAY, "transferring"),
        (Phase.CLOSING, "closing"),
        (Phase.OVER, "over"),
    ],
)
async def test_a_call_is_listed_in_each_of_its_phases(phase, name):
    async with api() as client:
        client.calls.add(record(), phase)
        told = await client.get("/api/calls")
    assert [call["phase"] for call in told["calls"]] == [name]


async def test_calls_of_the_database_follow_and_none_is_told_twice():
    past = Past(record("CA1", NOON), record("CA2", NOON + timedelta(minutes=2)), record("CA3", NOON))
    async with api(past=past) as client:
        client.calls.ended["CA1"] = record("CA1", NOON)
        assert sids(await client.get("/api/calls")) == ["CA2", "CA3", "CA1"]
        assert sids(await client.get("/api/calls?state=live")) == []
        assert (await client.get("/api/calls/CA3"))["phase"] == "over"


def test_a_cursor_is_read_as_it_was_written():
    position = Position(NOON, SID)
    assert read_cursor(cursor(position)) == position


@pytest.mark.parametrize("text", ["x", "", "é", "bnVsbA", "WyIyMDI2LTAxLTAxIiwgIkNBIl0", "\x00"])
def test_a_cursor_that_is_none_is_refused(text):
    with pytest.raises(Problem, match="cursor"):
        read_cursor(text)


async def test_a_call_is_told_with_what_was_heard_and_is_being_said():
    cut = BargeIn(BargeInCause.SPEECH, "Thank you", 480.4, exact=True, stop_ms=64)
    async with api() as client:
        control = client.calls.add(
            record(
                utterances=[SpokenUtterance("Thank you for calling.", 1500, cut), SpokenUtterance("Yes.", 300, None)]
            )
        )
        control.runner.announce(Say("For billing, press 2."))
        told = await client.get(f"/api/calls/{SID}")
    assert told["saying"] == "For billing, press 2."
    assert told["from"] == "+15551230001"
    assert told["utterances"][0]["heard_text"] == "Thank you"
    assert told["utterances"][1]["interrupted_by"] is None


async def test_a_call_that_nobody_knows_is_not_found():
    async with api() as client:
        told = await client.get("/api/calls/CA404", status=404)
    assert told["type"] == "urn:telebridge:problem:unknown-call"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("state=alive", "state"),
        ("stat=live", "stat"),
    ],
)
async def test_a_wrong_query_is_told_by_its_field(query, field):
    async with api() as client:
        told = await client.get(f"/api/calls?{query}", status=422)
    assert [error["field"] for error in told["errors"]] == [field]


async def test_a_parameter_given_twice_is_refused():
    async with api() as client:
        told = await client.get("/api/calls?limit=1&limit=2", status=422)
    assert "twice" in told["detail"]


# Placing.


async def test_a_call_is_placed_as_it_was_asked_for():
    async with api() as client:
        told = await client.post(
            "/api/calls",
            {**ORDER, "flow": "front-desk", "variables": {"n": 1}, "timeout": 20, "machine_detection": "Enable"},
            status=201,
        )
    assert told == {"call_sid": f"CA{1:032x}"}
    assert client.placer.orders == [CallOrder("+15551230000", "+15551230001", "front-desk", {"n": 1}, 20, "Enable")]


async def test_an_order_without_the_rest_rings_a_minute_for_the_default_flow():
    async with api() as client:
        await client.post("/api/calls", ORDER, status=201)
    assert client.placer.orders == [CallOrder("+15551230000", "+15551230001", "", {}, 60, "")]


async def test_the_same_key_and_body_is_one_call():
    async with api() as client:
        first = await client.post("/api/calls", ORDER, headers=KEY, status=201)
        again = await client.post("/api/calls", dict(reversed(ORDER.items())), headers=KEY, status=201)
    assert first == again
    assert len(client.placer.orders) == 1


async def test_the_same_key_at_once_is_one_call_and_the_second_waits():
    async with api() as client:
        client.placer.hold = asyncio.Event()
        asked = [asyncio.create_task(client.post("/api/calls", ORDER, headers=KEY, status=201)) for _ in range(5)]
        await client.placer.asked.wait()
        assert not any(each.done() for each in asked)
        client.placer.hold.set()
        told = await asyncio.gather(*asked)
    assert {each["call_sid"] for each in told} == {f"CA{1:032x}"}
    assert len(client.placer.orders) == 1


async def test_who_goes_away_takes_no_other_answer_along():
    placer = PlayedPlacer()
    placer.hold = asyncio.Event()
    door = CallsDoor(CallList(PlayedCalls(), None), PlayedFlows(), placer)
    request = make_mocked_request("POST", "/api/calls", headers=KEY)
    first, second = [
        asyncio.create_task(door.place_call(request, Nothing(), PlaceCall.model_validate(ORDER))) for _ in range(2)
    ]
    await placer.asked.wait()
    first.cancel()
    await asyncio.wait([first])
    placer.hold.set()
    assert (await second).status == 201
    assert len(placer.orders) == 1


async def test_the_same_key_with_another_body_is_refused():
    async with api() as client:
        await client.post("/api/calls", ORDER, headers=KEY, status=201)
        told = await client.post("/api/calls", {**ORDER, "timeout": 10}, headers=KEY, status=422)
    assert told["type"] == "urn:telebridge:problem:key-reused"
    assert len(client.placer.orders) == 1


async def test_a_key_whose_call_may_ring_places_no_second_one():
    async with api() as client:
        client.placer.refusal = TwilioAPIError(0, None, "no answer within 10 s")
        told = await client.post("/api/calls", ORDER, headers=KEY, status=504)
        client.placer.refusal = None
        again = await client.post("/api/calls", ORDER, headers=KEY, status=504)
    assert told["type"] == again["type"] == "urn:telebridge:problem:outcome-unknown"
    assert len(client.placer.orders) == 1


async def test_a_key_whose_call_was_refused_may_be_used_again():
    async with api() as client:
        client.placer.refusal = TwilioAPIError(429, 20429, "Too many requests")
        await client.post("/api/calls", ORDER, headers=KEY, status=503)
        client.placer.refusal = None
        await client.post("/api/calls", ORDER, headers=KEY, status=201)


@pytest.mark.parametrize("key", ["", "x" * 256, "clé"])
async def test_a_key_that_is_none_is_refused(key):
    async with api() as client:
        await client.post("/api/calls", ORDER, headers={"Idempotency-Key": key}, status=400)


@pytest.mark.parametrize(
    ("refusal", "status", "words"),
    [
        (TwilioAPIError(400, 21211, "Invalid 'To' Phone Number"), 422, "Invalid 'To'"),
        (TwilioAPIError(401, 20003, "Authenticate"), 502, "Nothing was placed"),
        (TwilioAPIError(429, 20429, "Too many requests"), 503, "try again"),
        (TwilioAPIError(500, None, "Oops"), 504, "may have been placed"),
        (TwilioAPIError(0, None, "no answer"), 504, "may have been placed"),
        (ConfigurationError("twilio.account_sid", "is not set", "set it"), 503, "twilio.account_sid"),
        (VariablesTooLong(5000), 413, "5000"),
    ],
)
async def test_a_refusal_says_whether_anything_was_placed(refusal, status, words):
    async with api() as client:
        client.placer.refusal = refusal
        told = await client.post("/api/calls", ORDER, status=status)
    assert words in told["detail"]


async def test_a_refused_number_is_told_by_its_field():
    async with api() as client:
        client.placer.refusal = TwilioAPIError(400, 21210, "Not yours")
        told = await client.post("/api/calls", ORDER, status=422)
    assert told["errors"] == [{"field": "from", "problem": "Not yours", "hint": ""}]


async def test_a_flow_that_does_not_exist_rings_nobody():
    async with api() as client:
        told = await client.post("/api/calls", {**ORDER, "flow": "front-dsk"}, status=422)
    assert told["errors"][0]["field"] == "flow"
    assert client.placer.orders == []


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"to": "5551230000"}, "to"),
        ({"to": "+15551230000\n"}, "to"),
        ({"from": "sip:a@example.com"}, "from"),
        ({"timeout": "60"}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"timeout": 1e400}, None),
        ({"variables": {"from": "x"}}, "variables"),
        ({"variables": {"a b": "x"}}, "variables.a b.[key]"),
        ({"variables": {"a": [1]}}, None),
        ({"from_": "+15551230001"}, "from_"),
        ({"machine_detection": "maybe"}, "machine_detection"),
    ],
)
async def test_a_wrong_order_is_told_by_its_field_and_rings_nobody(wrong, field):
    async with api() as client:
        status = 400 if wrong.get("timeout") == float("inf") else 422
        told = await client.post("/api/calls", {**ORDER, **wrong}, status=status)
    if field is not None:
        assert field in [error["field"] for error in told["errors"]]
    assert client.placer.orders == []
