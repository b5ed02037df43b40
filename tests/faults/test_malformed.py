"""Requests that cannot be read: malformed addresses, headers and bodies"""

import asyncio
import gzip
import logging

import pytest
from structlog.testing import capture_logs
from support.faults import fault
from support.raw_http import answer_to, raw_request
from support.virtual_time import virtually

from telebridge.app.bridge import create_app
from telebridge.cli.listen import listening
from telebridge.server.http.connections import CONNECTIONS
from telebridge.server.http.refusal_log import MOST_CHARACTERS, MOST_LINES, SECONDS, RefusalLog, masked
from telebridge.server.http.request_bodies import BODY_SECONDS, FORM
from telebridge.settings.settings import Settings

FLOW = "flow: test\nstart: bye\nnodes:\n  bye: {hang_up: Goodbye.}\n"
TOKEN = "t" * 20
JSON = "application/json"
PART = b'--b\r\nContent-Disposition: form-data; name="CallSid"\r\n\r\nCA1\r\n'

HEADS = {
    "a bogus charset": ("", b"CallSid=CA1", ["Content-Type: %s; charset=klingon"]),
    "another charset": ("", "CallSid=é".encode("utf-16"), ["Content-Type: %s; charset=utf-16"]),
    "gzip": ("", gzip.compress(b"CallSid=CA1"), ["Content-Encoding: gzip"]),
    "gzip that is none": ("", b"\x00\x01CallSid", ["Content-Encoding: gzip"]),
    "an encoding that nobody knows": ("", b"CallSid=CA1", ["Content-Encoding: klingon"]),
    "an address with a bare percent sign": ("?x=%zz", b"", []),
    "an address with NUL": ("?x=%00", b"", []),
}
"""What is refused on every route, by what stands before the body: what is added to the address, a body, headers."""
BODIES = {
    "percent signs alone": (b"CallSid=%zz&To=%", FORM),
    "a form that is no form": (b"\xff\xfe", FORM),
    "a form in Latin-1": (b"CallSid=\xe9", FORM),
    "a form that is no UTF-8 once decoded": (b"CallSid=%ff%fe", FORM),
    "NUL": (b"CallSid=CA1%00&To=\x00", FORM),
    "two thousand fields": (b"&".join(b"a%d=1" % n for n in range(2000)), FORM),
    "multipart without an end": (PART, "multipart/form-data; boundary=b"),
    "multipart without a boundary": (PART, "multipart/form-data"),
    "multipart without names": (b"--b\r\n\r\nx\r\n--b--\r\n", "multipart/form-data; boundary=b"),
    "half of a JSON object": (b'{"text": "', JSON),
    "bytes as JSON": (bytes(range(256)), JSON),
    "a content type that is none": (b"x", ";;;=,"),
}
BROKEN = raw_request("POST", "{}", b"zz\r\nnonsense\r\n", ["Transfer-Encoding: chunked"], FORM)


def application(tmp_path, **values):
    (tmp_path / "test.yaml").write_text(FLOW)
    reach = {"url": "ws://127.0.0.1:1", "api_key": "key", "warm_sockets": 0, "local_fallback": False}
    return create_app(
        Settings(
            default_flow="test",
            flows_dir=tmp_path,
            state_dir=tmp_path / "var",
            twilio={"account_sid": "AC1", "auth_token": "a"},
            server={"api_token": TOKEN},
            public_url="https://bridge.example.com",
            rime=reach,
            campaigns={"dial": False},
            **values,
        )
    )


def serving(app):
    return listening(app, "127.0.0.1", 0, port_setting="server.port", bounds=app[CONNECTIONS])


def routes(app):
    """Every method and address of the application, with something in the place of each variable."""
    for route in app.router.routes():
        if route.method != "HEAD" and route.resource is not None:
            yield route.method, route.resource.canonical.replace("{", "").replace("}", "")


def no_traceback(caplog, logs):
    assert [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR] == []
    assert [line for line in logs if "exc_info" in line or line["log_level"] == "error"] == []


