"""The web services of a test: what they answer to the requests of flows.

One rule: a service that was not described does not answer, and the test fails for it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from telebridge.errors import ConfigurationError

PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What a service answers.

    Args:
        json: The body as plain values; None for none.
        status: The HTTP status.
        after: How many seconds it takes.
        text: The body as text, where it is not JSON.
    """

    json: Any = None
    status: int = 200
    after: float = 0.0
    text: str = ""


@dataclass(frozen=True, slots=True)
class ServiceRequest:
    """A request that a service got."""

    method: str
    url: str
    json: Any
    headers: Mapping[str, str] = field(repr=False)


class WebServices:
    """The web services of a test, by URL.

    Attributes:
        requests: What they were asked, in order.
        down: Those that are not there, as "host:port".
    """

    def __init__(self) -> None:
        self.requests: list[ServiceRequest] = []
        self.down: set[str] = set()
        self._answers: dict[tuple[str, str], list[WebAnswer]] = {}

    def answers(
        self, url: str, json: Any = None, *, status: int = 200, after: float = 0.0, text: str = "", method: str = "*"
    ) -> None:
        """Say what a service answers at an address; said again, that is its next answer, and the last one stays.

        Args:
            url: The address without its query, such as "https://api.example.com/orders"; `*` at its end is any rest.
            json: The body as plain values.
            status: The HTTP status.
            after: How many seconds it takes.
            text: The body as text, where it is not JSON.
            method: For this method alone.

        Raises:
            ConfigurationError: It is no address of the web.
        """
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ConfigurationError(
                "web", f"'{url}' is no address of the web", "such as https://api.example.com/orders"
            )
        self._answers.setdefault((method, url), []).append(WebAnswer(json, status, after, text))

    def is_down(self, url: str) -> None:
        """Refuse connections to the host of an address: the service is not there.

        Raises:
            ConfigurationError: It is no address of the web.
        """
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ConfigurationError("web", f"'{url}' is no address of the web")
        self.down.add(f"{parts.hostname}:{parts.port or PORTS[parts.scheme]}")

    def answers_as_written(self, url: str, answer: Any) -> None:
        """Say what a service answers, as a scenario file has it.

        Args:
            url: The address.
            answer: JSON, a status, a table of the arguments of `answers`, or `{"down": True}`.
        """
        known = {"json", "status", "after", "text", "method"}
        if answer == {"down": True}:
            self.is_down(url)
        elif isinstance(answer, int) and not isinstance(answer, bool):
            self.answers(url, status=answer)
        elif isinstance(answer, dict) and answer and set(answer) <= known:
            self.answers(url, **answer)
        else:
            self.answers(url, answer)

    @property
    def origins(self) -> list[str]:
        """Where the services are."""
        parts = [urlsplit(url) for _, url in self._answers]
        return list(dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts))

    def application(self, origin: str) -> web.Application:
        """The application that answers at one origin."""
        app = web.Application()

        async def handle(request: web.Request) -> web.StreamResponse:
            return await self._handle(origin, request)

        app.router.add_route("*", "/{path:.*}", handle)
        return app

    async def _handle(self, origin: str, request: web.Request) -> web.StreamResponse:
        url = f"{origin}{request.path_qs}"
        body = await request.text()
        json = None
        if request.content_type == "application/json" and body:
            json = await request.json()
        self.requests.append(ServiceRequest(request.method, url, json or body or None, dict(request.headers)))
        answer = self._next(request.method, f"{origin}{request.path}")
        if answer is None:
            return web.Response(status=404, text=f"no answer was described for {request.method} {url}")
        if answer.after:
            await asyncio.sleep(answer.after)
        if answer.json is not None:
            return web.json_response(answer.json, status=answer.status)
        return web.Response(text=answer.text, status=answer.status)

    def _next(self, method: str, url: str) -> WebAnswer | None:
        for (wanted, known), answers in self._answers.items():
            fits = url == known or (known.endswith("*") and url.startswith(known[:-1]))
            if fits and wanted in ("*", method):
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return None
