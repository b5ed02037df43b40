"""A stranger's day against a bridge behind an nginx; run by `scripts/strangers-day`.

The nginx has the plain configuration of its documentation: `proxy_pass` and no more, and for the media stream the three
lines of "WebSocket proxying". The bridge has 300 file descriptors. Everything is on loopback.
"""

import asyncio
import json
import re
import resource
import socket
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.flood import Echo, flood_of, percentile, send_flood  # noqa: E402 - as in write_faults.py
from support.nginx import nginx, nginx_program  # noqa: E402
from support.programs import Serving  # noqa: E402
from support.raw_http import answer_to, connected, raw_request  # noqa: E402
from telebridge.server.http.connections import HEADER_SECONDS  # noqa: E402
from telebridge.server.http.request_bodies import BODY_SECONDS, FORM  # noqa: E402
from telebridge.twilio.request_signature import webhook_signature  # noqa: E402

DESCRIPTORS = 300
HALF_SENT = 400
MORE_SECONDS = 0.05
ATTEMPTS = 3
AUTH_TOKEN, API_TOKEN = "the auth token of Twilio", "the-token-of-the-api"
NUMBER = "+15551234567"
FLOW = """
flow: day
start: hello
nodes:
  hello: {say: "SENTENCES", then: wait}
  wait: {wait: 60s, then: bye}
  bye: {hang_up: Goodbye.}
""".replace("SENTENCES", "Please hold the line. " * 40)
WEBHOOKS = ["voice", "voice/day", "next", "dial-status", "whisper", "status", "amd", "stream-status"]
MALFORMED = {
    "a charset that nobody knows": (
        b"CallSid=CA1",
        ["Content-Type: application/x-www-form-urlencoded; charset=x-none"],
    ),
    "multipart without an end": (b"--b\r\nContent-Disp", ["Content-Type: multipart/form-data; boundary=b"]),
    "a form with bare percent signs": (b"CallSid=%zz", [f"Content-Type: {FORM}"]),
    "a form that is no UTF-8": (b"CallSid=\xff\xfe", [f"Content-Type: {FORM}"]),
    "a form with NUL": (b"CallSid=CA%00", [f"Content-Type: {FORM}"]),
    "a body said to be gzip": (b"\x00\x01\x02", [f"Content-Type: {FORM}", "Content-Encoding: gzip"]),
    "half of a JSON object": (b'{"to": "', ["Content-Type: application/json"]),
}


@dataclass
class Row:
    """One line of the table."""

    tried: str
    through: str
    expected: str
    answered: str
    right: bool


class Day:
    """What was tried, and what came back.

    Args:
        bridge: The address of the bridge itself.
        front: The address of the nginx before it, which is the public one.
    """

    def __init__(self, bridge, front):
        self.bridge = bridge
        self.front = front
        self.rows = []
        self._calls = 0

    def note(self, tried, through, expected, answered, *, right):
        self.rows.append(Row(tried, through, expected, answered, right))

    def statuses(self, tried, through, expected, found):
        """Note the statuses of several requests, all of which should be one."""
        shown = ", ".join(f"{count} of {status}" for status, count in sorted(Counter(found).items()))
        self.note(tried, through, str(expected), shown, right=set(found) == {expected})

    def form(self, **values):
        self._calls += 1
        values = {"CallSid": f"CA{self._calls:032}", "From": NUMBER, "To": "+15559876543", **values}
        return {"CallStatus": "ringing", **values}

    def signed(self, form, path="/twilio/voice", *, url=None, token=AUTH_TOKEN):
        """A webhook as Twilio sends it."""
        signature = webhook_signature(token, f"{url or self.front}{path}", form)
        headers = [f"X-Twilio-Signature: {signature}"]
        return raw_request("POST", path, urlencode(form).encode(), headers, FORM)

    async def call(self, url=None):
        """Begin a call as Twilio does; returns the webhook's status, the path of the media stream, and the CallSid."""
        form = self.form()
        status, twiml = await answer_to(url or self.front, self.signed(form), seconds=30)
        found = re.search(r'url="ws://[^/]*([^"]+)"', twiml)
        return status, found.group(1) if found else "", form["CallSid"]


async def api_without_token(day):
    paths = [("GET", path) for path in ("/api/calls", "/api", "/api/openapi.json", "/api/campaigns", "/metrics")]
    paths += [("POST", "/api/calls"), ("POST", "/api/do-not-call"), ("POST", f"/api/calls/CA{1:032}/say")]
    for tried, headers in {
        "the API and the metrics without a token": [],
        "the same with a token that is none": ["Authorization: Bearer guessed"],
        "the same as if from this machine": [
            "X-Forwarded-For: 127.0.0.1",
            "X-Real-IP: 127.0.0.1",
            "Forwarded: for=127.0.0.1",
        ],
    }.items():
        for through, url in (("nginx", day.front), ("direct", day.bridge)):
            found = [
                (
                    await answer_to(
                        url, raw_request(method, path, b"{}" if method == "POST" else b"", headers, "application/json")
                    )
                )[0]
                for method, path in paths
            ]
            day.statuses(tried, through, 401, found)
    raw = raw_request("GET", "/api/calls", b"", [f"Authorization: Bearer {API_TOKEN}"])
    day.statuses("the API with its token", "nginx", 200, [(await answer_to(day.front, raw))[0]])


