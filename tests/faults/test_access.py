"""Strangers at the interfaces: the API, webhooks, and the files of the state folder"""

import asyncio
import os
import stat

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from support.bridge import bridge
from support.faults import fault
from support.virtual_time import virtually

from telebridge.app.bridge import create_app
from telebridge.errors import ConfigurationError
from telebridge.settings.settings import Settings
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.setup.options import AUTH_TOKEN
from telebridge.twilio.calls import is_sid
from telebridge.twilio.request_signature import webhook_signature

FLOW = """
flow: test
start: message
nodes:
  message: {record: "Leave a message.", then: menu}
  menu: {collect: "Type your number.", digits: {max: 4}, into: number, then: bye}
  bye: {hang_up: Goodbye.}
"""
PUBLIC = "https://bridge.example.com"
NO_SIDS = [
    "", "CA", "CA1", "../../x", "CA" + "1" * 31, "CA" + "1" * 33, "CA" + "1" * 32 + "\n", "ca" + "1" * 32,
    "CA" + "\uff11" * 32, "CA" + "A" * 32, "CA/../" + "1" * 28, "CA" + "1" * 31 + "\x00", "C" * 100_000,
]  # fmt: skip
WEBHOOKS = ["voice", "voice/test", "next", "dial-status", "whisper", "status", "amd", "stream-status"]


def settings(tmp_path, **values):
    (tmp_path / "test.yaml").write_text(FLOW)
    return Settings(
        default_flow="test",
        flows_dir=tmp_path,
        state_dir=tmp_path / "var",
        rime={"url": "ws://127.0.0.1:1", "api_key": "key"},
        **values,
    )


@pytest.mark.slow
@fault(
    "A stranger asks for the API or the metrics through a proxy on the same machine that leaves no trace.",
    caller="Nothing.",
    operator="`telebridge_refused_total{endpoint}` counts; a warning at the start says that both are closed.",
    kept="The calls, what was said in them, and control over them.",
)
@pytest.mark.parametrize("path", ["/api/calls", "/api", "/metrics", "/api/events", "/api/openapi.json"])
async def test_behind_a_public_address_nothing_is_answered_without_the_token(tmp_path, path):
    async with bridge(tmp_path, FLOW, public_url=PUBLIC) as stack, aiohttp.ClientSession() as session:
        async with session.get(stack.url + path) as answer:
            assert (answer.status, answer.content_type) == (403, "application/problem+json")
            assert "server.api_token" in (await answer.json(content_type=None))["detail"]
        async with session.get(f"{stack.url}/healthz") as answer:
            assert answer.status == 200


@fault(
    "A page of another site, or a proxy, asks for the metrics of a server that has no token.",
    caller="Nothing.",
    operator='`telebridge_refused_total{endpoint="metrics"}` counts.',
    kept="What the metrics say of the calls.",
)
@pytest.mark.parametrize("headers", [{"X-Forwarded-For": "203.0.113.9"}, {"Host": "rebound.example.com"}])
async def test_the_metrics_answer_a_direct_connection_and_nothing_else(tmp_path, headers):
    async with bridge(tmp_path, FLOW) as stack, aiohttp.ClientSession() as session:
        async with session.get(f"{stack.url}/metrics", headers=headers) as answer:
            assert answer.status == 403
        async with session.get(f"{stack.url}/metrics") as answer:
            assert answer.status == 200


@fault(
    "A server that others can reach has nothing to check the signatures of webhooks with.",
    caller="Nothing: it does not start.",
    operator="One line that names `twilio.auth_token`, and exit code 2.",
    kept="Whoever is not Twilio begins no call.",
)
@pytest.mark.parametrize(
    "values",
    [
        {"public_url": PUBLIC},
        {"server": {"host": "0.0.0.0"}},
        {"server": {"host": ""}},
        {"server": {"host": "::"}},
        {"public_url": PUBLIC, "twilio": {"account_sid": "AC1", "api_key_sid": "SK1", "api_key_secret": "s"}},
    ],
)
def test_a_server_that_cannot_tell_twilio_from_others_does_not_start(tmp_path, values):
    with pytest.raises(ConfigurationError) as raised:
        create_app(settings(tmp_path, **values))
    assert raised.value.where == "twilio.auth_token"
    assert "\n" not in str(raised.value)


