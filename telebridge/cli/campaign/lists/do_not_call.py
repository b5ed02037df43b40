"""`telebridge campaign do-not-call`: the numbers that no campaign calls."""

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from telebridge.campaigns.engine.do_not_call import EVERY_CAMPAIGN, DoNotCallEntry, DoNotCallRecords
from telebridge.campaigns.importing.number_list import examine, numbers_of
from telebridge.campaigns.numbers.numbers import DialableNumber, read_number
from telebridge.campaigns.numbers.registers import check_register
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.cli.campaign.store import campaign_store, find_campaign, run
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.process.printing import print_line, print_text
from telebridge.errors import ConfigurationError
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings
from telebridge.timing.epoch import epoch_ms, instant, iso_instant

do_not_call = typer.Typer(
    help="Numbers that no campaign calls, or one campaign does not call: at once and permanently.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

AT_ONCE = 5000
NumbersArgument = Annotated[list[str], typer.Argument(help="Numbers, such as +12125550123.")]
CampaignOption = Annotated[
    str,
    typer.Option(
        "--campaign", help="A campaign's name or id: the entry holds for it alone; by default for every campaign."
    ),
]
CountryOption = Annotated[str, typer.Option(help="The country of numbers without '+'.")]


@do_not_call.command()
def add(
    numbers: NumbersArgument,
    reason: Annotated[str, typer.Option(help="Why, for the records.")] = "",
    campaign: CampaignOption = "",
    country: CountryOption = "US",
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Add numbers to the list."""

    async def added(known: DoNotCallRecords, phones: list[str], scope: str) -> int:
        return await known.add(phones, source="command", reason=reason, scope=scope)

    count = run(_changed(load_settings(config), numbers, country, campaign, added))
    print_line(json.dumps({"added": count, "there": len(numbers) - count}) if json_ else f"{count} added to the list")


@do_not_call.command()
def remove(
    numbers: NumbersArgument,
    campaign: CampaignOption = "",
    country: CountryOption = "US",
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Remove numbers from the list: only if the person has asked for that, and you can prove it."""

    async def removed(known: DoNotCallRecords, phones: list[str], scope: str) -> int:
        return sum([await known.remove(phone, scope=scope) for phone in phones])

    count = run(_changed(load_settings(config), numbers, country, campaign, removed))
    print_line(json.dumps({"removed": count}) if json_ else f"{count} taken off the list")
    if not count:
        raise typer.Exit(1)


@do_not_call.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="One number a line, `212,5550123`, or a CSV with a column 'phone'.")],
    register: Annotated[
        str,
        typer.Option(
            help="The register of which it is a copy, such as us-national or us-fl; recorded as imported today."
        ),
    ] = "",
    campaign: CampaignOption = "",
    country: CountryOption = "US",
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Add the numbers of a file to the list.

    The file has one number a line; or an area code and seven digits a line, as the flat file of the National Do Not
    Call Registry has; or is a CSV whose first line names a column **phone**. It must be unpacked, and UTF-8 or ASCII.

    A file is refused as a whole if it has no numbers, or if more than one line in a hundred is not a number. Fewer such
    lines are counted and skipped.

    A telemarketing campaign starts only if the register of each country it calls was imported in the last 31 days.
    """
    if register:
        check_register(register)
    if register and campaign:
        raise ConfigurationError("--campaign", "a register holds for every campaign", "leave one of them out")
    settings = load_settings(config)
    with Console(stderr=True).status(f"reading {file.name}"):
        examined = examine(file, country=country)
    added = run(_imported(settings, file, country, register, campaign, total=examined.numbers))
    there = examined.numbers - added
    if json_:
        told = {"added": added, "there": there, "unreadable": examined.unreadable, "register": register or None}
        print_line(json.dumps(told))
        return
    print_text(f"{added:,} added, {there:,} there already")
    if examined.first_unreadable is not None:
        first = examined.first_unreadable
        print_text(
            f"{examined.unreadable:,} lines without a number, the first {file}:{first.line}: {first.reason}", err=True
        )


@do_not_call.command("list")
def list_(
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Print the list: each number, since when it is there, its source and the reason."""
    settings = load_settings(config)

    async def known() -> list[DoNotCallEntry]:
        async with campaign_store(settings) as store:
            return [one async for one in store.do_not_call.all()]

    found = run(known())
    if json_:
        print_line(json.dumps([_json(one) for one in found]))
        return
    for one in found:
        only = f"campaign {one.scope[:8]}" if one.scope else ""
        print_text(
            f"{one.phone:<16} {iso_instant(instant(one.added_at))}  {one.source:<16} {only:<17} {one.reason}".rstrip()
        )


def _json(one: DoNotCallEntry) -> dict[str, str | None]:
    since = iso_instant(instant(one.added_at))
    return {
        "phone": one.phone,
        "campaign": one.scope or None,
        "since": since,
        "source": one.source,
        "reason": one.reason,
    }


async def _imported(settings: Settings, file: Path, country: str, register: str, campaign: str, *, total: int) -> int:
    """Add the numbers of a file to the list; returns how many are new."""
    added = read = 0
    numbers = numbers_of(file, country=country)
    async with campaign_store(settings) as store:
        scope = await _scope(store, campaign)
        with Console(stderr=True).status(f"putting {total:,} numbers on the list") as status:
            while batch := list(islice(numbers, AT_ONCE)):
                added += await store.do_not_call.add(batch, source=register or file.name, scope=scope)
                read += len(batch)
                status.update(f"putting {total:,} numbers on the list: {read:,}")
        if read != total:
            raise ConfigurationError(str(file), "changed while it was read", "import it again")
        if register:
            await store.do_not_call.set_scrubbed(register, epoch_ms(datetime.now(UTC)))
    return added


async def _changed(
    settings: Settings,
    numbers: list[str],
    country: str,
    campaign: str,
    change: Callable[[DoNotCallRecords, list[str], str], Awaitable[int]],
) -> int:
    """Change the list: `change` gets it, the numbers in E.164 and the scope; returns how many entries it changed."""
    phones = [_e164(number, country) for number in numbers]
    async with campaign_store(settings) as store:
        return await change(store.do_not_call, phones, await _scope(store, campaign))


async def _scope(store: CampaignStore, campaign: str) -> str:
    """The scope of an entry: a campaign by its name or id, or every campaign."""
    return (await find_campaign(store, campaign)).id if campaign else EVERY_CAMPAIGN


def _e164(written: str, country: str) -> str:
    number = read_number(written, country=country, check="possible")
    if not isinstance(number, DialableNumber):
        raise ConfigurationError("number", number.reason, "for example '+12125550123'")
    return number.e164
