"""The HTTP client of the local Twilio: signed webhook requests and media sockets, over aiohttp.

Follows Twilio's "Webhooks security", "Webhooks connection overrides", "Responding to a Twilio request" (cookies and
redirects as in a browser; error 11216 names the statuses 301, 302, 303 and 307) and the stream errors 31901 to 31921;
the upgrade carries what a capture of May 2026 shows: no Origin, no subprotocol, no extension.

One rule: what is signed is the URL as the application wrote it, even when `routes` sends the request elsewhere.
"""

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from typing import Self
from urllib.parse import unquote, urlencode, urljoin, urlsplit, urlunsplit
from uuid import uuid4

import aiohttp
from yarl import URL

from telebridge.errors import TelebridgeError
from telebridge.simulator.http.webhook_fields import ConnectionOverrides, connection_overrides
from telebridge.twilio.request_signature import signed_url, webhook_signature

CONNECT_SECONDS = 10.0
LARGEST_MESSAGE_BYTES = 16 * 1024 * 1024
OUTBOX_MESSAGES = 500  # ten seconds of frames; past it the caller's audio is discarded, as warning 31930 says
MOST_REDIRECTS = 10
REDIRECTS = {301: "GET", 302: "GET", 303: "GET", 307: ""}
"""The statuses that are followed, with the method of the next request; empty for the method of this one."""
CODES = {"ct": 11205, "dns": 11210, "3xx": 11216, "redirects": 11215}
WEBHOOK_AGENT, STREAM_AGENT = "TwilioProxy/1.1", "Twilio.TmeWs/1.0"


