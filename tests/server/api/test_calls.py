"""Calls over the API: found, and originated once for each key."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from aiohttp.test_utils import make_mocked_request
from sqlalchemy.exc import OperationalError
from support.api import ORDER, SID, PlayedCalls, PlayedFlows, PlayedOriginator, api, record
from support.memory_keys import MemoryKeys

from telebridge.call.record import SpokenUtterance
from telebridge.database.database import database_of
from telebridge.database.engine import open_database
from telebridge.database.migration import migrate
from telebridge.errors import ConfigurationError, TwilioAPIError
from telebridge.flows.steps import Say
from telebridge.server.api.call_lookup import CallLookup
from telebridge.server.api.calls import KEY_SCOPE, CallEndpoints
from telebridge.server.api.models import OriginateRequest
from telebridge.server.api.ports import OutboundCall
from telebridge.server.http.bodies import Nothing
from telebridge.server.http.idempotency import ABANDONED_MS, fingerprint_of
from telebridge.server.http.idempotency_store import SqlIdempotencyKeys
from telebridge.turns.barge_in import BargeIn, BargeInCause
from telebridge.twilio.signed_urls import VariablesTooLong

KEY = {"Idempotency-Key": "order 7"}
FINGERPRINT = fingerprint_of(OriginateRequest.model_validate(ORDER).model_dump_json().encode())


# Getting one.


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


# Placing.


async def test_a_call_is_placed_as_it_was_asked_for():
    async with api() as client:
        told = await client.post(
            "/api/calls",
            {**ORDER, "flow": "front-desk", "variables": {"n": 1}, "timeout": 20, "machine_detection": "Enable"},
            status=201,
        )
    assert told == {"call_sid": f"CA{1:032x}"}
    assert client.originator.orders == [
        OutboundCall("+15551230000", "+15551230001", "front-desk", {"n": 1}, 20, "Enable")
    ]


async def test_an_order_without_the_rest_rings_a_minute_for_the_default_flow():
    async with api() as client:
        await client.post("/api/calls", ORDER, status=201)
    assert client.originator.orders == [OutboundCall("+15551230000", "+15551230001", "", {}, 60, "")]


async def test_the_same_key_and_body_is_one_call():
    async with api() as client:
        first = await client.post("/api/calls", ORDER, headers=KEY, status=201)
        again = await client.post("/api/calls", dict(reversed(ORDER.items())), headers=KEY, status=201)
    assert first == again
    assert len(client.originator.orders) == 1


async def test_the_same_key_at_once_is_one_call_and_the_second_waits():
    async with api() as client:
        client.originator.hold = asyncio.Event()
        asked = [asyncio.create_task(client.post("/api/calls", ORDER, headers=KEY, status=201)) for _ in range(5)]
        await client.originator.asked.wait()
        assert not any(each.done() for each in asked)
        client.originator.hold.set()
        told = await asyncio.gather(*asked)
    assert {each["call_sid"] for each in told} == {f"CA{1:032x}"}
    assert len(client.originator.orders) == 1


async def test_who_goes_away_takes_no_other_answer_along():
    placer = PlayedOriginator()
    placer.hold = asyncio.Event()
    endpoints = CallEndpoints(CallLookup(PlayedCalls(), None), PlayedFlows(), placer, MemoryKeys())
    request = make_mocked_request("POST", "/api/calls", headers=KEY)
    first, second = [
        asyncio.create_task(endpoints.originate_call(request, Nothing(), OriginateRequest.model_validate(ORDER)))
        for _ in range(2)
    ]
    await placer.asked.wait()
    first.cancel()
    await asyncio.wait([first])
    placer.hold.set()
    assert (await second).status == 201
    assert len(placer.orders) == 1


async def test_a_key_that_is_in_progress_in_another_process_is_a_conflict():
    async with api() as client:
        await client.keys.claim(KEY_SCOPE, KEY["Idempotency-Key"], FINGERPRINT)
        told = await client.post("/api/calls", ORDER, headers=KEY, status=409)
    assert told["type"] == "urn:telebridge:problem:request-in-progress"
    assert client.originator.orders == []


async def test_a_key_whose_process_died_places_no_second_call():
    now = 0
    async with api(keys=MemoryKeys(lambda: now)) as client:
        await client.keys.claim(KEY_SCOPE, KEY["Idempotency-Key"], FINGERPRINT)
        now = ABANDONED_MS
        told = await client.post("/api/calls", ORDER, headers=KEY, status=504)
    assert told["type"] == "urn:telebridge:problem:outcome-unknown"
    assert client.originator.orders == []


async def test_a_key_that_cannot_be_kept_places_no_call():
    async with api() as client:
        client.keys.failure = OperationalError("", {}, Exception("unreachable"))
        told = await client.post("/api/calls", ORDER, headers=KEY, status=503)
        await client.post("/api/calls", ORDER, status=201)
    assert "Nothing was placed" in told["detail"]
    assert len(client.originator.orders) == 1


async def test_two_applications_over_one_database_and_a_restart_place_one_call(tmp_path):
    async def processes(count):
        engine = open_database(f"sqlite:///{tmp_path}/telebridge.db")
        await migrate(engine)
        keys = [SqlIdempotencyKeys(database_of(engine)) for _ in range(count)]
        placed, told = 0, []
        async with AsyncExitStack() as stack:
            for each in keys:
                client = await stack.enter_async_context(api(keys=each))
                told.append(await client.post("/api/calls", ORDER, headers=KEY, status=201))
                await client.post("/api/calls", {**ORDER, "timeout": 10}, headers=KEY, status=422)
                placed += len(client.originator.orders)
        await engine.dispose()
        return placed, told

    placed, [first, second] = await processes(2)
    placed_after, [third] = await processes(1)
    assert first == second == third
    assert (placed, placed_after) == (1, 0)


async def test_the_same_key_with_another_body_is_refused():
    async with api() as client:
        await client.post("/api/calls", ORDER, headers=KEY, status=201)
        told = await client.post("/api/calls", {**ORDER, "timeout": 10}, headers=KEY, status=422)
    assert told["type"] == "urn:telebridge:problem:key-reused"
    assert len(client.originator.orders) == 1


async def test_a_key_whose_call_may_ring_places_no_second_one():
    async with api() as client:
        client.originator.refusal = TwilioAPIError(0, None, "no answer within 10 s")
        told = await client.post("/api/calls", ORDER, headers=KEY, status=504)
        client.originator.refusal = None
        again = await client.post("/api/calls", ORDER, headers=KEY, status=504)
    assert told["type"] == again["type"] == "urn:telebridge:problem:outcome-unknown"
    assert len(client.originator.orders) == 1


async def test_a_key_whose_call_was_refused_may_be_used_again():
    async with api() as client:
        client.originator.refusal = TwilioAPIError(429, 20429, "Too many requests")
        await client.post("/api/calls", ORDER, headers=KEY, status=503)
        client.originator.refusal = None
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
        client.originator.refusal = refusal
        told = await client.post("/api/calls", ORDER, status=status)
    assert words in told["detail"]


async def test_a_refused_number_is_told_by_its_field():
    async with api() as client:
        client.originator.refusal = TwilioAPIError(400, 21210, "Not yours")
        told = await client.post("/api/calls", ORDER, status=422)
    assert told["errors"] == [{"field": "from", "problem": "Not yours", "hint": ""}]


async def test_a_flow_that_does_not_exist_rings_nobody():
    async with api() as client:
        told = await client.post("/api/calls", {**ORDER, "flow": "front-dsk"}, status=422)
    assert told["errors"][0]["field"] == "flow"
    assert client.originator.orders == []


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
    assert client.originator.orders == []
