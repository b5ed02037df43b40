"""The telephone of a test.

One rule: everything that a test starts ends with `close`.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

from aiohttp import web

from telebridge.call.flows.python.registry import Bridge
from telebridge.errors import ConfigurationError
from telebridge.flows.loading import load_flow
from telebridge.simulator.account import CALLER_NUMBER, OWN_NUMBER, SimulatedCall
from telebridge.testing.bench.bench import Bench, Services
from telebridge.testing.bench.real_time import RealTimeBench, TwimlApplication
from telebridge.testing.bench.virtual import VirtualBench, VirtualBenchOptions
from telebridge.testing.call.placed_call import PlacedCall
from telebridge.testing.campaign import CampaignWishes, TestedCampaign
from telebridge.testing.faults import RimeFaults, TwilioFaults, inject
from telebridge.testing.logs import KeptLog
from telebridge.testing.network.guard import guard, release

FLOW_FILES = (".yaml", ".yml")
WEB = ("http://", "https://")
RINGS_SECONDS = 60.0


class Phone:
    """Places calls to a flow, a Python flow or an aiohttp application, on virtual time.

    Args:
        flow: The flow of calls that name nothing else: a name, or the path of a file.
        url: The voice webhook of a program that answers in TwiML, instead of a flow; or a `TwimlApplication` where more
            is to be said of it.
        settings: Settings of the bridge, nested as in its file, such as `{"barge_in": {"policy": "keys"}}`.
        config: A settings file to begin with; by default no file and no environment variable counts.
        folder: Where paths begin; by default the working directory.

    Attributes:
        calls: The calls that were placed, in order.
        rime: What Rime does wrong.
        twilio: What Twilio does wrong.
        web: What web services answer.
        words: What the local recognizer hears, and what it does wrong.
    """

    def __init__(
        self,
        *,
        flow: str | None = None,
        url: str | TwimlApplication | None = None,
        settings: Mapping[str, Any] | None = None,
        config: str | Path | None = None,
        folder: Path | None = None,
    ) -> None:
        if flow is not None and url is not None:
            raise ConfigurationError("phone", "is given a flow and a URL", "leave one out")
        self.calls: list[PlacedCall] = []
        self._url = url
        self._services = Services()
        self.rime: RimeFaults = self._services.rime
        self.twilio: TwilioFaults = self._services.twilio
        self.web = self._services.web
        self.words = self._services.words
        self._flow = flow
        self._settings = dict(settings or {})
        self._folder = folder or Path.cwd()
        self._config = None if config is None else self._folder / config
        self._bench: Bench | None = None
        self._former: list[Bench] = []
        self._opened: VirtualBenchOptions | TwimlApplication | None = None
        self._fates: dict[str, tuple[str, ...]] = {}
        self._log = KeptLog()
        self._guarded = False
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def log(self) -> list[str]:
        """Warnings and errors of telebridge so far, one line each."""
        return self._log.lines

    def answers(self, number: str, *fates: str) -> None:
        """Say what becomes of calls to a number: of transfers, and of calls that are placed.

        Args:
            number: In E.164.
            fates: Of the first call, of the second one, …; the last of all further ones. They are written as scripts of
                callers: "busy", "no answer", "human; wait; press 1; hang up", "machine; speak 4s".

        Raises:
            ConfigurationError: A fate is not understood.
        """
        self._fates[number] = fates
        if self._bench is not None:
            self._bench.people.describe(number, *fates)

    def call(  # noqa: PLR0913 - what a call may differ in
        self,
        target: str | Path | Bridge | web.Application | TwimlApplication | None = None,
        *,
        flow: str | Path | None = None,
        url: str | TwimlApplication | None = None,
        path: str = "/voice",
        public_url: str | None = None,
        caller: str = CALLER_NUMBER,
        to: str = OWN_NUMBER,
        at: datetime | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> PlacedCall:
        """Call, and return when the call was answered or refused.

        Args:
            target: What answers: the name or file of a flow, a `Bridge` with Python flows, an aiohttp application that
                answers in TwiML, or a program that does, as its URL or a `TwimlApplication`; by default the flow or URL
                of the fixture's marker, or `default_flow` of the settings.
            flow: The name or file of a flow, also beside a `Bridge`.
            url: The voice webhook of a program that answers in TwiML. Its clocks are real, and so is the time of the
                call.
            public_url: The address under which that program believes to be reached, as "https://bot.example.com".
            path: The path of an application's voice webhook.
            caller: The caller's number.
            to: The number that is called.
            at: The date and time of the call; without an offset it is on the clock of the flow's file. By default it is
                Monday, 2 March 2026, 15:00 UTC.
            settings: Settings of the bridge, nested as in its file.

        Raises:
            ConfigurationError: A flow or setting is wrong, a program is given a time, or an event loop runs here.
        """
        __tracebackhide__ = True
        _refuse_running_loop()
        program = self._program(target, flow, url, public_url)
        if program is not None and at is not None:
            raise ConfigurationError("at", "the clock of a program is its own", "leave `at` out")
        begins_at = self._instant(at, target, flow)
        bench = self._open(program or replace(self._options(target, flow, path, settings), begins_at=begins_at))
        bench.prepare()

        async def place() -> PlacedCall:
            placed = bench.simulator.place_inbound_call(
                bench.voice_url, from_number=caller, to_number=to, status_callback=bench.status_url
            )
            call = PlacedCall(bench, placed)
            await _answered(placed)
            return call

        call = bench.run(place())
        self.calls.append(call)
        return call

    def campaign(
        self,
        contacts: Mapping[str, Mapping[str, Any]] | Sequence[str],
        *,
        flow: str,
        settings: Mapping[str, Any] | None = None,
        **wishes: Any,
    ) -> TestedCampaign:
        """A campaign that calls these contacts; `answers` says who is busy, who a machine, and who presses what.

        Args:
            contacts: Numbers, or variables of the flow by number.
            flow: The name or file of the flow that speaks.
            settings: Settings of the bridge, nested as in its file.
            wishes: How it is dialled; see `CampaignWishes`.

        Returns:
            The campaign; call its `run`.
        """
        _refuse_running_loop()
        dialing = {"campaigns": {"dial": True, "calls_per_second": 50.0, "max_live": 50}}
        options = self._options(None, flow, "", _merged(dialing, settings or {}))
        bench = self._open(options)
        if not isinstance(bench, VirtualBench):
            raise AssertionError(bench)
        bench.prepare()
        return TestedCampaign(bench, CampaignWishes(bench.default_flow, contacts, **wishes))

    @property
    def live_calls(self) -> int:
        """How many calls are live at the bridge."""
        return self._bench.live_calls if isinstance(self._bench, VirtualBench) else 0

    def tasks_of_calls(self) -> list[str]:
        """The tasks of calls that still run; none is left when all calls are over."""
        return self._bench.tasks_named("call", "message") if isinstance(self._bench, VirtualBench) else []

    def inject(self, fault: str) -> None:
        """Let a fault happen by its name, such as "rime hangs after 2"; see `telebridge.testing.faults`.

        Raises:
            ConfigurationError: There is no such fault.
        """
        inject(self, fault)
        if self._bench is not None:
            self._bench.check_services()

    def drop_stream(self) -> None:
        """Cut the media stream of the last call, as a network that fails."""
        if not self.calls:
            raise ConfigurationError("twilio drops stream", "there is no call yet", "call first, or say 'at 3s'")
        self.calls[-1].drop_stream()

    def restart(self) -> None:
        """Kill the process of the bridge in the middle of its calls, and start another one with the same database."""
        bench = self._bench
        if isinstance(bench, RealTimeBench):
            raise ConfigurationError("bridge restarts", "the program that answers is no bridge of telebridge's")
        if not isinstance(bench, VirtualBench):
            raise ConfigurationError("bridge restarts", "there is no bridge yet", "call first")
        bench.restart()

    def close(self) -> None:
        """End all calls and everything around them. May be called again."""
        if self._closed:
            return
        self._closed = True
        try:
            for bench in [self._bench, *reversed(self._former)]:
                if bench is not None:
                    bench.close()
        finally:
            self._log.stop()
            if self._guarded:
                release()

    # Inside.

    def _program(
        self, target: object, flow: object, url: str | TwimlApplication | None, public_url: str | None
    ) -> TwimlApplication | None:
        """The program that answers a call; None where it is no program of others."""
        if isinstance(target, TwimlApplication) or (isinstance(target, str) and target.startswith(WEB)):
            url = target
        elif url is None and target is None and flow is None:
            url = self._url
        if url is None:
            return None
        own = self._url
        if isinstance(own, TwimlApplication) and own.url == url:
            url = own
        program = TwimlApplication(url) if isinstance(url, str) else url
        return program if public_url is None else replace(program, public_url=public_url)

    def _options(
        self,
        target: str | Path | Bridge | web.Application | TwimlApplication | None,
        flow: str | Path | None,
        path: str,
        settings: Mapping[str, Any] | None,
    ) -> VirtualBenchOptions:
        """What answers a call."""
        if isinstance(target, web.Application):
            return VirtualBenchOptions(application=target, path=path)
        bridge = target if isinstance(target, Bridge) else None
        named = flow if bridge is not None or target is None else str(target)
        if named is None and bridge is None:
            named = self._flow
        changes = _merged(self._settings, settings or {})
        if named is not None:
            changes = {**changes, "default_flow": self._flow_name(str(named)), "numbers": {}}
        if "flows_dir" in changes:
            changes["flows_dir"] = self._folder / changes["flows_dir"]
        elif self._config is None:
            changes["flows_dir"] = self._flows_dir(str(named or ""))
        return VirtualBenchOptions(bridge=bridge, settings=changes, config=self._config)

    def _instant(self, at: datetime | None, target: object, flow: str | Path | None) -> datetime | None:
        """The aware instant of a date and time on the clock of the flow."""
        if at is None or at.tzinfo is not None:
            return at
        named = self._flow_name(str(flow or target or self._flow or ""))
        zone = load_flow(Path(named)).zone if named.endswith(FLOW_FILES) else ""
        return at.replace(tzinfo=ZoneInfo(zone or "UTC"))

    def _flow_name(self, named: str) -> str:
        return str(self._folder / named) if named.endswith(FLOW_FILES) else named

    def _flows_dir(self, named: str) -> Path:
        """The folder of flows by name: the usual one of a project; none where a call names a file."""
        return self._folder / ("no flows" if named.endswith(FLOW_FILES) else "config/flows")

    def _open(self, options: VirtualBenchOptions | TwimlApplication) -> Bench:
        """The bench for these options: the one of the last call where it is the same."""
        if self._bench is not None and options == self._opened:
            return self._bench
        if self._bench is not None:
            self._former.append(self._bench)
        if not self._former and self._bench is None:
            self._log.start()
        bench: Bench
        if isinstance(options, TwimlApplication):
            bench = RealTimeBench(options, self._services)
        else:
            bench = VirtualBench(options, self._services)
            if not self._guarded:
                guard()
                self._guarded = True
        self._bench, self._opened = bench, options
        for number, fates in self._fates.items():
            bench.people.describe(number, *fates)
        bench.start()
        return bench


async def _answered(placed: SimulatedCall) -> None:
    """Wait until the line is open, or the call is over without."""
    opened = asyncio.create_task(placed.phone.opened.wait())
    await asyncio.wait({opened, placed.finished}, timeout=RINGS_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    opened.cancel()


def _refuse_running_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise ConfigurationError(
        "phone", "is synchronous, and an event loop is running here", "write the test with 'def', or take 'aphone'"
    )


def _merged(values: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**values}
    for key, value in more.items():
        known = merged.get(key)
        merged[key] = _merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return merged
