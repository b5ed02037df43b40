"""`telebridge hours`: the opening hours of flows, set open or closed by hand.

One rule: it writes to the database of the settings, and running servers that share it follow within two seconds.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.store.opening import OpeningByHand, SetByHand
from telebridge.cli.database import migrated_database
from telebridge.cli.options import ConfigOption, JsonOption, instant_of
from telebridge.cli.process.printing import print_text
from telebridge.database.database import database_of
from telebridge.errors import ConfigurationError
from telebridge.flows.checks.mistakes import nearest
from telebridge.flows.nodes.hours_in_service import HoursInService, hours_by_name
from telebridge.flows.nodes.opening_hours import OpeningHours, OpeningState
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings
from telebridge.timing.epoch import iso_instant

T = TypeVar("T")

hours = typer.Typer(
    help="See the opening hours of flows as they are now, and set them open or closed by hand.", no_args_is_help=True
)
HoursArgument = Annotated[str, typer.Argument(help="The hours' name: the flow's, or `name` at the node.")]
UntilOption = Annotated[
    str | None, typer.Option(help="When the hours count again, such as 2026-12-24T18:00.", show_default="never")
]


@hours.command("list")
def list_(
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """List the opening hours of all flows, and whether they were set by hand."""
    settings = load_settings(config)
    known = _known(settings)
    found = asyncio.run(_with_database(settings, OpeningByHand.read))
    rows = [_row(name, one, found.get(name)) for name, one in known.items()]
    if json_:
        typer.echo(json.dumps(rows))
        return
    if not rows:
        print_text("no flow has opening hours: see the verb 'hours' (telebridge flow fields hours)")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("hours", "now", "why", "flows"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        until = f" until {row['until']}" if row["until"] else ""
        why = f"set by hand{until}" if row["by_hand"] else "by the hours"
        table.add_row(row["name"], row["state"], why, ", ".join(row["flows"]))
    Console(highlight=False).print(table)


@hours.command("set")
def set_(
    name: HoursArgument,
    state: Annotated[OpeningState, typer.Argument(help="What they are from now on.")],
    until: UntilOption = None,
    config: ConfigOption = None,
) -> None:
    """Set hours open or closed by hand, whatever the clock says."""
    settings = load_settings(config)
    times = _require(settings, name)
    at = _until(until, times)
    asyncio.run(_with_database(settings, lambda by_hand: by_hand.set(name, state, at)))
    ending = "until `telebridge hours clear`" if at is None else f"until {iso_instant(at.astimezone(UTC))}"
    print_text(f"{name}: {state.value} {ending}")


@hours.command()
def clear(name: HoursArgument, config: ConfigOption = None) -> None:
    """Let hours count again that were set by hand."""
    settings = load_settings(config)
    times = _require(settings, name)
    asyncio.run(_with_database(settings, lambda by_hand: by_hand.clear(name)))
    print_text(f"{name}: {times.at(datetime.now(UTC)).value}, by the hours")


async def _with_database(settings: Settings, work: Callable[[OpeningByHand], Awaitable[T]]) -> T:
    """Read or change what is set by hand in the database of the settings."""
    async with migrated_database(settings) as engine:
        return await work(OpeningByHand(database_of(engine), lambda: datetime.now(UTC), lambda: True))


def _known(settings: Settings) -> dict[str, HoursInService]:
    catalogue = FlowCatalogue(settings.flows_dir)
    catalogue.load()
    return hours_by_name(catalogue.files())


def _require(settings: Settings, name: str) -> OpeningHours:
    known = _known(settings)
    if name not in known:
        hint = nearest(name, known) or f"there are {', '.join(known) or 'none'}"
        raise ConfigurationError("NAME", f"no flow has hours '{name}'", hint)
    return known[name].hours


def _until(written: str | None, times: OpeningHours) -> datetime | None:
    """The instant; without an offset it is on the clock of the hours' zone."""
    if written is None:
        return None
    until = instant_of("--until", written, times.tzinfo)
    if until <= datetime.now(UTC):
        raise ConfigurationError("--until", f"'{written}' has passed")
    return until


def _row(name: str, one: HoursInService, by_hand: SetByHand | None) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "name": name,
        "flows": sorted(one.flows),
        "state": (one.hours.at(now) if by_hand is None else by_hand.state).value,
        "by_hand": by_hand is not None,
        "until": None
        if by_hand is None or by_hand.until is None
        else by_hand.until.astimezone(one.hours.tzinfo).isoformat(timespec="minutes"),
    }
