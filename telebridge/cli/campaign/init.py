"""`telebridge campaign init`: a campaign file for a CSV, from the columns that it has."""

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.importing.drafting import SampledList, draft_campaign, sample_list
from telebridge.campaigns.numbers.numbers import DialableNumber, country_exists, read_number
from telebridge.cli.campaign.store import flows_of
from telebridge.cli.options import AppOption, ConfigOption
from telebridge.cli.process.printing import print_line, print_text
from telebridge.errors import ConfigurationError
from telebridge.flows.inspection import matched_variables, used_variables
from telebridge.flows.model import Flow
from telebridge.settings.loading import load_settings

OPEN = re.compile(r'^(?:# )?(\w+) = ""', re.MULTILINE)
"""A key that the owner must set."""


def init(
    contacts: Annotated[Path, typer.Argument(help="The people: a CSV.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file.", show_default="beside the CSV, as NAME.toml")
    ] = None,
    flow: Annotated[
        str, typer.Option(help="The flow that speaks.", show_default="the one that its columns fill best")
    ] = "",
    from_: Annotated[str, typer.Option("--from", help="A number of your Twilio account.")] = "",
    country: Annotated[
        str, typer.Option(help="Whose numbers those without '+' are.", show_default="found out from them")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that is there.")] = False,  # noqa: FBT002
    app: AppOption = None,
    config: ConfigOption = None,
) -> None:
    """Write a campaign file for a CSV: the column of numbers, and the columns that fill what the flow says."""
    settings = load_settings(config)
    file = output or contacts.with_suffix(".toml")
    if country and not country_exists(country):
        raise ConfigurationError("--country", f"'{country}' is no country", "write it by ISO 3166, as 'US'")
    if from_:
        from_ = _e164(from_, country)
    flows = flows_of(settings, app)
    sampled = sample_list(contacts)
    name = flow or _best_flow(flows, sampled)
    found = flows.find(name) if name else None
    text = draft_campaign(
        sampled,
        found if isinstance(found, Flow) else None,
        name=contacts.stem,
        flow_name=name,
        from_number=from_,
        country=country,
    )
    try:
        with file.open("w" if force else "x", encoding="utf-8") as written:
            written.write(text)
    except FileExistsError as error:
        hint = "name another one with --output, or overwrite it with --force"
        raise ConfigurationError(str(file), "is there already", hint) from error
    except OSError as error:
        raise ConfigurationError(str(file), f"cannot be written ({error.strerror})") from error
    print_line(text.rstrip("\n"))
    print_line("")
    keys, _, columns = text.partition("[columns]\n")
    unset = [*OPEN.findall(keys), *(f"columns.{key}" for key in OPEN.findall(columns))]
    print_text(f"{file} is written; " + (f"set {', '.join(unset)} in it, then:" if unset else "then:"))
    print_line(f"  telebridge campaign preflight {shlex.quote(f'{file}')} --contacts {shlex.quote(f'{contacts}')}")


def _best_flow(flows: FlowCatalogue, contacts: SampledList) -> str:
    """The flow file of which the columns fill the most variables; empty when there is none."""

    def filled(flow: Flow) -> int:
        used = used_variables(flow)
        return len(matched_variables(dict.fromkeys(contacts.header), used).keys() & used)

    best = max(sorted(flows.files(), key=lambda flow: flow.flow), key=filled, default=None)
    return "" if best is None else best.flow


def _e164(written: str, country: str) -> str:
    number = read_number(written, country=country, check="possible")
    if not isinstance(number, DialableNumber):
        raise ConfigurationError("--from", number.reason, "for example '+12125550100'")
    return number.e164
