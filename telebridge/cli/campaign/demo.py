"""`telebridge campaign demo`: a whole campaign on this machine, with scripted callees: people, machines, busy lines.

One rule: a number behaves the same in every run.
"""

import asyncio
import json
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from typing_extensions import override

from telebridge.app.bridge import CAMPAIGNS, create_app
from telebridge.app.campaigns import Clocks
from telebridge.bundled import BUNDLED, BUNDLED_FLOWS
from telebridge.campaigns.calling_hours.hours import CallingLaw
from telebridge.campaigns.calling_hours.law import calling_rules
from telebridge.campaigns.dialing.start_checks import start_campaign
from telebridge.campaigns.engine.campaign import CampaignPlan
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.reporting.view import CampaignView
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.cli.campaign.lists.importing import fill
from telebridge.cli.campaign.report import ReportFormat, ReportTarget, write_report
from telebridge.cli.campaign.store import flows_of, read_file
from telebridge.cli.campaign.view import watch
from telebridge.cli.listen import listening
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.process.event_loop import run
from telebridge.cli.process.hum import warn_of_hum
from telebridge.cli.process.printing import print_line, print_text
from telebridge.errors import TelebridgeError
from telebridge.logs import configure_logs
from telebridge.settings.loading import load_settings
from telebridge.settings.sections import CampaignSettings, DatabaseSettings, TwilioSettings
from telebridge.settings.settings import Settings
from telebridge.simulator.caller.caller import Script
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.server import create_app as create_simulator
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN, SimulatorOptions

CONFIRMS = "human after 800ms; wait; silence 900ms; press 1; silence 2s; hang up"
MOVES = "human after 800ms; wait; silence 900ms; press 2; silence 2s; hang up"
OPTS_OUT = "human after 800ms; wait; silence 900ms; press 9; silence 3s; hang up"
BARGES_IN = "human after 800ms; wait 700ms; speak 1200ms; silence 900ms; press 1; silence 2s; hang up"
HANGS_UP = "human after 300ms; wait 900ms; hang up"
MACHINE = "machine after 2500ms; speak 2300ms; silence 3s; hang up"
BUSY = "busy after 500ms"

SCRIPTS: Sequence[Sequence[str]] = (
    *[[CONFIRMS]] * 8,
    [MOVES],
    [MOVES],
    [OPTS_OUT],
    [BARGES_IN],
    [BARGES_IN],
    [HANGS_UP],
    [BUSY, CONFIRMS],
    [BUSY, BUSY],
    ["no answer", CONFIRMS],
    ["no answer"],
    [MACHINE],
    ["fail 404 after 500ms"],
)
"""The scripts of twenty consecutive numbers, for the first call, the second, and so on; the last is for all later."""


class ScriptedCallees(Mapping[str, Script]):
    """The script of each number for each call to it. It is empty before `assign`.

    Attributes:
        calls: How often each number was called.
    """

    def __init__(self) -> None:
        self._scripts: dict[str, list[Script]] = {}
        self.calls: dict[str, int] = {}

    def assign(self, numbers: Sequence[str]) -> None:
        """Assign scripts to these numbers, by position."""
        scripts = {text: parse_script(text) for calls in SCRIPTS for text in calls}
        self._scripts = {
            number: [scripts[text] for text in SCRIPTS[at % len(SCRIPTS)]] for at, number in enumerate(numbers)
        }
        self.calls = dict.fromkeys(numbers, 0)

    @override
    def __getitem__(self, number: str) -> Script:
        scripts = self._scripts[number]
        self.calls[number] += 1
        return scripts[min(self.calls[number], len(scripts)) - 1]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._scripts)

    @override
    def __len__(self) -> int:
        return len(self._scripts)


FILE, CONTACTS = BUNDLED / "campaigns" / "reminders.toml", BUNDLED / "campaigns" / "reminders.csv"
MOST_PEOPLE = 200
"""So many contacts has the example."""
FLOW = "reminder"
OPEN_EVERYWHERE = datetime(2026, 1, 14, 19, 20, tzinfo=UTC) + timedelta(hours=5)
"""A working day, 7:20 in the evening in New York and 2:20 in the afternoon in Honolulu: inside every window."""
LONGEST_SECONDS = 600.0
LOOK_SECONDS = 0.5