@fault(
    "Requests whose address, charset, Content-Encoding, form, multipart or JSON nobody can read come to every route.",
    caller="Nothing.",
    operator='400 and one line, or another status below 500; `telebridge_refused_total{endpoint="http"}` counts.',
    kept="The log has no traceback.",
)
@pytest.mark.parametrize("one_in", [pytest.param(1, marks=pytest.mark.slow), 9])
async def test_no_route_fails_at_a_malformed_request(tmp_path, caplog, one_in):
    app = application(tmp_path)
    authorized = f"Authorization: Bearer {TOKEN}"
    found = list(routes(app))
    assert len(found) > 30
    with capture_logs() as logs:
        async with serving(app) as url:
            for at, (method, path) in enumerate(found):
                kind = JSON if path.startswith("/api") else FORM
                # Each route gets some of them, and each comes to some routes, unless it is every one to every route.
                for added, body, lines in list(HEADS.values())[at % min(one_in, len(HEADS)) :: one_in]:
                    headers = [authorized, *(line.replace("%s", kind) for line in lines)]
                    status, text = await answer_to(url, raw_request(method, path + added, body, headers))
                    assert status == 400, (method, path, added, lines, text)
                    assert len(text.splitlines()) == 1, text
                posted = method in ("POST", "PUT", "DELETE")
                for body, content_type in list(BODIES.values())[at % min(one_in, len(BODIES)) :: one_in]:
                    status, text = await answer_to(url, raw_request(method, path, body, [authorized], content_type))
                    assert status < 500, (method, path, content_type, text)
                    assert len(text.splitlines()) <= 1 or status < 400 or text.startswith("<!doctype html>"), text
                    if posted and path.startswith("/twilio"):
                        assert status == 400, (method, path, body, text)
    no_traceback(caplog, logs)


@fault(
    "A body is not sent as its headers say: chunks that are none, in the middle of which the connection ends.",
    caller="Nothing.",
    operator='400 and one line; `telebridge_refused_total{endpoint="http",reason="malformed"}` counts.',
    kept="The log has no traceback.",
)
async def test_a_broken_body_or_head_is_one_line_in_the_log(tmp_path, caplog):
    app = application(tmp_path)
    with capture_logs() as logs:
        async with serving(app) as url:
            for path in ("/twilio/voice", "/api/calls", "/healthz"):
                status, text = await answer_to(url, BROKEN.replace(b"{}", path.encode()))
                assert status < 500, text
            for head in (b"GET /healthz HTTP/1.1\r\nX: \x01\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n\r\n"):
                status, _ = await answer_to(url, head)
                assert status == 400
            await asyncio.sleep(0)
    no_traceback(caplog, logs)


@fault(
    "A client sends the headers of a webhook, and its body never.",
    caller="Nothing.",
    operator="408 and one line after 10 s; the connection is closed.",
    kept="Descriptors and memory for others.",
)
@virtually
async def test_a_body_that_does_not_come_is_refused(tmp_path):
    app = application(tmp_path)
    async with serving(app) as url:
        for path, kind, headers in (
            ("/twilio/voice", FORM, ()),
            ("/api/calls", JSON, (f"Authorization: Bearer {TOKEN}",)),
        ):
            raw = raw_request("POST", path, b"a", ["Content-Length: 9", *headers], kind)
            began = asyncio.get_running_loop().time()
            status, text = await answer_to(url, raw, seconds=60)
            assert status == 408, text
            assert BODY_SECONDS <= asyncio.get_running_loop().time() - began < BODY_SECONDS + 1


@fault(
    "Strangers send a flood of forged webhooks with numbers, signed variables and thousands of characters.",
    caller="Nothing.",
    operator="403; at most 20 lines a minute, each short, with numbers masked and without the query.",
    kept="The disk, and what the log must not hold.",
)
async def test_refusals_fill_no_log_and_write_nothing_private_into_it(tmp_path):
    app = application(tmp_path)
    query = "?variables=SIGNED&To=%2B15551234567" + "x" * 6000
    with capture_logs() as logs:
        async with serving(app) as url:
            for _ in range(MOST_LINES + 10):
                status, _ = await answer_to(
                    url, raw_request("POST", f"/twilio/voice/15551234567{query}", b"", (), FORM)
                )
                assert status == 403
    lines = [line for line in logs if line["event"].startswith("request refused")]
    assert len(lines) == MOST_LINES
    for line in lines:
        assert len(str(line)) < 3 * MOST_CHARACTERS
        assert "SIGNED" not in str(line)
        assert "15551234" not in str(line)


@fault(
    "After a flood of refused requests the next minute begins.",
    caller="Nothing.",
    operator="A line again, with `more_before`: how many were left out.",
    kept="How many there were.",
)
@virtually
async def test_what_the_log_left_out_is_counted():
    refusals = RefusalLog()
    with capture_logs() as logs:
        for _ in range(MOST_LINES + 5):
            refusals.write("refused", peer="192.0.2.1")
        await asyncio.sleep(SECONDS + 1)
        refusals.write("refused", text="call +15551234567\nnow" + "y" * 1000)
    assert len(logs) == MOST_LINES + 1
    assert logs[-1]["more_before"] == 5
    assert logs[-1]["text"].startswith("call •••67?now")
    assert len(logs[-1]["text"]) <= MOST_CHARACTERS + 1
    assert masked("192.0.2.1") == "192.0.2.1"
