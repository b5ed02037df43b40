"""Proxies and load balancers in front of the bridge"""

import ast
import asyncio
import re
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs
from support.bridge import bridge
from support.faults import fault
from yarl import URL

from telebridge.cli.listen import listening
from telebridge.errors import ConfigurationError
from telebridge.server.http.connections import ConnectionBounds
from telebridge.settings.loading import load_settings
from telebridge.simulator.setup.options import AUTH_TOKEN
from telebridge.twilio.request_signature import webhook_signature

FLOW = """
flow: test
start: bye
nodes:
  bye: {hang_up: "Goodbye."}
"""
OUTER = "bridge.example.com"
FIELDS = {"CallSid": "CA" + "1" * 32, "From": "+15550001", "To": "+15550002", "Direction": "inbound"}
LOOPBACK = {"host": "127.0.0.1", "trusted_proxies": ("127.0.0.0/8",)}
TRAEFIK = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": OUTER, "X-Forwarded-Port": "443"}
DOCKERFILE = Path(__file__).parents[2] / "Dockerfile"


def signed(url, fields=FIELDS, **headers):
    return {**headers, "X-Twilio-Signature": webhook_signature(AUTH_TOKEN, url, fields)}


async def posted(session, url, headers, fields=FIELDS):
    async with session.post(url, data=fields, headers=headers) as response:
        return response.status, await response.text()


async def opened(session, url, headers):
    """Open a media stream as a proxy passes it on; gives the status."""
    try:
        async with session.ws_connect(url, headers=headers):
            return 101
    except aiohttp.WSServerHandshakeError as error:
        return error.status


def stream_in(twiml):
    return re.search(r'url="(wss?://[^"]+)"', twiml)[1]


FORWARDED = {"Forwarded": f'for="[2001:db8::1]:4711";proto=https;host={OUTER}'}


@pytest.mark.parametrize(
    ("webhook", "upgrade", "base"),
    [
        pytest.param(
            TRAEFIK,
            {**TRAEFIK, "X-Forwarded-Proto": "wss"},
            f"https://{OUTER}",
            marks=fault(
                "A trusted proxy (Traefik) passes the upgrade to a media stream on with `X-Forwarded-Proto: wss`.",
                caller="The flow.",
                operator="A live call.",
                kept="The call: the signature is checked over the address that Twilio dialled.",
            ),
        ),
        pytest.param(
            {**TRAEFIK, "X-Forwarded-Prefix": "/phone"},
            {**TRAEFIK, "X-Forwarded-Proto": "wss", "X-Forwarded-Prefix": "/phone"},
            f"https://{OUTER}/phone",
            marks=fault(
                "A trusted proxy strips a path, says so in `X-Forwarded-Prefix`, and there is no `public_url`.",
                caller="The flow.",
                operator="A live call.",
                kept="The call: addresses given to Twilio have the path.",
            ),
        ),
        pytest.param(
            {**TRAEFIK, "X-Forwarded-Port": "8443"},
            {**TRAEFIK, "X-Forwarded-Port": "8443"},
            f"https://{OUTER}:8443",
            marks=fault(
                "A trusted proxy names the host and, apart from it, the port that Twilio dialled.",
                caller="The flow.",
                operator="A live call.",
                kept="The call: addresses given to Twilio have the port.",
            ),
        ),
        pytest.param(
            FORWARDED,
            FORWARDED,
            f"https://{OUTER}",
            marks=fault(
                "A trusted proxy writes `Forwarded` (RFC 7239) and no `X-Forwarded-…`.",
                caller="The flow.",
                operator="A live call.",
                kept="The call: the signature is checked over the address that Twilio dialled.",
            ),
        ),
    ],
)
async def test_a_proxy_says_what_was_dialled(tmp_path, webhook, upgrade, base):
    async with bridge(tmp_path, FLOW, server=LOOPBACK) as stack, aiohttp.ClientSession() as session:
        headers = signed(f"{base}/twilio/voice", **webhook)
        status, twiml = await posted(session, f"{stack.url}/twilio/voice", headers)
        assert status == 200
        outside = stream_in(twiml)
        assert outside.startswith(f"wss{base.removeprefix('https')}/twilio/media/")
        inside = stack.url + outside.removeprefix(f"wss{base.removeprefix('https')}")
        assert await opened(session, inside, signed(outside, {}, **upgrade)) == 101
        assert await opened(session, inside, signed("wss://evil.example.com/x", {}, **upgrade)) == 403