def demo(
    output: Annotated[Path, typer.Option("--output", "-o", help="Where the report goes.")] = Path("report.csv"),
    calls_per_second: Annotated[float, typer.Option(min=0.1, max=100, help="How fast calls are begun.")] = 5.0,
    max_live: Annotated[int, typer.Option(min=1, max=500, help="Calls at once.")] = 60,
    people: Annotated[int, typer.Option(min=1, max=MOST_PEOPLE, help="How many people are called.")] = MOST_PEOPLE,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Call up to 200 people on this machine: a local Twilio, the bridge, and a voice; no account, no network.

    They confirm, move their appointment, interrupt, hang up, are busy at first, do not answer, want no further calls,
    or are machines that are left a message. Calling hours and retries are real, but faster: the clock is set to the
    evening of a working day, and a delay of a quarter of an hour takes some seconds. Writes report.csv.
    """
    settings = load_settings(config)
    configure_logs(level="error")
    warn_of_hum(settings.rime)
    if FLOW not in flows_of(settings).names:
        settings = settings.model_copy(update={"flows_dir": BUNDLED_FLOWS, "app": ""})
    limits = CampaignSettings(calls_per_second=calls_per_second, max_live=max_live)
    settings = settings.model_copy(update={"campaigns": limits})
    run(_demo(settings, people, output, Console(quiet=json_), json_=json_))


async def _demo(settings: Settings, people: int, output: Path, console: Console, *, json_: bool) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()

    def evening() -> datetime:
        return OPEN_EVERYWHERE + timedelta(seconds=loop.time() - begun)

    with tempfile.TemporaryDirectory(prefix="telebridge-") as folder:
        _write_contacts(people, Path(folder) / CONTACTS.name)
        view, first_words_ms = await _campaign(settings, Path(folder), output, console, evening)
    if view.campaign.status is CampaignStatus.PAUSED:
        rate = settings.campaigns.calls_per_second / 2
        hint = f"this machine is busy: telebridge campaign demo --calls-per-second {rate:g}"
        raise TelebridgeError(f"the campaign was paused: {view.campaign.reason}; {hint}")
    seconds, waited_ms = loop.time() - begun, median(first_words_ms) if first_words_ms else None
    if json_:
        figures = {"seconds": round(seconds, 1), "first_words_ms": waited_ms, "report": str(output)}
        print_line(json.dumps({**view.as_json(), **figures}))
        return
    console.print()  # in a pipe the last frame has no newline
    console.print(_table(view))
    answered = "nobody heard a word"
    if waited_ms is not None:
        answered = f"first words {waited_ms:.0f} ms after the answer (median of {len(first_words_ms)})"
    print_text(f"{view.total} contacts, {view.attempts} calls in {seconds:.0f} s, {answered}; wrote {output}")


def _write_contacts(people: int, path: Path) -> None:
    """Write the first contacts of the example to a file."""
    with CONTACTS.open(encoding="utf-8", newline="") as file:
        path.write_text("".join(islice(file, 1 + people)), encoding="utf-8", newline="")


async def _campaign(
    settings: Settings, folder: Path, output: Path, console: Console, evening: Callable[[], datetime]
) -> tuple[CampaignView, list[float]]:
    """Run the campaign from the file to the report; returns also each wait for the first words in milliseconds."""
    callees = ScriptedCallees()
    async with _everything(settings, folder, callees, evening) as (running, store):
        _, plan = read_file(running, flows_of(running), FILE)
        campaign = await store.campaigns.create(_hurried(plan, running.campaigns))
        rejects = folder / "rejects.csv"
        done = await fill(store, campaign, folder / CONTACTS.name, rejects=rejects, console=console)
        callees.assign([contact.phone async for contact in store.reports.contacts(campaign.id)])
        console.print(f"{done.added} contacts imported, each with the time zones it may be in")
        await start_campaign(store, campaign, wallclock=evening())
        law = CallingLaw(calling_rules())
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                view = await watch(
                    store,
                    campaign.id,
                    law.open_until,
                    console,
                    every_seconds=LOOK_SECONDS,
                    wallclock=evening,
                    until_paused=True,
                )
        except TimeoutError:
            raise TelebridgeError(f"the campaign was not over after {LONGEST_SECONDS:.0f} s") from None
        await write_report(store, campaign, ReportTarget(output, ReportFormat.CSV))
        talks = [attempt.talk async for attempt in store.reports.attempts(campaign.id)]
    return view, [talk["first_audio_ms"] for talk in talks if talk.get("first_audio_ms") is not None]


@asynccontextmanager
async def _everything(
    settings: Settings, folder: Path, callees: ScriptedCallees, evening: Callable[[], datetime]
) -> AsyncIterator[tuple[Settings, CampaignStore]]:
    """Run a local Twilio and the bridge with a database of their own; yields their settings and the store."""
    async with AsyncExitStack() as stack:
        simulator = create_simulator(SimulatorOptions(callers=callees, calls_per_second=1000.0))
        api_url = await stack.enter_async_context(listening(simulator, "127.0.0.1", 0, port_setting="demo"))
        listener = socket.create_server(("127.0.0.1", 0))
        running = settings.model_copy(
            update={
                "twilio": TwilioSettings(account_sid=ACCOUNT_SID, auth_token=AUTH_TOKEN, api_base_url=api_url),
                "public_url": f"http://127.0.0.1:{listener.getsockname()[1]}",
                "database": DatabaseSettings(url=f"sqlite:///{folder}/demo.db"),
            }
        )
        app = create_app(running, clocks=Clocks(evening))
        await stack.enter_async_context(listening(app, "", 0, port_setting="demo", inherited=listener))
        yield running, app[CAMPAIGNS].store


def _hurried(plan: CampaignPlan, limits: CampaignSettings) -> CampaignPlan:
    """Return the plan with delays of seconds instead of minutes and hours."""
    delays = {Outcome.BUSY: (4.0,), Outcome.NO_ANSWER: (4.0,)}
    return replace(
        plan,
        retry=RetryRules(2, delays),
        ring_seconds=4,
        calls_per_second=limits.calls_per_second,
        max_live=limits.max_live,
    )


def _table(view: CampaignView) -> Table:
    table = Table(title="Outcomes", title_justify="left")
    table.add_column("outcome")
    table.add_column("contacts", justify="right")
    for name, count in sorted(view.progress.outcomes.items(), key=lambda item: -item[1]):
        table.add_row(name.replace("_", " "), str(count))
    table.add_section()
    table.add_row("all", str(sum(view.progress.outcomes.values())))
    return table
