"""The API over the calls of a process as they are: `LiveCalls`, runners and sessions, in every phase of a call."""

from contextlib import asynccontextmanager

import pytest
from support.api import SID, api, to_phase
from support.sources import ToldSpeech

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.runner.incoming_call import IncomingCall
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.runner.ports import CallPorts
from telebridge.call.session.session import SessionOptions
from telebridge.call.session.stream_phase import Phase

FLOW = "flow: test\nstart: hello\nnodes:\n  hello: {say: Hello., then: bye}\n  bye: {hang_up: Goodbye.}\n"
INCOMING = IncomingCall(SID, "test", "+15551230001", "+15551230000", "inbound")
TRANSFER = {"to": "+15551230100"}


@asynccontextmanager
async def call_in(phase, tmp_path):
    """The API, and one call in a phase."""
    (tmp_path / "test.yaml").write_text(FLOW)
    flows = FlowCatalogue(tmp_path)
    flows.load()
    calls = LiveCalls(flows, CallPorts(ToldSpeech()), SessionOptions())
    async with api(calls=calls) as client:
        to_phase(calls.begin(INCOMING), phase)
        yield client


@pytest.mark.parametrize(
    ("phase", "name", "saying"),
    [
        (Phase.WAITING, "waiting", "Hello."),
        (Phase.LIVE, "live", "Hello."),
        (Phase.AWAY, "transferring", None),
        (Phase.CLOSING, "closing", None),
        (Phase.OVER, "over", None),
    ],
)
async def test_a_call_is_listed_and_found_in_each_of_its_phases(tmp_path, phase, name, saying):
    async with call_in(phase, tmp_path) as client:
        [listed] = (await client.get("/api/calls"))["calls"]
        found = await client.get(f"/api/calls/{SID}")
    assert listed == found
    assert (found["phase"], found["saying"]) == (name, saying)
    assert (found["end_reason"] is not None) == (phase in {Phase.CLOSING, Phase.OVER})


@pytest.mark.parametrize(
    ("phase", "problem"),
    [
        (Phase.AWAY, ("call-not-live", "is with somebody else")),
        (Phase.CLOSING, ("call-not-live", "is ending")),
        (Phase.OVER, ("call-over", "is over")),
    ],
)
@pytest.mark.parametrize("action", ["say", "clear", "send-digits", "transfer", "hang-up"])
async def test_a_call_without_a_stream_refuses_every_action(tmp_path, phase, problem, action):
    body = {"say": {"text": "Hi."}, "send-digits": {"digits": "1"}, "transfer": TRANSFER}.get(action, {})
    async with call_in(phase, tmp_path) as client:
        refused = await client.post(f"/api/calls/{SID}/{action}", body, status=409)
    kind, words = problem
    assert refused["type"] == f"urn:telebridge:problem:{kind}"
    assert words in refused["detail"]


async def test_a_live_call_is_cleared_transferred_and_then_listed_as_transferring(tmp_path):
    async with call_in(Phase.LIVE, tmp_path) as client:
        assert await client.post(f"/api/calls/{SID}/clear") == {"cleared": True}
        await client.post(f"/api/calls/{SID}/transfer", TRANSFER, status=202)
        [listed] = (await client.get("/api/calls"))["calls"]
    assert listed["phase"] == "transferring"


async def test_a_live_call_takes_an_announcement_and_ends_when_it_is_told_to(tmp_path):
    async with call_in(Phase.LIVE, tmp_path) as client:
        assert await client.post(f"/api/calls/{SID}/say", {"text": "Hi."}, status=202) == {"utterance": "a1"}
        await client.post(f"/api/calls/{SID}/hang-up", {}, status=202)
        [listed] = (await client.get("/api/calls"))["calls"]
    assert listed["phase"] == "closing"


async def test_a_call_that_waits_for_its_stream_cannot_be_transferred(tmp_path):
    async with call_in(Phase.WAITING, tmp_path) as client:
        refused = await client.post(f"/api/calls/{SID}/transfer", TRANSFER, status=409)
    assert "has no media stream" in refused["detail"]
