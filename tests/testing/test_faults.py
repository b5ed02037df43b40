"""Faults by name: what the caller notices of each."""

import asyncio
import re

import pytest

from telebridge import Bridge
from telebridge.errors import ConfigurationError
from telebridge.simulator.media.recording import EventKind
from telebridge.testing import CallFailure, Phone
from telebridge.testing.faults import FAULTS

FLOW = """
flow: desk
start: main
nodes:
  main: {say: "Welcome to Acme. We are glad that you call.", then: more}
  more: {menu: "For billing, press 1.", choices: {1: bye}}
  bye: {hang_up: "Goodbye."}
"""
LOOKUP = """
flow: lookup
start: find
nodes:
  find: {request: {url: "https://api.example.com/orders/7", into: order}, then: told, failed: sorry}
  told: {hang_up: "Your order is {{ order.status }}."}
  sorry: {hang_up: "We cannot look it up."}
"""


@pytest.fixture
def desk(tmp_path):
    (tmp_path / "desk.yaml").write_text(FLOW)
    (tmp_path / "lookup.yaml").write_text(LOOKUP)
    with Phone(flow="desk.yaml", folder=tmp_path) as phone:
        yield phone


@pytest.mark.parametrize("fault", ["twilio drops stream at 1s", "twilio repeats webhook", "twilio delays marks 400ms",
                                   "twilio repeats callbacks", "twilio loses callbacks", "rime slow 1s",
                                   "rime answers 429 1 times"])  # fmt: skip
def test_the_caller_gets_through_all_the_same(desk, fault):
    desk.inject(fault)
    with desk.call() as call:
        call.hears("press 1", within=20)
        call.press("1")
        call.hears("goodbye", within=20)
        call.ends(node="bye")


@pytest.mark.slow
@pytest.mark.parametrize("fault", [fault.name for fault in FAULTS])
def test_whatever_fails_the_caller_is_told_something_and_the_call_ends(desk, fault):
    in_mid_call = fault in ("twilio drops stream", "bridge restarts")
    if not in_mid_call:
        desk.inject(fault)
    with desk.call() as call:
        if in_mid_call:
            call.hears("welcome")
            desk.inject(fault)
        heard = call.hears(re.compile("press 1|something went wrong"), within=60)
        if heard[-1].text == "1.":
            call.press("1")
        call.ends(within=60)
    assert call.status == "completed"
    assert desk.live_calls == 0


@pytest.mark.parametrize("fault", ["rime hangs", "rime refuses 503", "rime closes 1006", "rime closes 1011 after 1"])
def test_without_a_voice_the_caller_hears_an_apology_from_twilio(desk, fault):
    desk.inject(fault)
    with desk.call() as call:
        call.hears("something went wrong", within=60)
        call.ends(by="bridge")
    assert call.lines[-1].source == "say"


def test_rime_recovers_in_mid_call(desk):
    desk.rime.slow(2.0)
    with desk.call() as call:
        call.hears_nothing(for_=1.5)
        desk.rime.recovers()
        call.hears("press 1", within=20)


def test_a_stream_that_is_dropped_in_mid_call(desk):
    with desk.call() as call:
        call.hears("welcome")
        desk.inject("twilio drops stream")
        call.hears("press 1", within=10)
    assert len(call.recording.of_kind(EventKind.STREAM_STARTED)) == 2


def test_marks_come_back_late(desk):
    desk.twilio.delays_marks(500)
    with desk.call() as call:
        call.hears("press 1")
    marks = {event.detail: event.at_ms for event in call.recording.of_kind(EventKind.MARK_RETURNED)}
    assert marks
    assert min(marks.values()) >= 500


def test_a_web_service_answers(desk):
    desk.web.answers("https://api.example.com/orders/7", {"status": "ready"})
    with desk.call(flow="lookup.yaml") as call:
        call.hears("your order is ready")
        call.ends(node="told")
    [request] = desk.web.requests
    assert (request.method, request.url) == ("GET", "https://api.example.com/orders/7")


def test_a_web_service_fails(desk):
    desk.web.answers("https://api.example.com/*", status=503)
    with desk.call(flow="lookup.yaml") as call:
        call.hears("cannot look it up")


def test_a_web_service_is_not_there(desk):
    desk.web.answers_as_written("https://api.example.com/orders/7", {"down": True})
    with desk.call(flow="lookup.yaml") as call:
        call.hears("cannot look it up")


def test_a_web_service_that_was_forgotten_fails_the_test(desk):
    with (
        pytest.raises(CallFailure, match=r"asks api.example.com:443: nobody answers there"),
        desk.call(flow="lookup.yaml") as call,
    ):
        call.hears("cannot look it up")


def test_a_thread_reaches_no_other_machine(tmp_path):
    bridge, raised = Bridge(), []

    @bridge.flow("threads")
    async def threads(call):
        def dial():
            import socket

            socket.create_connection(("203.0.113.7", 443), timeout=1)

        try:
            await asyncio.to_thread(dial)
        except OSError as error:
            raised.append(str(error))
        await call.say("Done.")

    with Phone(folder=tmp_path) as phone, phone.call(bridge) as call:
        call.hears("done")
    assert raised == ["a test with a telephone connects to no other machine, and to '203.0.113.7' neither"]


def test_a_fault_that_is_not_known(desk):
    with pytest.raises(ConfigurationError, match=r"'rime hang' is not known; did you mean 'rime hangs after 2'\?"):
        desk.inject("rime hang")
    with pytest.raises(ConfigurationError, match="code 1008 is not simulated"):
        desk.rime.closes(1008)
    with pytest.raises(ConfigurationError, match="there is no call yet"):
        desk.inject("twilio drops stream")
