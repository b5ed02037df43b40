"""A bench on virtual time: the bridge or an aiohttp application, Twilio and Rime in this process, connected in memory.

A call takes as long as its messages take; between two steps of a test no time passes at all.

One rule: two runs of one test are the same, to the last byte of what was heard and when.
"""

import asyncio
import random
import shutil
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, TypeVar

from aiohttp import web
from typing_extensions import override

from telebridge.app.bridge import CALLS, CAMPAIGNS, create_app
from telebridge.app.campaigns import Campaigning, Clocks
from telebridge.call.flows.python.registry import Bridge
from telebridge.call.record import CallRecord
from telebridge.call.runner.feed import Watch
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.errors import ConfigurationError
from telebridge.flows.loading import load_flow
from telebridge.recognition_server.server import RecognitionServerOptions
from telebridge.recognition_server.server import create_app as create_recognizer
from telebridge.settings.settings import Settings
from telebridge.simulator.server import SIMULATOR
from telebridge.simulator.server import create_app as create_simulator
from telebridge.simulator.setup.clock import VIRTUAL_START, VIRTUAL_WALLCLOCK
from telebridge.simulator.setup.options import SimulatorOptions
from telebridge.speech_server.options import SpeechServerOptions
from telebridge.speech_server.server import create_app as create_speech_server
from telebridge.testing.bench.bench import Bench, PublishedEvent, Services, cancel_rest
from telebridge.testing.bench.empty_database import empty_database, memory_disk
from telebridge.testing.bench.settings import BRIDGE, RECOGNIZER, RIME, bench_settings
from telebridge.testing.hearing.voice import KnownVoice
from telebridge.testing.network.loop import PhoneLoop
from telebridge.testing.network.network import MemoryNetwork
from telebridge.timing.epoch import epoch_ms

T = TypeVar("T")

TWILIO = "https://api.twilio.com"
APPLICATION = "https://application.test"
SILENT_FRAMES = 20
STOP_SECONDS = 0.05
SEED = 20260302


@dataclass(frozen=True, slots=True)
class VirtualBenchOptions:
    """What is tested.

    Args:
        bridge: Flows written in Python.
        settings: Settings of the bridge, nested as in a file.
        config: A settings file to begin with.
        application: An aiohttp application that is tested in place of the bridge.
        path: The path of its voice webhook.
        begins_at: The aware instant at which it begins; None for Monday, 2 March 2026, 15:00 UTC.
        exact_frames: Let a silent caller send frames of 20 ms too, as Twilio does; long calls then take longer.
    """

    bridge: Bridge | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    config: Path | None = None
    application: web.Application | None = None
    path: str = "/voice"
    begins_at: datetime | None = None
    exact_frames: bool = False


