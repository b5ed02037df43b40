"""The local Twilio as a client: signed webhooks and media sockets, over aiohttp.

Follows Twilio's "Webhooks security", "Webhooks connection overrides" and the stream errors 31901 to 31921; the upgrade
carries what a capture of May 2026 shows: no Origin, no subprotocol, no extension.

One rule: what is signed is the URL as the application wrote it, even when `routes` sends the request elsewhere.
"""

import asyncio
import socket
import ssl
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit
from uuid import uuid4

import aiohttp

from telebridge.errors import TelebridgeError
from telebridge.simulator.http.webhook_fields import Delivery, delivery_of
from telebridge.twilio.request_signature import signed_url, webhook_signature

CONNECT_SECONDS = 10.0
LARGEST_MESSAGE_BYTES = 16 * 1024 * 1024
OUTBOX_MESSAGES = 500  # ten seconds of frames; past it the caller's audio is discarded, as warning 31930 says
WEBHOOK_AGENT, STREAM_AGENT = "TwilioProxy/1.1", "Twilio.TmeWs/1.0"


class RequestFailed(TelebridgeError):
    """A request or an upgrade had no good answer; `code` is Twilio's."""

    def __init__(self, code: int, problem: str) -> None:
        super().__init__(code, problem)
        self.code = code
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Answer:
    """What a web application answered."""

    status: int
    body: bytes
    content_type: str


class WebClient:
    """Asks the web application and opens its media sockets. Make it inside a running loop; close it.

    Args:
        auth_token: Signs everything.
        routes: Where to really connect, by origin: "https://bridge.example.com" -> "http://127.0.0.1:8080".
    """

    def __init__(self, auth_token: str, routes: Mapping[str, str] | None = None) -> None:
        self._auth_token = auth_token
        self._routes = dict(routes or {})
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding", "User-Agent"),
        )

    async def aclose(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def ask(self, url: str, method: str, fields: Mapping[str, str]) -> Answer:
        """Make a webhook request, with the retries that the URL's fragment asks for.

        Raises:
            RequestFailed: 11200, 11205 or 11210.
        """
        delivery = delivery_of(url)
        if method == "GET" and fields:
            delivery = _with_query(delivery, fields)
        headers = self._headers(delivery.url, fields if method == "POST" else {})
        failure: str | None = None
        problem = ""
        for attempt in range(delivery.retries + 1):
            failure, answer, problem = await self._try(delivery, method, fields, headers)
            if answer is not None and failure is None:
                return answer
            if attempt == delivery.retries or not delivery.retried(failure or ""):
                break
        raise RequestFailed(_code_of(failure), f"{method} {delivery.url}: {problem}")

    async def fetch(self, url: str) -> bytes:
        """The file that `<Play>` names.

        Raises:
            RequestFailed: It could not be had.
        """
        return (await self.ask(url, "GET", {})).body

    async def open_stream(self, url: str) -> "MediaSocket":
        """Connect a media socket.

        Raises:
            RequestFailed: With the stream error of the failure.
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
        return MediaSocket(opened)

    def _headers(self, url: str, fields: Mapping[str, str]) -> dict[str, str]:
        return {
            "User-Agent": WEBHOOK_AGENT,
            "X-Twilio-Signature": webhook_signature(self._auth_token, signed_url(url), fields),
            "I-Twilio-Idempotency-Token": str(uuid4()),
        }

    async def _try(
        self, delivery: Delivery, method: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> tuple[str | None, Answer | None, str]:
        """One request: how it failed (4xx, 5xx, ct, rt, dns) or None, the answer if any, and words for people."""
        timeout = aiohttp.ClientTimeout(
            total=delivery.total_ms / 1000,
            sock_connect=delivery.connect_ms / 1000,
            sock_read=delivery.read_ms / 1000,
        )
        try:
            answer = await self._request(delivery.url, method, fields, headers, timeout)
        except aiohttp.ClientConnectorDNSError as error:
            return "dns", None, str(error)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return "ct", None, str(error)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return "rt", None, str(error) or type(error).__name__
        if answer.status >= 300:
            return f"{answer.status // 100}xx", answer, f"answered {answer.status}"
        return None, answer, ""

    async def _request(
        self,
        url: str,
        method: str,
        fields: Mapping[str, str],
        headers: Mapping[str, str],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own value, connect and read apart
    ) -> Answer:
        parts = urlsplit(url)
        target = self._routed(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])))
        data = dict(fields) if method == "POST" else None
        # The first request goes without credentials; they are given when asked for.
        attempts: list[Mapping[str, str]] = [headers]
        if parts.username:
            attempts.append({**headers, "Authorization": _basic(parts.username, parts.password or "")})
        answer = Answer(0, b"", "")
        for attempt in attempts:
            async with self._session.request(
                method, target, data=data, headers=attempt, timeout=timeout, allow_redirects=False
            ) as response:
                answer = Answer(response.status, await response.read(), response.headers.get("Content-Type", ""))
            if answer.status != 401:
                break
        return answer

    def _routed(self, url: str) -> str:
        parts = urlsplit(url)
        http = {"wss": "https", "ws": "http"}.get(parts.scheme, parts.scheme)
        origin = self._routes.get(f"{http}://{parts.netloc}")
        if origin is None:
            return url
        there = urlsplit(origin)
        return urlunsplit(parts._replace(scheme=there.scheme, netloc=there.netloc))


class MediaSocket:
    """An open media socket. Sending never waits: what the other end does not read in ten seconds is refused."""

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
        """What the bridge sends, text as str and binary as bytes, until it closes or goes away."""
        async for message in self._socket:
            if message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                yield message.data

    async def aclose(self) -> None:
        """Send what is queued, then close."""
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


def _with_query(delivery: Delivery, fields: Mapping[str, str]) -> Delivery:
    parts = urlsplit(delivery.url)
    query = "&".join(part for part in (parts.query, urlencode(fields)) if part)
    return replace(delivery, url=urlunsplit(parts._replace(query=query)))


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()


def _code_of(failure: str | None) -> int:
    return {"ct": 11205, "dns": 11210}.get(failure or "", 11200)
