"""Performs the actions of flows while the caller waits: requests to web services, and Python functions.

One rule: an action never raises; an error is its outcome, for which the flow has a branch.
"""

import asyncio
import ipaddress
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override
from yarl import URL

from telebridge.call.flows.recordings import Recordings
from telebridge.call.flows.sms import SmsSender
from telebridge.call.record import CallRecord
from telebridge.errors import TelebridgeError
from telebridge.flows.steps import Action, Done, LoadAudio, Request, Run, SendSms
from telebridge.logs import logger
from telebridge.outgoing.http_body import read_body
from telebridge.unicode_text import repaired_values

log = logger(__name__)

Function = Callable[[dict[str, Any]], Awaitable[Any]]
"""A Python function of an application: takes the variables of the call, returns a value for the flow."""

MAX_RESPONSE_BYTES = 1 << 20
MAX_REDIRECTS = 3
TRIES = 2
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""The prefix under which IPv6-only networks write IPv4 addresses (RFC 6052)."""
REDIRECTS = (301, 302, 303, 307, 308)


class _Refused(TelebridgeError):
    """A request that must not be made, or whose answer cannot be used."""


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only.

    The target of a redirect was not chosen by the flow's author; it must not lead into the network in which the bridge
    runs. The addresses that are checked are those that are connected to, so a name that resolves differently the second
    time cannot bypass the check.
    """

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        public = [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for kind, _, protocol, _, address in found
            if is_public(str(address[0]))
        ]
        if not public:
            raise OSError(f"'{host}' is not on the open Internet")
        return public

    @override
    async def close(self) -> None:
        return


def is_public(address: str) -> bool:
    """Whether an IP address is public, and any IPv4 address embedded in it as well."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = found.ipv4_mapped or found.sixtofour
        if found in TRANSLATED:
            wrapped = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(str(wrapped))
    return found.is_global and not found.is_multicast


class ActionRunner:
    """Performs actions. Close it after use.

    Args:
        functions: The Python functions of the application, by name.
        sms: Sends text messages; None where none are sent.
    """

    def __init__(self, functions: Mapping[str, Function] | None = None, sms: SmsSender | None = None) -> None:
        self._functions = functions or {}
        self._sms = sms
        self._recordings = Recordings()
        self._chosen: aiohttp.ClientSession | None = None  # for addresses that the flow's author chose
        self._public: aiohttp.ClientSession | None = None  # for those that a redirect chose

    async def run(self, action: Action, record: CallRecord | None = None) -> Done:
        """Perform an action, for its `timeout_seconds` at most; `record` is of its call, which a text message needs."""
        try:
            async with asyncio.timeout(action.timeout_seconds):
                match action:
                    case Request():
                        return await self._request(action)
                    case Run():
                        return await self._run(action)
                    case LoadAudio(source):
                        return await self._load(source)
                    case SendSms():
                        return await self._send_sms(action, record)
        except TimeoutError:
            return Done(problem=f"took longer than {action.timeout_seconds:g} s")

    async def _load(self, source: str) -> Done:
        try:
            return Done(await self._recordings.load(source))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            log.warning("recording not played", error=str(error) or type(error).__name__)
            return Done(problem=str(error) or type(error).__name__)

    async def _send_sms(self, sms: SendSms, record: CallRecord | None) -> Done:
        if self._sms is None or record is None:
            return Done(problem="no text messages are sent here")
        return await self._sms.send(sms, record)

    async def aclose(self) -> None:
        """Close connections that are kept open."""
        for session in (self._chosen, self._public):
            if session is not None:
                await session.close()
        await self._recordings.aclose()
        if self._sms is not None:
            await self._sms.aclose()

    async def _run(self, run: Run) -> Done:
        function = self._functions.get(run.function)
        if function is None:
            return Done(problem=f"there is no function '{run.function}'")
        try:
            return Done(await function(dict(run.variables)))
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            return Done(problem="was cancelled")  # what the function awaited was cancelled
        except Exception as error:  # code of a user: whatever it raises is the outcome
            log.exception("function failed", function=run.function)
            return Done(problem=f"{type(error).__name__}: {error}")

    async def _request(self, request: Request) -> Done:
        try:
            return await self._send_and_redirect(request)
        except (aiohttp.ClientError, OSError, ValueError, TypeError, LookupError, RecursionError, _Refused) as error:
            problem = f"{request.method} {request.url}: {error or type(error).__name__}"
            log.warning("request failed", error=problem)
            return Done(problem=problem)

    async def _send_and_redirect(self, request: Request) -> Done:
        url, method, headers, body = URL(request.url), request.method, request.headers, _body(request)
        for redirects in range(MAX_REDIRECTS + 1):
            answer = await self._send(method, url, headers, body, public=redirects > 0)
            async with answer:
                if answer.status not in REDIRECTS or "Location" not in answer.headers:
                    return await _read_response(answer)
                there = url.join(URL(answer.headers["Location"]))
                if there.origin() != url.origin():
                    headers = {}  # API keys among them are for the host that the flow's author chose
                url = there
                if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
                    method, body = "GET", {}
        raise _Refused(f"is redirected more than {MAX_REDIRECTS} times")

    async def _send(
        self, method: str, url: URL, headers: Mapping[str, str], body: dict[str, Any], *, public: bool
    ) -> aiohttp.ClientResponse:
        """Send the request; again, once, if it certainly did not arrive."""
        if url.scheme not in ("http", "https") or url.host is None:
            raise _Refused(f"'{url}' is no address of the web")
        if public and not _may_be_public(url.host):
            raise _Refused(f"is redirected to '{url.host}', which is not on the open Internet")
        session = self._session(public=public)
        for left in reversed(range(TRIES)):
            try:
                return await session.request(method, url, headers=headers, allow_redirects=False, **body)
            except aiohttp.ClientConnectorError:
                if not left:
                    raise
        raise AssertionError("the last try raises")

    def _session(self, *, public: bool) -> aiohttp.ClientSession:
        if public:
            if self._public is None:
                self._public = _session(aiohttp.TCPConnector(resolver=PublicResolver()))
            return self._public
        if self._chosen is None:
            self._chosen = _session()
        return self._chosen


def _session(connector: aiohttp.TCPConnector | None = None) -> aiohttp.ClientSession:
    """A session without cookies: what a service sets for one caller must not be sent for the next."""
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


def _body(request: Request) -> dict[str, Any]:
    if request.json is not None:
        return {"json": request.json}
    return {} if request.form is None else {"data": dict(request.form)}


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _may_be_public(host: str) -> bool:
    """Whether a host is a public address, or a name, which the resolver checks.

    `127.1` and `2130706433` are addresses too: aiohttp does not resolve them, and the system connects to loopback.
    """
    if ":" in host or host.replace(".", "").isdigit():
        with suppress(ValueError):
            return is_public(host)
        return False
    return True


async def _read_response(answer: aiohttp.ClientResponse) -> Done:
    read = await read_body(answer, most_bytes=MAX_RESPONSE_BYTES)
    if read is None:
        raise _Refused(f"answered more than {MAX_RESPONSE_BYTES} bytes")
    text = read.decode(answer.charset or "utf-8", errors="replace")
    value = repaired_values(json.loads(text)) if answer.content_type.endswith("json") and text.strip() else text
    if not 200 <= answer.status < 300:
        return Done(value, f"{answer.method} {answer.url}: answered {answer.status}")
    return Done(value)