class VirtualBench(Bench):
    """See the module. Call `start` first and `close` last, both outside of any running event loop."""

    def __init__(self, options: VirtualBenchOptions, services: Services) -> None:
        self.network = MemoryNetwork(refused=self._refused)
        self.loop = PhoneLoop(self.network)
        super().__init__(services)
        self._options = options
        self._folders: list[Path] = []
        self._runners: list[web.AppRunner] = []
        self._calls: LiveCalls | None = None
        self._campaigning: Campaigning | None = None
        self._bridge: web.AppRunner | None = None
        self._settings: Settings | None = None
        self._variables: dict[str, dict[str, Any]] = {}
        self._web_origins: set[str] = set()
        self._random = random.getstate()
        self._closed = False

    @property
    @override
    def voice_url(self) -> str:
        return f"{BRIDGE}/twilio/voice" if self._options.application is None else APPLICATION + self._options.path

    @property
    @override
    def status_url(self) -> str | None:
        return f"{BRIDGE}/twilio/status" if self._options.application is None else None

    @override
    def now(self) -> float:
        return self.loop.time()

    @override
    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    @override
    def start(self) -> None:
        random.seed(SEED)  # the jitter of back-offs
        self.run(self._start())

    @override
    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            self.run(self._close())
        finally:
            self.loop.close()
            random.setstate(self._random)
            for folder in self._folders:
                shutil.rmtree(folder, ignore_errors=True)

    @override
    def record(self, call_sid: str) -> CallRecord | None:
        return None if self._calls is None else self._calls.record(call_sid)

    @override
    def variables(self, call_sid: str) -> dict[str, Any]:
        self._keep_variables(call_sid)
        return self._variables.get(call_sid, {})

    @property
    def campaigning(self) -> Campaigning:
        """The campaigns of the bridge.

        Raises:
            ConfigurationError: No bridge is tested.
        """
        if self._campaigning is None:
            raise ConfigurationError("campaign", "only telebridge dials campaigns", "name a flow")
        return self._campaigning

    @property
    def default_flow(self) -> str:
        """The name of the flow that calls are led by."""
        flow = self._options.settings.get("default_flow", "")
        return load_flow(Path(flow)).flow if str(flow).endswith((".yaml", ".yml")) else str(flow)

    def wallclock(self) -> datetime:
        """The aware UTC instant, by virtual time."""
        return (self._options.begins_at or VIRTUAL_WALLCLOCK) + timedelta(seconds=self.loop.time() - VIRTUAL_START)

    @override
    def prepare(self) -> None:
        super().prepare()
        self.run(self._serve_web())

    async def _serve_web(self) -> None:
        for origin in self.services.web.origins:
            if origin not in self._web_origins:
                self._web_origins.add(origin)
                await self._serve(origin, self.services.web.application(origin))

    def _refused(self, where: str) -> None:
        if where not in self.services.web.down:
            self.refused.append(where)

    @property
    @override
    def state_dir(self) -> Path | None:
        return None if self._settings is None else self._settings.state_dir

    @property
    def live_calls(self) -> int:
        """How many calls are live at the bridge."""
        return 0 if self._calls is None else len(self._calls)

    def tasks_named(self, *names: str) -> list[str]:
        """The names of tasks that still run, among these."""
        running = [task.get_name() for task in asyncio.all_tasks(self.loop) if not task.done()]
        return [name for name in running if name in names]

    def restart(self) -> None:
        """Kill the process of the bridge, and start another one that has the same database.

        As with `kill -9`, nothing is written any more: the new process finds what the database held.
        """
        self.run(self._restart())

    async def _start(self) -> None:
        rime = create_speech_server(self._rime_options())
        await self._serve(RIME, rime)
        await self._serve(RECOGNIZER, create_recognizer(RecognitionServerOptions(words=self.services.words)))
        twilio = create_simulator(self._simulator_options())
        await self._serve(TWILIO, twilio)
        self.simulator = twilio[SIMULATOR]
        if self._options.application is not None:
            await self._serve(APPLICATION, self._options.application)
        else:
            await self._start_bridge(self._new_state())

    def _rime_options(self) -> SpeechServerOptions:
        return SpeechServerOptions(voice=KnownVoice(self.speeches), faults=self.services.rime)

    def _simulator_options(self) -> SimulatorOptions:
        return SimulatorOptions(
            callers=self.people,
            calls_per_second=1000.0,
            silent_frames=1 if self._options.exact_frames else SILENT_FRAMES,
            say=lambda text: self.speeches.say(text, source="say").audio,
        )

    async def _start_bridge(self, state_dir: Path) -> None:
        self._settings = bench_settings(state_dir, config=self._options.config, changes=self._options.settings)
        clocks = Clocks(self.wallclock, lambda: epoch_ms(self.wallclock()))
        app = create_app(self._settings, bridge=self._options.bridge, clocks=clocks)
        self._campaigning = app[CAMPAIGNS]
        self._bridge = await self._serve(BRIDGE, app)
        self._calls = app[CALLS]
        self._follow(self._calls)

    def _follow(self, calls: LiveCalls) -> None:
        """Keep what the bridge publishes, with its time."""

        def take() -> None:
            for event in watcher.take():
                self.events.append(PublishedEvent(self.now(), event.call_sid, event.kind, dict(event.data)))
                self._keep_variables(event.call_sid)

        watcher = calls.feed.watch(Watch(), take)

    def _keep_variables(self, call_sid: str) -> None:
        """A call that has ended is forgotten by the bridge with its variables."""
        runner = None if self._calls is None else self._calls.find(call_sid)
        if runner is not None:
            self._variables[call_sid] = dict(runner.variables)

    async def _serve(self, origin: str, app: web.Application) -> web.AppRunner:
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=STOP_SECONDS)
        await runner.setup()
        self._runners.append(runner)
        if runner.server is None:
            raise AssertionError
        self.network.serve(origin, runner.server)
        return runner

    def _new_state(self) -> Path:
        """A folder with an empty database of the newest tables, in memory where the system has such folders."""
        folder = Path(mkdtemp(prefix="telebridge-", dir=memory_disk()))
        self._folders.append(folder)
        (folder / "telebridge.db").write_bytes(empty_database())
        return folder

    async def _restart(self) -> None:
        former, settings = self._bridge, self._settings
        if former is None or settings is None:
            return
        self.network.hold(BRIDGE)
        self.network.cut(BRIDGE)
        state_dir = self._new_state()
        shutil.copytree(settings.state_dir, state_dir, dirs_exist_ok=True)
        await self._start_bridge(state_dir)
        self._runners.remove(former)
        await former.cleanup()

    async def _close(self) -> None:
        if hasattr(self, "simulator"):
            await self.simulator.aclose()
        for runner in reversed(self._runners):
            await runner.cleanup()
        await cancel_rest()
        await self.loop.shutdown_asyncgens()
        await self.loop.shutdown_default_executor()
