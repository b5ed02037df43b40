"""Writing a campaign's report: one row for each contact."""

import csv
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

from telebridge.campaigns.report import ReportRow, header_of, report_rows
from telebridge.campaigns.store import CampaignStore
from telebridge.errors import ConfigurationError

Format = Literal["csv", "json"]


async def write_report(store: CampaignStore, campaign_id: str, output: Path | None, form: Format) -> Counter[str]:
    """Write a report to a file, or to standard output without one; answers how many contacts have which outcome.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    outcomes: Counter[str] = Counter()
    with _opened(output) as file:
        rows = _counted(report_rows(store.reports, campaign_id), outcomes)
        await (_write_csv if form == "csv" else _write_json)(rows, file)
    return outcomes


async def _counted(rows: AsyncIterator[ReportRow], outcomes: Counter[str]) -> AsyncIterator[ReportRow]:
    async for row in rows:
        outcomes[row.outcome] += 1
        yield row


async def _write_csv(rows: AsyncIterator[ReportRow], file: TextIO) -> None:
    writer = csv.writer(file)
    variables: list[str] | None = None
    async for row in rows:
        if variables is None:
            variables = list(row.contact.variables)
            writer.writerow(header_of(variables))
        writer.writerow(row.cells(variables))
    if variables is None:
        writer.writerow(header_of([]))


async def _write_json(rows: AsyncIterator[ReportRow], file: TextIO) -> None:
    """One array, a contact in each line."""
    first = True
    async for row in rows:
        file.write("[\n" if first else ",\n")
        file.write(json.dumps(row.as_json(), ensure_ascii=False, default=str))
        first = False
    file.write("[]\n" if first else "\n]\n")


@contextmanager
def _opened(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    try:
        with output.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise ConfigurationError(str(output), f"cannot be written ({error.strerror})") from error