async def api_of_a_bridge_without_a_token(day):
    await until_served(day.front)
    paths = ("/api/calls", "/api/openapi.json", "/metrics")
    found = [(await answer_to(day.front, raw_request("GET", path)))[0] for path in paths]
    day.statuses("the API of a bridge that has no token", "nginx", 403, found)


async def forged_webhooks(day):
    found = {
        "unsigned": [],
        "signed with another key": [],
        "signed for another address": [],
        "changed after it was signed": [],
    }
    for webhook in WEBHOOKS:
        path, form = f"/twilio/{webhook}?variables=SIGNED", day.form()
        requests = {
            "unsigned": raw_request("POST", path, urlencode(form).encode(), (), FORM),
            "signed with another key": day.signed(form, path, token="guessed"),
            "signed for another address": day.signed(form, path, url="https://example.com"),
            "changed after it was signed": day.signed(form, path).replace(b"5559876543", b"9005550100"),
        }
        for name, raw in requests.items():
            found[name].append((await answer_to(day.front, raw))[0])
    for name, statuses in found.items():
        day.statuses(f"webhooks, {name}", "nginx", 403, statuses)
    sids = ["../../x", "", "CA1", "CA" + "1" * 31 + "/"]
    found = [(await answer_to(day.front, day.signed(day.form(CallSid=sid))))[0] for sid in sids]
    day.statuses("a signed webhook whose CallSid is none", "nginx", 400, found)
    paths = ["/prompts/forged.wav", "/prompts/W10.forged.wav"]
    found = [(await answer_to(day.front, raw_request("GET", path)))[0] for path in paths]
    day.statuses("prompts with a forged address", "nginx", 404, found)


async def malformed_bodies(day):
    paths = [f"/twilio/{webhook}" for webhook in WEBHOOKS]
    for tried, (body, headers) in MALFORMED.items():
        json_body = "json" in headers[0]
        token = [f"Authorization: Bearer {API_TOKEN}"]
        found, lines = [], 0
        for path in ["/api/calls", "/api/campaigns", "/api/do-not-call"] if json_body else paths:
            status, text = await answer_to(day.front, raw_request("POST", path, body, [*headers, *token]))
            found.append(status)
            lines = max(lines, len(text.splitlines()))
        day.statuses(tried, "nginx", 400, found if lines == 1 else [*found, f"{lines} lines"])


async def media_streams(day):
    handshake = [
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Ng==",
    ]
    status, path, _ = await day.call()
    day.statuses("a call that Twilio signed", "nginx", 200, [status])
    found = [
        (await answer_to(day.front, raw_request("GET", target, b"", handshake)))[0]
        for target in (path, "/twilio/media/guessed")
    ]
    day.statuses("a media stream, unsigned", "nginx", 403, found)
    ws = day.front.replace("http", "ws", 1)
    signature = [f"X-Twilio-Signature: {webhook_signature(AUTH_TOKEN, ws + path, {})}"]
    raw = raw_request("GET", path, b"", [*handshake, *signature])
    found = [(await answer_to(day.front, raw))[0] for _ in range(2)]
    day.note(
        "a media stream's token, shown twice",
        "nginx",
        "101, 403",
        ", ".join(map(str, found)),
        right=found == [101, 403],
    )


async def slow_clients(day):
    """Half-sent headers on more connections than the bridge has descriptors, and a body that does not come."""
    loop = asyncio.get_running_loop()
    attack = []
    for _ in range(HALF_SENT):
        reader, writer = await connected(day.bridge)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: bridge\r\nX-Slow: ")
        attack.append((reader, writer))
    began = loop.time()
    found = [(await day.call(url))[0] for url in (day.front, day.bridge) * 5]
    day.statuses(f"calls while {HALF_SENT} clients hold half-sent headers", "both", 200, found)
    ends = await asyncio.gather(*(_closed(reader, began) for reader, _ in attack))
    longest = max(ends)
    day.note(
        f"{HALF_SENT} half-sent headers, {DESCRIPTORS} descriptors",
        "direct",
        f"closed within {HEADER_SECONDS:g} s",
        f"{len(ends)} closed, the last after {longest:.1f} s",
        right=longest < HEADER_SECONDS + 3,
    )
    raw = raw_request("POST", "/twilio/voice", b"a", ["Content-Length: 9"], FORM)
    status, text = await answer_to(day.bridge, raw, seconds=60)
    day.note(
        "a body that does not come",
        "direct",
        f"408 after {BODY_SECONDS:g} s",
        f"{status}, {len(text.splitlines())} line",
        right=status == 408,
    )
    for _, writer in attack:
        writer.close()


