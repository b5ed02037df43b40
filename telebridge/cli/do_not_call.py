"""`telebridge campaign do-not-call`: the numbers that no campaign calls."""

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from typing_extensions import override

from telebridge.campaigns.epoch import epoch_ms, instant
from telebridge.campaigns.numbers import Number, read_number
from telebridge.campaigns.report import told_instant
from telebridge.campaigns.store import Barred
from telebridge.cli.campaign_store import campaign_store, run
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.serving import tell
from telebridge.errors import ConfigurationError
from telebridge.settings import load_settings

do_not_call = typer.Typer(
    help="Numbers that no campaign calls: at once, for ever, whatever campaign they are in.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)

AT_ONCE = 5000
CountryOption = Annotated[str, typer.Option(help="Whose numbers those without '+' are.")]


@do_not_call.command()
def add(
    numbers: Annotated[list[str], typer.Argument(help="Numbers, such as +12125550123.")],
    reason: Annotated[str, typer.Option(help="Why, for the records.")] = "",
    country: CountryOption = "US",
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Put numbers on the list."""
    phones = [_e164(number, country) for number in numbers]
    settings = load_settings(config)

    async def added() -> int:
        async with campaign_store(settings) as store:
            return await store.do_not_call.add(phones, source="command", reason=reason)

    count = run(added())
    tell(json.dumps({"added": count, "there": len(phones) - count}) if json_ else f"{count} added to the list")


@do_not_call.command()
def remove(
    numbers: Annotated[list[str], typer.Argument(help="Numbers, such as +12125550123.")],
    country: CountryOption = "US",
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Take numbers off the list: only when the person has asked for that, and you can show it."""
    phones = [_e164(number, country) for number in numbers]
    settings = load_settings(config)

    async def removed() -> int:
        async with campaign_store(settings) as store:
            return sum([await store.do_not_call.remove(phone) for phone in phones])

    count = run(removed())
    tell(json.dumps({"removed": count}) if json_ else f"{count} taken off the list")
    if not count:
        raise typer.Exit(1)


@do_not_call.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A text or CSV whose first column is a number.")],
    register: Annotated[
        str, typer.Option(help="The register that it is a copy of; notes that contacts were compared with it now.")
    ] = "",
    country: CountryOption = "US",
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Put the numbers of a file on the list; lines that are no numbers are counted and left out.

    Telemarketing campaigns only start when a register was imported in the last 31 days.
    """
    settings = load_settings(config)

    async def imported() -> tuple[int, int, int]:
        added = read = 0
        async with campaign_store(settings) as store:
            numbers = _Numbers(file, country)
            phones = iter(numbers)
            while batch := list(islice(phones, AT_ONCE)):
                read += len(batch)
                added += await store.do_not_call.add(batch, source=register or file.name)
            if register:
                await store.do_not_call.set_scrubbed(register, epoch_ms(datetime.now(UTC)))
        return added, read, numbers.unreadable

    added, read, unreadable = run(imported())
    if json_:
        tell(
            json.dumps({"added": added, "there": read - added, "unreadable": unreadable, "register": register or None})
        )
    else:
        tell(f"{added:,} added, {read - added:,} there already, {unreadable:,} lines without a number")


@do_not_call.command("list")
def list_(
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Print the list: the number, since when, how it came there, and why."""
    settings = load_settings(config)

    async def known() -> list[Barred]:
        async with campaign_store(settings) as store:
            return [one async for one in store.do_not_call.all()]

    found = run(known())
    if json_:
        tell(json.dumps([_json(one) for one in found]))
        return
    for one in found:
        tell(f"{one.phone:<16} {told_instant(instant(one.added_at))}  {one.source:<16} {one.reason}".rstrip())


def _json(one: Barred) -> dict[str, str | None]:
    since = told_instant(instant(one.added_at))
    return {
        "phone": one.phone,
        "campaign": one.scope or None,
        "since": since,
        "source": one.source,
        "reason": one.reason,
    }


class _Numbers(Iterable[str]):
    """The numbers in a file.

    Attributes:
        unreadable: How many lines so far had none.
    """

    def __init__(self, file: Path, country: str) -> None:
        self.unreadable = 0
        self._file = file
        self._country = country

    @override
    def __iter__(self) -> Iterator[str]:
        try:
            with self._file.open(encoding="utf-8-sig", newline="", errors="replace") as file:
                for row in csv.reader(file):
                    number = read_number(row[0] if row else "", country=self._country, check="possible")
                    if isinstance(number, Number):
                        yield number.e164
                    else:
                        self.unreadable += 1
        except OSError as error:
            raise ConfigurationError(str(self._file), f"cannot be read ({error.strerror})") from error


def _e164(written: str, country: str) -> str:
    number = read_number(written, country=country, check="possible")
    if not isinstance(number, Number):
        raise ConfigurationError("number", number.reason, "write it as '+12125550123'")
    return number.e164
