"""`telebridge number`: list the numbers of the account, connect one with this bridge, and show where its calls go."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from telebridge.app.python_flows import bridge_of, open_flows
from telebridge.app.twilio import open_twilio
from telebridge.cli.number.connecting import connect as connect_number
from telebridge.cli.number.connecting import find_number
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.process.printing import print_text
from telebridge.errors import ConfigurationError
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings
from telebridge.twilio.numbers import AccountNumber, NumberWebhooks, TwilioNumbers

T = TypeVar("T")

number = typer.Typer(
    help="List the numbers of the Twilio account, connect one with this bridge, and show where its calls go.",
    no_args_is_help=True,
)
NumberArgument = Annotated[str, typer.Argument(metavar="NUMBER", help="A number of the account, such as +15551230000.")]


@number.command("list")
def list_(
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """List the numbers of the account, and whether their calls come here."""
    settings = load_settings(config)
    found = asyncio.run(_asked(settings, lambda twilio: twilio.numbers()))
    if json_:
        typer.echo(json.dumps([_as_json(one, settings) for one in found]))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("number", no_wrap=True)
    table.add_column("name", no_wrap=True, overflow="ellipsis")
    table.add_column("voice webhook", overflow="fold")
    for one in found:
        here = " (here)" if _is_here(one, settings) else ""
        table.add_row(one.number, one.name if one.name != one.number else "", f"{_leads(one.webhooks)}{here}")
    Console(highlight=False).print(table if found else "the account has no numbers: buy one in Twilio's console")


@number.command()
def connect(
    named: NumberArgument,
    flow: Annotated[str, typer.Option(help="The flow that leads its calls.", show_default="by the settings")] = "",
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Send the calls of a number to this bridge: its voice webhook and its status callback, read back afterwards."""
    settings = load_settings(config)
    if flow:
        _refuse_unknown(flow, settings)
    before, after = asyncio.run(connect_number(settings, named, flow))
    if json_:
        typer.echo(json.dumps({**_as_json(after, settings), "before": asdict(before.webhooks)}))
        return
    _tell(after)
    if before.webhooks != after.webhooks:
        print_text(f"before: {_leads(before.webhooks)}")


@number.command()
def show(
    named: NumberArgument,
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Show where the calls of a number go, as Twilio has it. Exits with 1 when they do not come here."""
    settings = load_settings(config)
    found = asyncio.run(_asked(settings, lambda twilio: find_number(twilio, named)))
    here = _is_here(found, settings)
    if json_:
        typer.echo(json.dumps(_as_json(found, settings)))
    else:
        _tell(found)
        if not here:
            print_text(f"its calls do not come here; telebridge number connect {found.number}")
    if not here:
        raise typer.Exit(1)


def _refuse_unknown(flow: str, settings: Settings) -> None:
    """A webhook that names no flow of this bridge would be answered with an error."""
    try:
        open_flows(settings, bridge_of(settings)).find(flow)
    except ConfigurationError as error:
        raise ConfigurationError("--flow", f"{error.where} {error.problem}", error.hint) from error


async def _asked(settings: Settings, ask: Callable[[TwilioNumbers], Awaitable[T]]) -> T:
    async with open_twilio(settings.twilio) as twilio:
        return await ask(twilio)


def _is_here(one: AccountNumber, settings: Settings) -> bool:
    return bool(settings.public_url) and one.webhooks.leads_to(settings.public_url)


def _leads(webhooks: NumberWebhooks) -> str:
    if webhooks.trunk_sid:
        return f"trunk {webhooks.trunk_sid}"
    if webhooks.voice_application_sid:
        return f"application {webhooks.voice_application_sid}"
    return webhooks.voice_url or "none"


def _tell(one: AccountNumber) -> None:
    webhooks = one.webhooks
    facts = {
        "number": f"{one.number}  {one.name if one.name != one.number else ''}".rstrip(),
        "voice webhook": f"{webhooks.voice_method} {_leads(webhooks)}",
        "status callback": f"{webhooks.status_callback_method} {webhooks.status_callback or 'none'}",
    }
    for name, value in facts.items():
        print_text(f"{name:<16} {value}", hanging=17)


def _as_json(one: AccountNumber, settings: Settings) -> dict[str, object]:
    return {**asdict(one), "here": _is_here(one, settings)}
