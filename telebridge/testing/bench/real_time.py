"""A bench on real time, for a TwiML application that runs somewhere as a program of its own.

The local Twilio calls its webhook over the network, as Twilio would. Its clocks are real, so these calls take as long
as they take; between two steps of a test time goes on.

One rule: everything here runs on an event loop in a thread of its own, so that a test may take its time.
"""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from aiohttp import web
from typing_extensions import override

from telebridge.simulator.server import SIMULATOR
from telebridge.simulator.server import create_app as create_simulator
from telebridge.simulator.setup.options import SimulatorOptions
from telebridge.testing.bench.bench import Bench, Services

T = TypeVar("T")

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class RealTimeBenchOptions:
    """What is tested.

    Args:
        url: The voice webhook, such as "http://127.0.0.1:5000/voice".
        public_url: The address under which the application believes to be reached; signatures are made for it, and its
            `wss://` addresses lead to `url`.
        status_callback: Where status callbacks go; None for none.
        auth_token: Signs the webhooks, as the account's auth token would.
        api_port: The port of the REST API of the local Twilio; 0 for any free one.
    """

    url: str
    public_url: str | None = None
    status_callback: str | None = None
    auth_token: str = SimulatorOptions().auth_token
    api_port: int = 0


class RealTimeBench(Bench):
    """See the module.

    Attributes:
        api_url: The address of the REST API, once it was started.
    """

    def __init__(self, options: RealTimeBenchOptions, services: Services) -> None:
        self._loop = asyncio.new_event_loop()
        super().__init__(services)
        self.api_url = ""
        self._options = options
        self._thread = threading.Thread(target=self._loop.run_forever, name="telebridge bench", daemon=True)
        self._runner: web.AppRunner | None = None
        self._closed = False

    @property
    @override
    def voice_url(self) -> str:
        if self._options.public_url is None:
            return self._options.url
        parts, public = urlsplit(self._options.url), urlsplit(self._options.public_url)
        return urlunsplit(parts._replace(scheme=public.scheme, netloc=public.netloc))

    @property
    @override
    def status_url(self) -> str | None:
        return self._options.status_callback

    @override
    def now(self) -> float:
        return self._loop.time()

    @override
    def start(self) -> None:
        self._thread.start()
        self.run(self._start())

    @override
    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @override
    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._thread.is_alive():
            self.run(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        app = create_simulator(self._simulator_options())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._options.api_port).start()
        self.api_url = f"http://{HOST}:{self._runner.addresses[0][1]}"
        self.simulator = app[SIMULATOR]

    def _simulator_options(self) -> SimulatorOptions:
        there = urlsplit(self._options.url)
        origin = f"{there.scheme}://{there.netloc}"
        routes = {f"https://{there.netloc}": origin}
        if self._options.public_url is not None:
            public = urlsplit(self._options.public_url)
            routes |= {f"{scheme}://{public.netloc}": origin for scheme in ("http", "https")}
        return SimulatorOptions(
            auth_token=self._options.auth_token,
            callers=self.people,
            calls_per_second=1000.0,
            routes=routes,
            say=lambda text: self.speeches.say(text, source="say").audio,
        )

    async def _close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()
