"""Handles what operators ask: is the process alive, does it take calls, what are its metrics."""

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from telebridge.call.runner.live_calls import LiveCalls


class HealthHandler:
    """Answers `/healthz`, `/readyz` and `/metrics`."""

    def __init__(self, calls: LiveCalls) -> None:
        self._calls = calls

    async def healthz(self, _request: web.Request) -> web.Response:
        """The process serves."""
        return web.json_response({"status": "ok", "live_calls": len(self._calls)})

    async def readyz(self, _request: web.Request) -> web.Response:
        """Whether further calls are taken; 503 when not."""
        if self._calls.full:
            reason = "draining" if self._calls.draining else "max_calls reached"
            return web.json_response({"status": reason, "live_calls": len(self._calls)}, status=503)
        return web.json_response({"status": "ready", "live_calls": len(self._calls)})

    async def metrics(self, _request: web.Request) -> web.Response:
        """Prometheus's text format."""
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
