"""Writes the report of a campaign: one row for each contact."""

import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from telebridge.campaigns.reporting.report import (
    ReportRow,
    csv_lines,
    json_lines,
    report_rows,
)
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import ConfigurationError
from telebridge.private_files import open_private

ReportFormat = Literal["csv", "json"]


async def write_report(store: CampaignStore, campaign_id: str, output: Path | None, form: ReportFormat) -> Counter[str]:
    """Write a report to a file, or to standard output; returns how many contacts have each outcome.

    Raises:
        ConfigurationError: The file cannot be written.
    """
    outcomes: Counter[str] = Counter()
    with _opened(output) as file:
        rows = _counted(report_rows(store.reports, campaign_id), outcomes)
        lines = csv_lines(store.reports, campaign_id, rows) if form == "csv" else json_lines(rows)
        async for line in lines:
            file.write(line)
    return outcomes


async def _counted(rows: AsyncIterator[ReportRow], outcomes: Counter[str]) -> AsyncIterator[ReportRow]:
    async for row in rows:
        outcomes[row.outcome] += 1
        yield row


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[str]]:
    if output is None:
        yield sys.stdout
        return
    try:
        with open_private(output, "w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise ConfigurationError(str(output), f"cannot be written ({error.strerror})") from error
