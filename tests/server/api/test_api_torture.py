"""Requests that no client sends by accident: each is refused in words, and the next one is answered."""

import asyncio
import json

import pytest
from support.api import SID, api, record
from support.faults import fault

SAY = f"/api/calls/{SID}/say"
JSON = "application/json"


def request(method, path, body=b"", *headers, kind=JSON):
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    if kind is not None:
        lines.append(f"Content-Type: {kind}")
    if (body or method == "POST") and not any(header.startswith("Content-Length") for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


REQUESTS = {
    # what is no JSON
    "no body": (request("POST", SAY), 400),
    "a lone brace": (request("POST", SAY, b"{"), 400),
    "a list": (request("POST", SAY, b"[]"), 400),
    "a string": (request("POST", SAY, b'"text"'), 400),
    "null": (request("POST", SAY, b"null"), 400),
    "NaN": (request("POST", SAY, b'{"text": NaN}'), 400),
    "Infinity": (request("POST", SAY, b'{"text": -Infinity}'), 400),
    "a comment": (request("POST", SAY, b'{"text": "a"} // b'), 400),
    "single quotes": (request("POST", SAY, b"{'text': 'a'}"), 400),
    "a byte order mark": (request("POST", SAY, b'\xef\xbb\xbf{"text": "a"}'), 400),
    "UTF-16": (request("POST", SAY, '{"text": "a"}'.encode("utf-16")), 400),
    "no UTF-8": (request("POST", SAY, b'{"text": "\xff"}'), 400),
    "only NUL bytes": (request("POST", SAY, bytes(100)), 400),
    "lists in lists": (request("POST", SAY, b'{"text": ' + b"[" * 30_000), 400),
    "objects in objects": (request("POST", SAY, b'{"a": ' * 5_000 + b"1" + b"}" * 5_000), 400),
    "forty lists": (request("POST", SAY, b'{"text": ' + b"[" * 40 + b"]" * 40 + b"}"), 400),
    "a key twice": (request("POST", SAY, b'{"text": "a", "text": "b"}'), 400),
    "a key twice inside": (request("POST", SAY, b'{"text": "a", "voice": {"lang": "a", "lang": "b"}}'), 400),
    "a number of 5000 digits": (request("POST", SAY, b'{"text": ' + b"9" * 5000 + b"}"), 400),
    # what is JSON and wrong
    "a number too great": (request("POST", "/api/calls", b'{"to": 1e400, "timeout": 99999999999999999999}'), 422),
    "a lone surrogate in a key": (request("POST", SAY, b'{"text": "a", "\\ud800": 1}'), 422),
    "a lone surrogate in a voice": (request("POST", SAY, b'{"text": "a", "voice": {"lang": "\\udc00"}}'), 422),
    "a NUL": (request("POST", SAY, b'{"text": "a\\u0000b"}'), 422),
    "true for a text": (request("POST", SAY, b'{"text": true}'), 422),
    "a thousand unknown keys": (request("POST", SAY, json.dumps({f"k{n}": n for n in range(1000)}).encode()), 422),
    "an empty key": (request("POST", SAY, b'{"": 1, "text": "a"}'), 422),
    # what is too much, or of another kind
    "too large": (request("POST", SAY, b'{"text": "' + b"a" * 70_000 + b'"}'), 413),
    "far too large": (request("POST", SAY, b"", "Content-Length: 99999999999"), 413),
    "a form": (request("POST", SAY, b"text=a", kind="application/x-www-form-urlencoded"), 415),
    "JSON that is not said to be": (request("POST", SAY, b'{"text": "a"}', kind=None), 415),
    "JSON said to be text": (request("POST", SAY, b'{"text": "a"}', kind="text/plain"), 415),
    "a content type that is none": (request("POST", SAY, b'{"text": "a"}', kind=";;;=,"), 415),
    # where nothing is
    "a slash in the call": (request("GET", "/api/calls/CA%2F1"), 404),
    "dots in the call": (request("GET", "/api/calls/%2e%2e%2f%2e%2e%2fetc%2fpasswd"), 404),
    "a NUL in the call": (request("GET", "/api/calls/CA%00"), 404),
    "a line break in the call": (request("GET", "/api/calls/CA%0d%0aX-Evil:%201"), 404),
    "bytes that are no UTF-8 in the call": (request("GET", "/api/calls/%ff%fe"), 404),
    "a long call": (request("GET", "/api/calls/" + "A" * 7000), 404),
    "a slash at the end": (request("GET", "/api/calls/"), 404),
    "a slash that is written otherwise": (request("GET", "/api%2fcalls"), 404),
    # how nobody asks
    "OPTIONS": (request("OPTIONS", "/api/calls"), 405),
    "TRACE": (request("TRACE", "/api/calls"), 405),
    "a method of its own": (request("PROPFIND", "/api/calls"), 405),
    "DELETE": (request("DELETE", f"/api/calls/{SID}"), 405),
    "another expectation": (request("POST", SAY, b'{"text": "a"}', "Expect: the-spanish-inquisition"), 417),
    "a query for a body": (request("POST", f"{SAY}?text=a", b'{"text": "a"}'), 422),
    "a query of bytes": (request("GET", "/api/calls?limit=%ff%00"), 422),
}


async def sent(url, raw):
    """What comes back, whole: status, headers in lower case, body."""
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(raw)
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        status, *lines = head.decode().strip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        has_body = not raw.startswith(b"HEAD") and "content-length" in headers
        body = await reader.readexactly(int(headers["content-length"])) if has_body else b""
    writer.close()
    return int(status.split()[1]), headers, body


@fault(
    "A client of the API sends bodies, paths and methods that nobody documented.",
    caller="Nothing.",
    operator="The fitting status with a problem document.",
    kept="The call, and the next request.",
)
@pytest.mark.parametrize(("raw", "status"), REQUESTS.values(), ids=REQUESTS)
async def test_it_is_refused_in_words_and_the_call_hears_nothing(raw, status):
    async with api() as client:
        control = client.calls.add(record())
        answered, headers, body = await sent(client.url, raw)
        assert answered == status, body
        assert headers["content-type"] == "application/problem+json"
        assert json.loads(body)["detail"]
        assert control.done == []
        await client.get("/api/calls")


@fault(
    "A TLS handshake or another protocol comes to the port.",
    caller="Nothing.",
    operator="The answer 400.",
    kept="The next request.",
)
@pytest.mark.parametrize(
    "raw",
    [request("BREW", "/api/calls"), request("GET", "/api/calls", b"", "X: \x01"), b"\x16\x03\x01\x02\x00\r\n\r\n"],
)
async def test_what_is_no_http_is_refused_before_there_is_a_path(raw):
    async with api() as client:
        assert (await sent(client.url, raw))[0] == 400
        await client.get("/api/calls")


@fault(
    "A stranger spells the path of the API otherwise: escaped, absolute, with dots.",
    caller="Nothing.",
    operator="The answer 401.",
    kept="The token: no spelling goes past it.",
)
@pytest.mark.parametrize("path", ["/%61pi/calls", "http://127.0.0.1/api/calls", "/api%2fcalls", "/api/./calls"])
async def test_no_spelling_of_the_path_goes_past_the_token(path):
    async with api(token="secret") as client:
        assert (await sent(client.url, request("GET", path)))[0] == 401


@pytest.mark.parametrize("path", ["//api/calls", "/x/../api/calls", "/API/calls", "\\api\\calls"])
async def test_a_path_that_only_looks_like_the_api_leads_nowhere(path):
    async with api(token="secret") as client:
        assert (await sent(client.url, request("GET", path)))[0] in (400, 404)


async def test_a_head_is_answered_without_a_body():
    async with api() as client:
        status, headers, body = await sent(client.url, request("HEAD", "/api/calls"))
        assert (status, headers["content-type"], body) == (200, "application/json", b"")
        assert (await sent(client.url, request("HEAD", "/api/nothing")))[::2] == (404, b"")


async def test_who_waits_to_be_told_to_go_on_is_told():
    async with api() as client:
        control = client.calls.add(record())
        raw = request("POST", SAY, b'{"text": "a"}', "Expect: 100-continue")
        status, headers, _ = await sent(client.url, raw)
        assert status == 100
        assert len(control.done) == 1
        assert headers == {}