@fault(
    "The load balancer does not strip the path of `public_url`, or strips it.",
    caller="The flow.",
    operator="A live call; `telebridge doctor` says that both are served.",
    kept="The call: webhooks, media streams and the API are served with the path and without it.",
)
@pytest.mark.parametrize("left", ["/phone/line", ""])
async def test_a_path_in_the_public_address_may_be_stripped_or_not(tmp_path, left):
    public = f"https://{OUTER}/phone/line"
    values = {"public_url": public, "server": {"api_token": "token"}}
    async with bridge(tmp_path, FLOW, **values) as stack, aiohttp.ClientSession() as session:
        headers = signed(f"{public}/twilio/voice?a=1")
        status, twiml = await posted(session, f"{stack.url}{left}/twilio/voice?a=1", headers)
        assert status == 200
        outside = stream_in(twiml)
        assert outside.startswith(f"wss://{OUTER}/phone/line/twilio/media/")
        path = outside.removeprefix(f"wss://{OUTER}/phone/line")
        assert await opened(session, f"{stack.url}{left}{path}", signed(outside, {})) == 101
        refused = signed(f"https://{OUTER}/other/twilio/voice")
        assert (await posted(session, f"{stack.url}{left}/twilio/voice", refused))[0] == 403
        for path, token, expected in (("/api/calls", {}, 401), ("/api/calls", {"Authorization": "Bearer token"}, 200),
                                      ("/api/nothing", {"Authorization": "Bearer token"}, 404), ("/metrics", {}, 401),
                                      ("/healthz", {}, 200)):  # fmt: skip
            async with session.get(f"{stack.url}{left}{path}", headers=token) as response:
                assert response.status == expected, path
                assert (response.content_type == "application/problem+json") == (expected >= 400)


@fault(
    "A stranger asks below the path of `public_url` for what needs the token, whatever that path is.",
    caller="Nothing.",
    operator='`telebridge_refused_total{endpoint="api"}` counts.',
    kept="Every guarded address below the path is guarded: no route is open there that is closed without it.",
)
@pytest.mark.parametrize("base", ["/phone", "/api", "/twilio", "/a/metrics", "/~a/b:c@d+e"])
async def test_below_the_path_every_route_is_guarded_as_without_it(tmp_path, base):
    values = {"public_url": f"https://{OUTER}{base}", "server": {"api_token": "token"}}
    async with bridge(tmp_path, FLOW, **values) as stack, aiohttp.ClientSession() as session:
        paths = ["/api", "/api/nothing", "/api/calls", "/api/calls/x", "/api/openapi.json", "/metrics"]
        paths += ["/prompts/x.wav", "/twilio/voice", "/twilio/media/x", "/healthz", "/%61pi/calls"]
        for path in paths:
            statuses = []
            for asked in (path, base + path):
                async with session.get(URL(stack.url + asked, encoded=True)) as response:
                    statuses.append(response.status)
            assert statuses[0] == statuses[1] == EXPECTED.get(path, 401), path


EXPECTED = {"/prompts/x.wav": 404, "/twilio/voice": 403, "/twilio/media/x": 403, "/healthz": 200}


@fault(
    "The load balancer adds a path to requests that `public_url` has not.",
    caller="Twilio's error message.",
    operator='A log line that names the path and what to set; `telebridge_refused_total{endpoint="webhook"}` counts.',
    kept="The reason: it is in the log, within bounds.",
)
async def test_a_webhook_at_a_path_where_nothing_is_served_is_logged(tmp_path):
    async with bridge(tmp_path, FLOW) as stack, aiohttp.ClientSession() as session:
        with capture_logs() as logs:
            for _ in range(30):
                status, _ = await posted(session, f"{stack.url}/phone/twilio/voice", {})
                assert status == 404
            assert (await posted(session, f"{stack.url}/favicon.ico", {}))[0] == 404
    told = [log for log in logs if "no webhook is at this path" in log["event"]]
    assert len(told) == 20
    assert (told[0]["path"], told[0]["served"]) == ("/phone/twilio/voice", "/twilio/…")


