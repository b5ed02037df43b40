"""Webhook requests are signed, retried and redirected to another address as Twilio's settings say."""

import pytest
from aiohttp import web
from support.speech import serving
from support.virtual_time import virtually
from twilio.request_validator import RequestValidator

from telebridge.simulator.http.client import RequestFailed, WebClient

TOKEN = "secret"
FIELDS = {"CallSid": "CA1"}


class Server:
    """Responds with the given statuses in turn, then with 200, and keeps the requests."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)
        self.requests = []
        self.app = web.Application()
        self.app.router.add_route("*", "/{path:.*}", self.respond)

    async def respond(self, request):
        self.requests.append((request.method, str(request.rel_url), dict(await request.post()), request.headers))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200, text="<Response/>")


async def requested(server, path, method="POST", routes=None):
    async with serving(server.app) as url:
        client = WebClient(TOKEN, dict.fromkeys(routes or (), url))
        try:
            return await client.request(f"{url}{path}" if path.startswith("/") else path, method, FIELDS)
        finally:
            await client.aclose()


@virtually
async def test_a_request_is_signed_and_its_idempotency_token_stays_the_same_in_retries():
    server = Server(500, 500)
    response = await requested(server, "/voice#rc=2&rp=5xx")
    assert (response.status, response.body) == (200, b"<Response/>")
    tokens = {headers["I-Twilio-Idempotency-Token"] for _, _, _, headers in server.requests}
    assert (len(server.requests), len(tokens)) == (3, 1)
    _, path, fields, headers = server.requests[0]
    url = f"http://{headers['Host']}{path}"
    assert RequestValidator(TOKEN).validate(url, fields, headers["X-Twilio-Signature"])


@pytest.mark.parametrize(("path", "requests"), [("/voice", 1), ("/voice#rc=1&rp=5xx", 2), ("/voice#rc=3&rp=ct", 1)])
@virtually
async def test_a_failure_is_retried_only_as_the_url_says(path, requests):
    server = Server(500, 500, 500, 500)
    with pytest.raises(RequestFailed, match="answered 500") as failed:
        await requested(server, path)
    assert failed.value.code == 11200
    assert len(server.requests) == requests


@virtually
async def test_the_fields_of_a_get_request_are_in_the_query():
    server = Server()
    await requested(server, "/voice?a=1", "GET")
    assert [(method, path) for method, path, _, _ in server.requests] == [("GET", "/voice?a=1&CallSid=CA1")]


@virtually
async def test_credentials_of_a_url_are_sent_after_a_401():
    server = Server(401)
    await requested(server, "http://user:pass%20word@bridge.example/voice", routes=["http://bridge.example"])
    sent = [headers.get("Authorization") for _, _, _, headers in server.requests]
    assert sent == [None, "Basic dXNlcjpwYXNzIHdvcmQ="]


@virtually
async def test_a_routed_request_is_signed_for_the_original_url():
    server = Server()
    await requested(server, "https://bridge.example/voice", routes=["https://bridge.example"])
    [(_, _, fields, headers)] = server.requests
    assert RequestValidator(TOKEN).validate("https://bridge.example/voice", fields, headers["X-Twilio-Signature"])


@virtually
async def test_an_address_without_a_server_fails_with_the_code_of_a_connection():
    client = WebClient(TOKEN)
    with pytest.raises(RequestFailed) as failed:
        await client.request("http://127.0.0.1:9/voice", "POST", FIELDS)
    assert failed.value.code == 11205
    with pytest.raises(RequestFailed) as failed:
        await client.open_stream("ws://127.0.0.1:9/media")
    assert failed.value.code == 31902
    await client.aclose()


@virtually
async def test_an_upgrade_that_is_refused_has_the_code_of_a_handshake():
    server = Server(403)
    async with serving(server.app) as url:
        client = WebClient(TOKEN)
        with pytest.raises(RequestFailed, match="answered 403 instead of 101") as failed:
            await client.open_stream(url.replace("http", "ws", 1) + "/media")
        await client.aclose()
    assert failed.value.code == 31920


class Browsed:
    """Leads from address to address, counts the visits of a session, and keeps the requests."""

    def __init__(self, **redirects):
        self.redirects = redirects
        self.requests = []
        self.app = web.Application()
        self.app.router.add_route("*", "/{path:.*}", self.respond)

    async def respond(self, request):
        path = request.match_info["path"]
        self.requests.append((request.method, path, dict(await request.post()), request.cookies.get("visits"), request))
        status, location = self.redirects.get(path, (200, None))
        response = web.Response(status=status, text="<Response/>", headers={"Location": location} if location else {})
        response.set_cookie("visits", str(int(request.cookies.get("visits", "0")) + 1))
        return response


@pytest.mark.parametrize(
    ("status", "method", "fields"), [(301, "GET", {}), (302, "GET", {}), (303, "GET", {}), (307, "POST", FIELDS)]
)
@virtually
async def test_a_redirect_is_followed_as_in_a_browser_and_signed_for_its_address(status, method, fields):
    server = Browsed(voice=(status, "/moved?a=1"))
    response = await requested(server, "/voice")
    assert (response.status, response.url.partition("/moved")[1:]) == (200, ("/moved", "?a=1"))
    sent_method, path, sent, _, request = server.requests[1]
    assert (sent_method, path, sent) == (method, "moved", fields)
    signature = request.headers["X-Twilio-Signature"]
    assert RequestValidator(TOKEN).validate(str(request.url), sent, signature)


@pytest.mark.parametrize(
    ("redirect", "code", "requests"),
    [((308, "/moved"), 11216, 1), ((307, None), 11216, 1), ((307, "/voice"), 11215, 11)],
)
@virtually
async def test_what_is_no_redirect_fails(redirect, code, requests):
    server = Browsed(voice=redirect)
    with pytest.raises(RequestFailed) as failed:
        await requested(server, "/voice")
    assert (failed.value.code, len(server.requests)) == (code, requests)


@virtually
async def test_cookies_are_kept_for_one_call():
    server = Browsed()
    async with serving(server.app) as url:
        client = WebClient(TOKEN)
        one, other = client.for_call(), client.for_call()
        for call in (one, one, other, one, client):
            await call.request(f"{url}/voice", "POST", FIELDS)
        await client.aclose()
    assert [visits for _, _, _, visits, _ in server.requests] == [None, "1", None, "2", None]
