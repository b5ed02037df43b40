"""A bench on real time, for a TwiML application that runs somewhere as a program of its own.

The local Twilio calls its webhook over the network, as Twilio would. Its clocks are real, so these calls take as long
as they take; between two steps of a test time goes on.

One rule: everything here runs on an event loop in a thread of its own, so that a test may take its time.
"""

import asyncio
import socket
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from aiohttp import web
from typing_extensions import override

from telebridge.errors import ConfigurationError
from telebridge.simulator.server import SIMULATOR
from telebridge.simulator.server import create_app as create_simulator
from telebridge.simulator.setup.options import AUTH_TOKEN, SimulatorOptions
from telebridge.speech_server.options import SpeechServerOptions
from telebridge.speech_server.server import create_app as create_speech_server
from telebridge.testing.bench.bench import Bench, Services, cancel_rest
from telebridge.testing.hearing.voice import KnownVoice

T = TypeVar("T")

HOST = "127.0.0.1"
LOOK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class TwimlApplication:
    """A program that answers in TwiML, in any language, reached by the URL of its voice webhook.

    Args:
        url: The voice webhook, such as "http://127.0.0.1:5000/voice".
        public_url: The address under which the program believes to be reached, such as "https://bot.example.com":
            webhooks are signed for it, and its `https://` and `wss://` addresses lead to `url`.
        status_callback: Where status callbacks go; None for none.
        auth_token: Signs the webhooks, as the account's auth token would.
        api_port: The port of the local Twilio's REST API on 127.0.0.1; 0 for any free one.
        rime_port: The port of a local Rime on 127.0.0.1 whose words the caller understands; None for no Rime.
    """

    url: str
    public_url: str | None = None
    status_callback: str | None = None
    auth_token: str = AUTH_TOKEN
    api_port: int = 0
    rime_port: int | None = None


def wait_for_program(url: str, seconds: float) -> None:
    """Wait until a program listens, at most so many seconds.

    Raises:
        ConfigurationError: It does not.
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection((parts.hostname or HOST, port), timeout=1.0).close()
        except OSError as error:
            if time.monotonic() >= deadline:
                raise ConfigurationError("--url", f"nobody listens at {url} ({error})", "start the program") from error
            time.sleep(LOOK_SECONDS)
        else:
            return


class RealTimeBench(Bench):
    """See the module.

    Attributes:
        api_url: The address of the REST API, once it was started.
    """

    def __init__(self, application: TwimlApplication, services: Services) -> None:
        self._loop = asyncio.new_event_loop()
        super().__init__(services)
        self.api_url = ""
        self._application = application
        self._thread = threading.Thread(target=self._loop.run_forever, name="telebridge bench", daemon=True)
        self._runners: list[web.AppRunner] = []
        self._closed = False

    @property
    @override
    def voice_url(self) -> str:
        if self._application.public_url is None:
            return self._application.url
        parts, public = urlsplit(self._application.url), urlsplit(self._application.public_url)
        return urlunsplit(parts._replace(scheme=public.scheme, netloc=public.netloc))

    @property
    @override
    def status_url(self) -> str | None:
        return self._application.status_callback

    @override
    def prepare(self) -> None:
        """Refuse what a program with connections of its own would not notice.

        Raises:
            ConfigurationError: A fault of Rime or a web service is described that it cannot meet.
        """
        super().prepare()
        self.check_services()

    @override
    def check_services(self) -> None:
        if self._application.rime_port is None and self.services.rime.any:
            raise ConfigurationError(
                "rime", "is not the local one for this program", "give TwimlApplication a rime_port"
            )
        if self.services.web.origins:
            raise ConfigurationError(
                "web", "is described, and this program asks web services by itself", "leave it out"
            )

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
        twilio = create_simulator(self._simulator_options())
        self.api_url = await self._serve(twilio, self._application.api_port)
        self.simulator = twilio[SIMULATOR]
        if self._application.rime_port is not None:
            options = SpeechServerOptions(voice=KnownVoice(self.speeches), faults=self.services.rime)
            await self._serve(create_speech_server(options), self._application.rime_port)

    async def _serve(self, app: web.Application, port: int) -> str:
        """Serve an application on this machine, and return its address."""
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        self._runners.append(runner)
        try:
            await web.TCPSite(runner, HOST, port).start()
        except OSError as error:
            raise ConfigurationError("phone", f"port {port} is in use", "name another one") from error
        return f"http://{HOST}:{runner.addresses[0][1]}"

    def _simulator_options(self) -> SimulatorOptions:
        there = urlsplit(self._application.url)
        origin = f"{there.scheme}://{there.netloc}"
        routes = {f"https://{there.netloc}": origin}
        if self._application.public_url is not None:
            public = urlsplit(self._application.public_url)
            routes |= {f"{scheme}://{public.netloc}": origin for scheme in ("http", "https")}
        return SimulatorOptions(
            auth_token=self._application.auth_token,
            callers=self.people,
            calls_per_second=1000.0,
            routes=routes,
            say=lambda text: self.speeches.say(text, source="say").audio,
        )

    async def _close(self) -> None:
        for runner in reversed(self._runners):
            await runner.cleanup()
        await cancel_rest()
        await self._loop.shutdown_asyncgens()
        await self._loop.shutdown_default_executor()
