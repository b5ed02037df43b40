"""Handles what operators ask: is the process alive, does it take calls, what are its metrics."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from telebridge import metrics
from telebridge.call.runner.live_calls import LiveCalls


async def nothing_away() -> bool:
    """No database is needed."""
    return False


class HealthHandler:
    """Answers `/healthz`, `/readyz` and `/metrics`.

    Args:
        calls: The calls of this process.
        database_away: Returns whether the database is away.
        database_required: Whether calls must not be answered without it.
    """

    def __init__(
        self,
        calls: LiveCalls,
        database_away: Callable[[], Awaitable[bool]] = nothing_away,
        *,
        database_required: bool = True,
    ) -> None:
        self._calls = calls
        self._database_away = database_away
        self._database_required = database_required

    async def healthz(self, _request: web.Request) -> web.Response:
        """The process serves."""
        return web.json_response({"status": "ok", "live_calls": len(self._calls)})

    async def readyz(self, _request: web.Request) -> web.Response:
        """Whether further calls are taken, and what is away; 503 when they are not, or cannot be recorded as needed."""
        away = ["database"] if await self._database_away() else []
        reason = ""
        if self._calls.full:
            overload = "overloaded" if self._calls.overloaded else "max_calls reached"
            reason = "draining" if self._calls.draining else overload
        elif away and self._database_required:
            reason = "the database is away"
        told = {"status": reason or "ready", "live_calls": len(self._calls), **({"away": away} if away else {})}
        return web.json_response(told, status=503 if reason else 200)

    async def metrics(self, _request: web.Request) -> web.Response:
        """Prometheus's text format."""
        metrics.TASKS.set(len(asyncio.all_tasks()))
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
