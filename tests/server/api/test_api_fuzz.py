"""Whatever is sent, the API answers as its own description says, and never with a fault of its own."""

import asyncio
import threading
from contextlib import contextmanager

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.api import CAMPAIGN, OVER, SID, Api, record
from support.speech import serving

from telebridge.call.record import SpokenUtterance
from telebridge.server.api.endpoints import DECLARATIONS
from telebridge.server.http.openapi import document
from telebridge.turns.barge_in import BargeIn, BargeInCause

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
]
CUT = SpokenUtterance("Hello there.", 900, BargeIn(BargeInCause.KEY, "Hello", 300, exact=True))
FUZZED = settings(
    max_examples=25, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)

schema = (
    schemathesis.openapi.from_dict(document(Api().app[DECLARATIONS], version="0"))
    .exclude(path="/api/events")
    .exclude(path="/api/campaigns/{id}/events")
)


@contextmanager
def served_in_a_thread():
    """The API, served beside the test, which waits for its answers."""
    loop, ready, stop = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found = []

    async def serve():
        client = Api()
        client.calls.add(record(), outcome=CUT)
        client.calls.ended[OVER] = record(OVER, utterances=[CUT])
        async with serving(client.app) as url:
            found.append(url)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield found[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def url():
    with served_in_a_thread() as url:
        yield url


@schema.parametrize()
@FUZZED
def test_the_api_keeps_to_its_description(case, url):
    if "sid" in (case.path_parameters or {}):
        sid = case.path_parameters["sid"]
        case.path_parameters["sid"] = (SID, OVER, sid)[len(str(sid)) % 3]
    if "id" in (case.path_parameters or {}):
        case.path_parameters["id"] = (CAMPAIGN, case.path_parameters["id"])[len(str(case.path_parameters["id"])) % 2]
    answer = case.call_and_validate(base_url=url, checks=CHECKS)
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == ["application/problem+json"]
        assert answer.json()["detail"]