async def _closed(reader, began):
    with suppress(ConnectionError, TimeoutError):
        await asyncio.wait_for(reader.read(), 90)
    return asyncio.get_running_loop().time() - began


async def floods(day):
    """A flood on one media stream, while the pings of another call are answered."""
    _, path, call_sid = await day.call()
    echo = await Echo.open(day.bridge, day.front, path, call_sid, AUTH_TOKEN)
    await echo.measure(2)  # the call has begun
    for kind, tried in {
        "messages": "10,000 media messages at once on another stream",
        "large": "media messages of 1 MB on another stream",
        "nonsense": "10,000 messages of an unknown event on another stream",
    }.items():
        for _ in range(ATTEMPTS):
            quiet, waits = percentile(await echo.measure(3), 99), await flooded(day, echo, kind)
            slowest = percentile(waits, 99)
            right = slowest - quiet <= MORE_SECONDS
            if right:  # else once more: a wait of the bridge's own comes again, one of a busy machine does not
                break
        shown = f"{quiet * 1000:.1f} → {slowest * 1000:.1f} ms (99 %), {percentile(waits, 100) * 1000:.0f} ms at most"
        day.note(f"{tried}: a call's wait", "direct", "at most 50 ms more", shown, right=right)
    await echo.close()


async def flooded(day, echo, kind):
    """What another call waits during a flood on a new stream."""
    _, path, call_sid = await day.call()
    data = flood_of(kind, call_sid)
    flooding = asyncio.create_task(asyncio.to_thread(send_flood, day.bridge, day.front, path, AUTH_TOKEN, data))
    waits = await echo.measure(5)
    await flooding
    return waits


def check_log(day, log):
    refusals = [line for line in log.splitlines() if "refused" in line or "connection closed" in line]
    longest = max(map(len, refusals), default=0)
    leaks = [
        word
        for word in ("SIGNED", NUMBER, "5559876543", AUTH_TOKEN, API_TOKEN)
        if any(word in line for line in refusals)
    ]
    day.note("tracebacks in the log", "", "0", str(log.count("Traceback")), right="Traceback" not in log)
    day.note(
        "lines of refusals in the log",
        "",
        "at most 20 of a kind and minute",
        f"{len(refusals)}, the longest line {longest} characters",
        right=len(refusals) <= 120 and longest < 1000,
    )
    day.note("numbers and signed variables in them", "", "none", ", ".join(leaks) or "none", right=not leaks)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


async def live_through(day):
    await until_served(day.front)
    healthy = raw_request("GET", "/healthz")
    day.statuses("is the bridge alive", "nginx", 200, [(await answer_to(day.front, healthy))[0]])
    for part in (api_without_token, forged_webhooks, malformed_bodies, media_streams, slow_clients, floods):
        await part(day)
    day.statuses("a call at the end of the day", "nginx", 200, [(await day.call())[0]])
    day.statuses("is the bridge alive", "nginx", 200, [(await answer_to(day.front, healthy))[0]])


async def until_served(url):
    for _ in range(100):
        try:
            _, writer = await connected(url)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return


def main(arguments):
    if nginx_program() is None:
        sys.stderr.write("strangers-day: nginx is not installed (Debian: apt-get install nginx)\n")
        return 2
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    port = free_port()
    front = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="strangers-day-") as folder:
        (Path(folder) / "day.yaml").write_text(FLOW)
        variables = {
            "TELEBRIDGE_PUBLIC_URL": front,
            "TELEBRIDGE_FLOWS_DIR": folder,
            "TELEBRIDGE_DEFAULT_FLOW": "day",
            "TELEBRIDGE_STATE_DIR": f"{folder}/var",
            "TELEBRIDGE_SERVER__DRAIN_SECONDS": "1",
            "TELEBRIDGE_CAMPAIGNS__DIAL": "false",
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        }
        token = {"TELEBRIDGE_SERVER__API_TOKEN": API_TOKEN}
        with Serving("serve", "--port", "0", descriptors=DESCRIPTORS, **variables, **token) as serving:
            day = Day(serving.url, front)
            with nginx(folder, port, serving.url):
                asyncio.run(live_through(day))
        check_log(day, serving.errors)
        with Serving("serve", "--port", "0", **variables) as serving, nginx(folder, port, serving.url):
            asyncio.run(api_of_a_bridge_without_a_token(day))
    show(day.rows, as_json="--json" in arguments)
    return 0 if all(row.right for row in day.rows) else 1


def show(rows, *, as_json):
    if as_json:
        sys.stdout.write(json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False) + "\n")
        return
    sys.stdout.write("| tried | through | right is | the bridge answered | |\n|---|---|---|---|---|\n")
    for row in rows:
        mark = "right" if row.right else "WRONG"
        sys.stdout.write(f"| {row.tried} | {row.through} | {row.expected} | {row.answered} | {mark} |\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