@fault(
    "Twilio signs a query with bare `:` and `@` and sends it percent-encoded, or the other way round.",
    caller="The flow.",
    operator="A live call.",
    kept="The call: both spellings are accepted, with the port and without it; another value is refused.",
)
@pytest.mark.parametrize("sent", ["sip:anna@example.com;line=1", "sip%3Aanna%40example.com%3Bline%3D1"])
@pytest.mark.parametrize("dialled", ["sip:anna@example.com;line=1", "sip%3Aanna%40example.com%3Bline%3D1"])
@pytest.mark.parametrize("port", ["", ":443"])
async def test_a_query_may_be_signed_bare_or_encoded(tmp_path, sent, dialled, port):
    fields = {**FIELDS, "CallStatus": "ringing"}
    values = {"public_url": f"https://{OUTER}", "server": {"api_token": "token"}}
    async with bridge(tmp_path, FLOW, **values) as stack, aiohttp.ClientSession() as session:
        url = URL(f"{stack.url}/twilio/status?to={sent}", encoded=True)
        headers = signed(f"https://{OUTER}{port}/twilio/status?to={dialled}", fields)
        assert (await posted(session, url, headers, fields))[0] == 204
        headers = signed(f"https://{OUTER}{port}/twilio/status?to={dialled}x", fields)
        assert (await posted(session, url, headers, fields))[0] == 403


def health_check():
    """What the image runs to see whether the bridge is alive."""
    [command] = re.findall(r"HEALTHCHECK.*\\\n\s+CMD (\[.*\])", DOCKERFILE.read_text())
    return ast.literal_eval(command)


@fault(
    "`server.host` is `::` and somebody asks over IPv4, as the health check of the image does.",
    caller="The flow.",
    operator="A healthy container.",
    kept="Both families: an IPv4 peer counts as the IPv4 address that it is, for trusted proxies too.",
)
async def test_the_address_of_all_interfaces_takes_both_families():
    async def healthz(request):
        return web.Response(text=request.remote)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    bounds = ConnectionBounds(trusted_proxies=("127.0.0.1",))
    async with listening(app, "::", 0, port_setting="server.port", bounds=bounds) as url, aiohttp.ClientSession() as s:
        port = url.rpartition(":")[2]
        for host in ("127.0.0.1", "[::1]"):
            async with s.get(f"http://{host}:{port}/healthz") as response:
                assert response.status == 200
        program, *arguments = [word.replace(":8080", f":{port}") for word in health_check()]
        checking = await asyncio.create_subprocess_exec(program, *arguments)
        assert await checking.wait() == 0


@fault(
    "`public_url` or `server.trusted_proxies` holds what is no address.",
    caller="Nothing: the server does not start.",
    operator="One line that names the setting and the value.",
    kept="Nothing is guessed.",
)
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('public_url = "https://a.example/x?b=1"', "public_url: is no http or https address"),
        ('public_url = "https://a.example/{x}"', "public_url: is no http or https address with a plain path"),
        ('public_url = "https://a.example/a%20b"', "public_url: is no http or https address with a plain path"),
        ('[server]\ntrusted_proxies = ["10.0.0.1/8"]', "server.trusted_proxies: '10.0.0.1/8' is no network"),
        ('[server]\ntrusted_proxies = ["proxy"]', "server.trusted_proxies: 'proxy' is no network such as 10.0.0.0/8"),
    ],
)
def test_an_address_that_is_none_is_refused_at_the_start(tmp_path, text, told):
    (tmp_path / "telebridge.toml").write_text(text)
    with pytest.raises(ConfigurationError, match=re.escape(told)):
        load_settings(tmp_path / "telebridge.toml")
