"""`telebridge campaign report`: one row for each contact as CSV, JSON or XLSX, or a page of figures and lists."""

import sys
import tomllib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.reporting.page import report_page
from telebridge.campaigns.reporting.report import (
    BOM,
    ReportRow,
    csv_lines,
    json_lines,
    report_rows,
    result_names,
)
from telebridge.campaigns.reporting.summary import CampaignSummary, Prices
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.cli.campaign.store import NameArgument, campaign_store, find_campaign, run
from telebridge.cli.campaign.workbook import ReportWorkbook
from telebridge.cli.options import ConfigOption
from telebridge.cli.process.printing import number_of, print_text
from telebridge.errors import ConfigurationError
from telebridge.private_files import open_private
from telebridge.settings.loading import load_settings


class ReportFormat(Enum):
    """What a report is written as."""

    CSV = "csv"
    JSON = "json"
    HTML = "html"
    XLSX = "xlsx"


ENDINGS = {f".{form.value}": form for form in ReportFormat} | {".htm": ReportFormat.HTML}


@dataclass(frozen=True, slots=True)
class ReportTarget:
    """A report that is asked for; without a path it is printed."""

    path: Path | None
    form: ReportFormat


def report(
    name: NameArgument,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file; by default it is printed.")] = None,
    form: Annotated[ReportFormat | None, typer.Option("--format", help="By default the file's ending, or csv.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write a page of figures, charts and lists.")] = None,
    xlsx: Annotated[Path | None, typer.Option("--xlsx", help="Write an Excel workbook.")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="Begin the CSV with a mark for Excel.")] = False,  # noqa: FBT002
    config: ConfigOption = None,
) -> None:
    """Write one row for each contact: its attempts, the outcome, what was heard, the keys pressed, the flow's results.

    JSON has every attempt. CSV has the last one, with cells escaped so that no spreadsheet reads them as a formula.
    HTML and XLSX also have totals, days, hours, costs, and lists of who answered what.
    """
    settings = load_settings(config)
    targets = targets_of(output, form, html=html, xlsx=xlsx, bom=bom)

    async def written() -> list[dict[str, int]]:
        async with campaign_store(settings) as store:
            one = await find_campaign(store, name, deleted=True)
            return [dict(await write_report(store, one, target, bom=bom)) for target in targets]

    for target, outcomes in zip(targets, run(written()), strict=True):
        if target.path is not None:
            counts = ", ".join(f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in outcomes.items())
            print_text(f"{target.path}: {number_of(sum(outcomes.values()), 'contact')}: {counts or 'none'}")


def targets_of(
    output: Path | None, form: ReportFormat | None, *, html: Path | None, xlsx: Path | None, bom: bool
) -> list[ReportTarget]:
    """What the options of a command line ask for; without any file a report is printed.

    Raises:
        ConfigurationError: A file's ending is not known, XLSX is to be printed, or no CSV is to begin with a BOM.
    """
    targets = [
        ReportTarget(path, kind)
        for path, kind in ((html, ReportFormat.HTML), (xlsx, ReportFormat.XLSX))
        if path is not None
    ]
    if output is not None or form is not None or not targets:
        targets.append(ReportTarget(output, form or format_of(output)))
    if any(target.path is None and target.form is ReportFormat.XLSX for target in targets):
        raise ConfigurationError("--format xlsx", "needs a file", "name it by --xlsx FILE")
    if bom and not any(target.form is ReportFormat.CSV for target in targets):
        raise ConfigurationError("--bom", "is for CSV, and no CSV is written", "leave it out")
    return targets


def format_of(output: Path | None) -> ReportFormat:
    """The format that a file's ending names; CSV for one without an ending, such as /dev/stdout.

    Raises:
        ConfigurationError: The ending is not known.
    """
    ending = "" if output is None else output.suffix.lower()
    if not ending:
        return ReportFormat.CSV
    if ending not in ENDINGS:
        raise ConfigurationError(
            f"--output {output}", f"the ending '{ending}' is not known", f"use {', '.join(ENDINGS)}, or give --format"
        )
    return ENDINGS[ending]


async def write_report(
    store: CampaignStore, campaign: Campaign, target: ReportTarget, *, bom: bool = False
) -> Counter[str]:
    """Write a report to a file, or to standard output; returns how many contacts have each outcome.

    Args:
        store: Where the campaign is.
        campaign: Whose report it is.
        target: The file and its format.
        bom: Begin a CSV with a byte order mark, by which Excel knows that it is UTF-8.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    match target.form:
        case ReportFormat.XLSX:
            return await _write_workbook(store, campaign, target)
        case ReportFormat.HTML:
            summary = await _summary(store, campaign)
            variables = await store.reports.columns(campaign.id)
            with _opened(target.path) as file:
                file.write(report_page(campaign, summary, variables, wallclock=datetime.now(UTC)))
            return summary.outcomes
        case ReportFormat.CSV | ReportFormat.JSON:
            return await _write_rows(store, campaign, target, bom=bom)


async def _write_rows(store: CampaignStore, campaign: Campaign, target: ReportTarget, *, bom: bool) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    with _opened(target.path) as file:
        rows = _counted(report_rows(store.reports, campaign.id), outcomes)
        is_csv = target.form is ReportFormat.CSV
        file.write(BOM if bom and is_csv else "")
        async for line in csv_lines(store.reports, campaign.id, rows) if is_csv else json_lines(rows):
            file.write(line)
    return outcomes


async def _write_workbook(store: CampaignStore, campaign: Campaign, target: ReportTarget) -> Counter[str]:
    variables = await store.reports.columns(campaign.id)
    results = await result_names(store.reports, campaign.id)
    with _opened(target.path, binary=True) as file:
        workbook = ReportWorkbook(file, variables, results)
        summary = await _summary(store, campaign, workbook)
        workbook.close(campaign, summary, wallclock=datetime.now(UTC))
    return summary.outcomes


async def _summary(store: CampaignStore, campaign: Campaign, workbook: ReportWorkbook | None = None) -> CampaignSummary:
    summary = CampaignSummary(prices_of(campaign))
    async for row in report_rows(store.reports, campaign.id):
        summary.add(row)
        if workbook is not None:
            workbook.add(row)
    return summary


def prices_of(campaign: Campaign) -> Prices:
    """The prices in the file that a campaign was made from; none for a campaign without a file."""
    file = tomllib.loads(campaign.plan.file)  # was checked when the campaign was made
    return Prices(float(file.get("price_per_call", 0)), float(file.get("price_per_minute", 0)))


async def _counted(rows: AsyncIterator[ReportRow], outcomes: Counter[str]) -> AsyncIterator[ReportRow]:
    async for row in rows:
        outcomes[row.outcome] += 1
        yield row


@contextmanager
def _opened(output: Path | None, *, binary: bool = False) -> Iterator[IO[Any]]:
    if output is None:
        yield sys.stdout
        return
    # Bytes of a list that were no UTF-8 are shown by their numbers, as in a CSV.
    text = {} if binary else {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}
    try:
        with open_private(output, "wb" if binary else "w", **text) as file:
            yield file
    except OSError as error:
        raise ConfigurationError(str(output), f"cannot be written ({error.strerror})") from error
