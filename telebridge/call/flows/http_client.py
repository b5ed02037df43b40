"""Sends requests to the addresses that flows name, and follows redirects.

One rule: the first address was chosen by the author of the flow and may be anywhere; one that a redirect chose must be
on the open Internet.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from typing_extensions import override
from yarl import URL

from telebridge.errors import TelebridgeError

MAX_REDIRECTS = 3
TRIES = 2
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""The prefix under which IPv6-only networks write IPv4 addresses (RFC 6052)."""
REDIRECTS = (301, 302, 303, 307, 308)


class WebRequestRefused(TelebridgeError):
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


class FlowHttpClient:
    """Sends requests. Close it after use."""

    def __init__(self) -> None:
        self._chosen: aiohttp.ClientSession | None = None  # for addresses that the flow's author chose
        self._public: aiohttp.ClientSession | None = None  # for those that a redirect chose

    async def send(
        self, method: str, url: URL, headers: Mapping[str, str] | None = None, body: Mapping[str, Any] | None = None
    ) -> aiohttp.ClientResponse:
        """Send a request, and return the answer where redirects end; close it after use.

        Args:
            method: Such as "GET".
            url: The address.
            headers: For the host of that address alone.
            body: What `aiohttp` is to send, as its arguments `json` or `data`.

        Raises:
            WebRequestRefused: A redirect leads where none may, or there are too many.
            aiohttp.ClientError, OSError, ValueError: The address, or one of a redirect, cannot be reached.
        """
        headers, body = headers or {}, body or {}
        for redirects in range(MAX_REDIRECTS + 1):
            answer = await self._send(method, url, headers, body, public=redirects > 0)
            if answer.status not in REDIRECTS or "Location" not in answer.headers:
                return answer
            async with answer:
                there = url.join(URL(answer.headers["Location"]))
            if there.origin() != url.origin():
                headers = {}  # API keys among them are for the host that the flow's author chose
            url = there
            if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
                method, body = "GET", {}
        raise WebRequestRefused(f"is redirected more than {MAX_REDIRECTS} times")

    async def aclose(self) -> None:
        """Close connections that are kept open."""
        for session in (self._chosen, self._public):
            if session is not None:
                await session.close()

    async def _send(
        self, method: str, url: URL, headers: Mapping[str, str], body: Mapping[str, Any], *, public: bool
    ) -> aiohttp.ClientResponse:
        """Send the request; again, once, if it certainly did not arrive."""
        if url.scheme not in ("http", "https") or url.host is None:
            raise WebRequestRefused(f"'{url}' is no address of the web")
        if public and not _may_be_public(url.host):
            raise WebRequestRefused(f"is redirected to '{url.host}', which is not on the open Internet")
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


def _may_be_public(host: str) -> bool:
    """Whether a host is a public address, or a name, which the resolver checks.

    `127.1` and `2130706433` are addresses too: aiohttp does not resolve them, and the system connects to loopback.
    """
    if ":" in host or host.replace(".", "").isdigit():
        with suppress(ValueError):
            return is_public(host)
        return False
    return True