@fault(
    "Signatures are switched off, or there is no account yet, on a server.",
    caller="Nothing unusual.",
    operator="A warning at each start: webhooks are not checked.",
    kept="Nothing is: anybody who reaches the server can send webhooks.",
)
@pytest.mark.parametrize("values", [{"public_url": PUBLIC, "twilio": {"validate_signatures": False}}, {}])
def test_unchecked_webhooks_are_warned_of_at_each_start(tmp_path, values):
    for _ in range(2):
        with capture_logs() as logs:
            create_app(settings(tmp_path, **values))
        assert [log["event"].partition(":")[0] for log in logs].count("webhooks are not checked") == 1


@fault(
    "A webhook names a call by what is no SID, such as `../../x`.",
    caller="Nothing: no call begins.",
    operator='The answer 400; `telebridge_refused_total{endpoint="webhook"}` counts.',
    kept="No file is written and no row is made by that name.",
)
@pytest.mark.parametrize("webhook", WEBHOOKS)
async def test_what_is_no_sid_is_refused_before_anything_is_done_with_it(tmp_path, webhook):
    async with bridge(tmp_path, FLOW, calls={"record": True}) as stack, aiohttp.ClientSession() as session:
        url = f"{stack.url}/twilio/{webhook}?attempt=a1"
        for call_sid in NO_SIDS:
            form = {"CallSid": call_sid, "CallStatus": "completed", "AnsweredBy": "human", "To": "+1", "From": "+1"}
            signature = webhook_signature(AUTH_TOKEN, url, form)
            async with session.post(url, data=form, headers={"X-Twilio-Signature": signature}) as answer:
                assert answer.status == 400
                assert (await answer.text()).startswith("CallSid is ")
        assert len(stack.calls) == 0


@fault(
    "Any text at all comes as a SID.",
    caller="Nothing.",
    operator="The answer 400.",
    kept="What passes is two letters and 32 hexadecimal digits, and can lead to no other folder.",
)
@given(st.text() | st.from_regex(r"[A-Z]{2}[0-9a-f]{32}\n?"))
def test_what_passes_as_a_sid_is_a_plain_name(text):
    if is_sid(text):
        assert len(text) == 34
        assert text.isascii()
        assert text.isalnum()


@fault(
    "Somebody else with an account on the machine looks into the state folder.",
    caller="Nothing unusual.",
    operator="Files of mode 0600 in folders of 0700.",
    kept="What callers said, pressed and heard is for the bridge's user alone, and so is the secret.",
)
@virtually
async def test_what_is_kept_of_calls_is_for_its_owner_alone(tmp_path):
    before = os.umask(0)
    try:
        values = {"state_dir": tmp_path / "var", "secret": "", "calls": {"record": True}}
        async with bridge(tmp_path, FLOW, **values) as stack:
            script = parse_script("wait; silence 300ms; speak 2s; wait; press 1234; listen 20s")
            placed = stack.simulator.place_inbound_call(stack.webhook, script)
            await placed.finished
            await asyncio.sleep(5)
    finally:
        os.umask(before)
    made = [tmp_path / "var", *(tmp_path / "var").rglob("*")]
    kinds = {path.parent.name for path in made if path.is_file()}
    assert {"var", "flights", "recordings"} <= kinds
    assert any(path.name.startswith("telebridge.db") for path in made)
    assert {path: stat.S_IMODE(path.stat().st_mode) for path in made} == {
        path: 0o700 if path.is_dir() else 0o600 for path in made
    }