class RequestFailed(TelebridgeError):
    """A request or an upgrade failed; `code` is Twilio's error code."""

    def __init__(self, code: int, problem: str) -> None:
        super().__init__(code, problem)
        self.code = code
        self.problem = problem


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The response of a web application.

    Args:
        status: The HTTP status.
        body: The whole body.
        content_type: Its media type, as the application wrote it.
        url: The address that answered, after redirects.
        location: Where a redirect leads.
    """

    status: int
    body: bytes
    content_type: str
    url: str = ""
    location: str = ""


class WebClient:
    """Makes webhook requests and opens media sockets. Create it on a running event loop; close it with `aclose`.

    Args:
        auth_token: Signs requests and upgrades.
        routes: Maps origins to the addresses that are really connected to, such as "https://bridge.example.com" to
            "http://127.0.0.1:8080".
    """

    def __init__(self, auth_token: str, routes: Mapping[str, str] | None = None) -> None:
        self._auth_token = auth_token
        self._cookies: aiohttp.CookieJar | None = None
        self._routes = dict(routes or {})
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding", "User-Agent"),
        )

    def for_call(self) -> Self:
        """Return a client that shares the connections of this one and keeps the cookies of one call."""
        client = copy(self)
        client.keep_cookies()
        return client

    def keep_cookies(self) -> None:
        """Send the cookies that the application sets back to it, from now on."""
        self._cookies = aiohttp.CookieJar(unsafe=True)  # also from hosts that are IP addresses

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def request(self, url: str, method: str, fields: Mapping[str, str]) -> HttpResponse:
        """Make a webhook request, with the connection overrides of the URL's fragment.

        Raises:
            RequestFailed: 11200, 11205, 11210, 11215 or 11216.
        """
        overrides = connection_overrides(url)
        token = str(uuid4())
        failure: str | None = None
        problem = ""
        for attempt in range(overrides.max_retries + 1):
            failure, response, problem = await self._try(overrides, method, fields, token)
            if response is not None and failure is None:
                return response
            if attempt == overrides.max_retries or not overrides.retries(failure or ""):
                break
        raise RequestFailed(_code_of(failure), f"{method} {overrides.url}: {problem}")

    async def fetch(self, url: str) -> HttpResponse:
        """Return the file that `<Play>` names.

        Raises:
            RequestFailed: The file could not be fetched.
        """
        return await self.request(url, "GET", {})

    async def open_stream(self, url: str) -> "MediaSocketClient":
        """Connect a media socket.

        Raises:
            RequestFailed: The upgrade failed; `code` is the stream error.
        """
        target = urlunsplit(urlsplit(url)._replace(query="", fragment=""))
        headers = {"User-Agent": STREAM_AGENT, "X-Twilio-Signature": webhook_signature(self._auth_token, target, {})}
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                opened = await self._session.ws_connect(
                    self._routed(target),
                    headers=headers,
                    autoclose=True,
                    max_msg_size=LARGEST_MESSAGE_BYTES,
                )
        except TimeoutError:
            raise RequestFailed(31901, "no answer to the connection attempt") from None
        except aiohttp.WSServerHandshakeError as error:
            raise RequestFailed(31920, f"answered {error.status} instead of 101") from None
        except (aiohttp.ClientSSLError, ssl.SSLError) as error:
            raise RequestFailed(31910, str(error)) from None
        except aiohttp.ClientConnectorError as error:
            raise RequestFailed(31902, str(error)) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise RequestFailed(31900, str(error)) from None
        return MediaSocketClient(opened)

    def _headers(self, url: str, fields: Mapping[str, str], token: str) -> dict[str, str]:
        headers = {
            "User-Agent": WEBHOOK_AGENT,
            "X-Twilio-Signature": webhook_signature(self._auth_token, signed_url(url), fields),
            "I-Twilio-Idempotency-Token": token,
        }
        kept = self._cookies.filter_cookies(URL(url)) if self._cookies is not None else {}
        if kept:
            headers["Cookie"] = "; ".join(f"{name}={morsel.value}" for name, morsel in kept.items())
        return headers

    async def _try(
        self, overrides: ConnectionOverrides, method: str, fields: Mapping[str, str], token: str
    ) -> tuple[str | None, HttpResponse | None, str]:
        """Make one request. Return how it failed (3xx, 4xx, 5xx, ct, rt, dns) or None, the response, and a message."""
        timeout = aiohttp.ClientTimeout(
            total=overrides.total_ms / 1000,
            sock_connect=overrides.connect_ms / 1000,
            sock_read=overrides.read_ms / 1000,
        )
        try:
            response = await self._follow(overrides.url, method, fields, token, timeout)
        except aiohttp.ClientConnectorDNSError as error:
            return "dns", None, str(error)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return "ct", None, str(error)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return "rt", None, str(error) or type(error).__name__
        if response.status in REDIRECTS and response.location:
            return "redirects", response, f"redirected more than {MOST_REDIRECTS} times"
        if response.status >= 300:
            return f"{response.status // 100}xx", response, f"answered {response.status}"
        return None, response, ""

    async def _follow(
        self,
        url: str,
        method: str,
        fields: Mapping[str, str],
        token: str,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own value, connect and read apart
    ) -> HttpResponse:
        """Send a request and follow its redirects; a redirect by GET carries no fields, as in a browser."""
        response = HttpResponse(0, b"", "")
        for _ in range(MOST_REDIRECTS + 1):
            if method == "GET" and fields:
                url, fields = _with_query(url, fields), {}
            response = await self._send(url, method, fields, token, timeout)
            if response.status not in REDIRECTS or not response.location:
                break
            url = urljoin(url, response.location).partition("#")[0]
            if REDIRECTS[response.status]:
                method, fields = REDIRECTS[response.status], {}
        return response

    async def _send(
        self,
        url: str,
        method: str,
        fields: Mapping[str, str],
        token: str,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own value, connect and read apart
    ) -> HttpResponse:
        parts = urlsplit(url)
        target = self._routed(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))
        headers = self._headers(url, fields, token)
        # The first request has no credentials; they are sent after a 401.
        attempts: list[Mapping[str, str]] = [headers]
        if parts.username:
            attempts.append({**headers, "Authorization": _basic(parts.username, parts.password or "")})
        answered = HttpResponse(0, b"", "")
        for attempt in attempts:
            async with self._session.request(
                method,
                target,
                data=dict(fields) if method == "POST" else None,
                headers=attempt,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                answered = HttpResponse(
                    response.status,
                    await response.read(),
                    response.headers.get("Content-Type", ""),
                    url,
                    response.headers.get("Location", ""),
                )
                if self._cookies is not None:
                    self._cookies.update_cookies(response.cookies, URL(url))
            if answered.status != 401:
                break
        return answered

    def _routed(self, url: str) -> str:
        parts = urlsplit(url)
        http = {"wss": "https", "ws": "http"}.get(parts.scheme, parts.scheme)
        origin = self._routes.get(f"{http}://{parts.netloc}")
        if origin is None:
            return url
        there = urlsplit(origin)
        return urlunsplit(parts._replace(scheme=there.scheme, netloc=there.netloc))


class MediaSocketClient:
    """An open media socket. Sending never waits: beyond ten seconds of unread audio, messages are discarded."""

    def __init__(self, opened: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = opened
        self._outbox: asyncio.Queue[bytes | None] = asyncio.Queue(OUTBOX_MESSAGES)
        self._sender = asyncio.create_task(self._send_outbox(), name="simulator media sender")

    @property
    def close_code(self) -> int | None:
        """The code of the close frame that ended the socket; 1006 when there was none."""
        return self._socket.close_code

    def send(self, message: bytes) -> bool:
        """Queue a text message; False when it had to be discarded."""
        try:
            self._outbox.put_nowait(message)
        except asyncio.QueueFull:
            return False
        return True

    async def messages(self) -> AsyncIterator[str | bytes]:
        """Iterate over the bridge's messages, text as str and binary as bytes, until the socket closes."""
        async for message in self._socket:
            if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                yield message.data

    async def aclose(self) -> None:
        """Send the queued messages, then close."""
        if not self._sender.done():
            with suppress(asyncio.QueueFull, TimeoutError):
                self._outbox.put_nowait(None)
                await asyncio.wait_for(asyncio.shield(self._sender), 1)
        await self._cancel_sender()
        await self._socket.close()

    async def abort(self) -> None:
        """Cut the connection without a close frame."""
        await self._cancel_sender()
        transport = self._socket.get_extra_info("socket")
        if transport is not None:
            with suppress(OSError):
                transport.shutdown(socket.SHUT_RDWR)

    async def _send_outbox(self) -> None:
        with suppress(ConnectionError):
            while (message := await self._outbox.get()) is not None:
                await self._socket.send_frame(message, aiohttp.WSMsgType.TEXT)

    async def _cancel_sender(self) -> None:
        self._sender.cancel()
        with suppress(asyncio.CancelledError):
            await self._sender


def _with_query(url: str, fields: Mapping[str, str]) -> str:
    parts = urlsplit(url)
    query = "&".join(part for part in (parts.query, urlencode(fields)) if part)
    return urlunsplit(parts._replace(query=query))


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()


def _code_of(failure: str | None) -> int:
    return CODES.get(failure or "", 11200)
