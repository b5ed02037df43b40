"""Whatever is sent, the API answers as its own description says, and never with a fault of its own."""

import asyncio
import importlib
import threading
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from support.api import CAMPAIGN, OVER, SID, Api, record
from support.speech import serving

from telebridge.call.record import SpokenUtterance
from telebridge.server.api.endpoints import DECLARATIONS
from telebridge.server.http.openapi import document
from telebridge.turns.barge_in import BargeIn, BargeInCause

pytestmark = pytest.mark.slow  # thousands of requests; the import of schemathesis alone takes seconds

CUT = SpokenUtterance("Hello there.", 900, BargeIn(BargeInCause.KEY, "Hello", 300, exact=True))
FUZZED = settings(
    max_examples=25, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)

DOCUMENT = document(Api().app[DECLARATIONS], version="0")
OPERATIONS = [
    (method, path) for path, methods in DOCUMENT["paths"].items() if not path.endswith("/events") for method in methods
]


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


@pytest.fixture(scope="module")
def schemathesis():
    """The package, imported when the first test here runs: its import takes seconds."""
    found = importlib.import_module("schemathesis")
    found.serializer.alias("application/gzip", "application/octet-stream")
    return found


@pytest.fixture(scope="module")
def schema(schemathesis):
    return schemathesis.openapi.from_dict(DOCUMENT)


@pytest.fixture(scope="module")
def checks(schemathesis):
    of_openapi = importlib.import_module("schemathesis.specs.openapi.checks")
    return [
        importlib.import_module("schemathesis.checks").not_a_server_error,
        of_openapi.content_type_conformance,
        of_openapi.response_schema_conformance,
        of_openapi.status_code_conformance,
    ]


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_api_keeps_to_its_description(method, path, schema, checks, url):
    @FUZZED
    @given(case=schema[path][method.upper()].as_strategy())
    def keeps_to_it(case):
        if "sid" in (case.path_parameters or {}):
            sid = case.path_parameters["sid"]
            case.path_parameters["sid"] = (SID, OVER, sid)[len(str(sid)) % 3]
        if "id" in (case.path_parameters or {}):
            of_path = case.path_parameters["id"]
            case.path_parameters["id"] = (CAMPAIGN, of_path)[len(str(of_path)) % 2]
        answer = case.call_and_validate(base_url=url, checks=checks)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == ["application/problem+json"]
            assert answer.json()["detail"]

    keeps_to_it()
