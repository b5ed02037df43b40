"""The report of a campaign as an Excel workbook, written a row at a time.

One rule: a text is written as a text, whatever it begins with; XlsxWriter is told so for each cell. Cells have Excel's
text format, so that a text stays one when somebody edits it, and numbers keep their `+` and their zeros.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any

from telebridge.campaigns.csv_cells import readable
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.reporting.outcome_words import outcome_words
from telebridge.campaigns.reporting.report import CALLED_NUMBER, ReportRow, header_of
from telebridge.campaigns.reporting.summary import CampaignSummary, answer_row, answers_of, zone_of
from telebridge.unicode_text import xml_text

MOST_ROWS = 1_048_576
"""Of a sheet, by Excel's specification; a longer list goes on in another sheet."""
MOST_CHARACTERS = 32_767
"""Of a cell, likewise."""
WIDTH = 16

Cell = str | int | float | datetime | None


class ReportWorkbook:
    """The workbook of one campaign: `add` takes one contact after the other, `close` writes the figures and the file.

    Args:
        file: Open for binary writing.
        variables: The contacts' own columns.
        results: The names of the flow's results.
    """

    def __init__(self, file: IO[bytes], variables: Sequence[str], results: Sequence[str]) -> None:
        import xlsxwriter

        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(file, options)
        self._variables, self._results = variables, results
        self._figures = [SheetRows(self._book, name, header) for name, header in FIGURES.items()]
        answers = ["answer", *header_of(variables)[: 1 + len(variables)], CALLED_NUMBER, "digits", "called", "zone"]
        self._answers = SheetRows(self._book, "Answers", answers)
        self._contacts = SheetRows(self._book, "Contacts", header_of(variables, results))

    def add(self, row: ReportRow) -> None:
        """Write the rows of one contact."""
        self._contacts.add(row.texts(self._variables, self._results))
        for answer in answers_of(row):
            one = answer_row(row)
            own = [one.variables.get(name, "") for name in self._variables]
            zone = zone_of(row.lane_at(one.called_number))
            self._answers.add([answer, one.phone, *own, one.called_number, one.digits, one.called_at, zone])

    def close(self, campaign: Campaign, summary: CampaignSummary, *, wallclock: datetime) -> None:
        """Write the figures, and the workbook to the file."""
        tables: tuple[Sequence[Sequence[Cell]], ...] = (
            totals_of(campaign, summary, wallclock=wallclock),
            [(outcome_words(outcome), count) for outcome, count in summary.outcomes.most_common()],
            [(f"{day}", counts.calls, counts.reached) for day, counts in sorted(summary.days.items())],
            [(f"{hour:02}:00", counts.calls, counts.reached) for hour, counts in enumerate(summary.hours)],
        )
        for sheet, rows in zip(self._figures, tables, strict=True):
            for row in rows:
                sheet.add(row)
        self._book.close()


FIGURES = {
    "Totals": ("figure", "value"),
    "Outcomes": ("outcome", "contacts"),
    "Days": ("day", "calls", "reached"),
    "Hours": ("hour", "calls", "reached"),
}
"""The sheets with figures, and their headers."""


def totals_of(campaign: Campaign, summary: CampaignSummary, *, wallclock: datetime) -> list[tuple[str, Cell]]:
    """The first sheet."""
    prices = summary.prices
    costs: list[tuple[str, Cell]] = [
        ("cost at the campaign file's prices", round(summary.cost, 2)),
        ("price of a call", prices.per_call),
        ("price of a begun minute", prices.per_minute),
    ]
    return [
        ("campaign", campaign.plan.name),
        ("flow", campaign.plan.flow),
        ("status", campaign.status.value),
        ("report made (UTC)", wallclock),
        ("days and hours", "local to the number that was called, in the first zone that it may be in"),
        ("contacts", summary.contacts),
        ("called", summary.called),
        ("reached", summary.reached),
        ("calls", summary.calls),
        ("minutes", summary.minutes),
        ("answered calls counted from dialling, as their length was not reported", summary.estimated),
        *(costs if prices else []),
    ]


class SheetRows:
    """The rows of a list, in as many sheets as they need.

    Args:
        book: The XlsxWriter workbook.
        name: Of the first sheet; the next ones are numbered.
        header: The first row of each sheet.
        most_rows: Of one sheet.
    """

    def __init__(self, book: Any, name: str, header: Sequence[str], *, most_rows: int = MOST_ROWS) -> None:
        self._book, self._name, self._header, self._most_rows = book, name, header, most_rows
        self._text = book.add_format({"num_format": "@"})
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        self._head = book.add_format({"num_format": "@", "bold": True})
        self._sheets = 0
        self._begin()

    def add(self, cells: Sequence[Cell]) -> None:
        """Write one row."""
        if self._row == self._most_rows:
            self._begin()
        for column, cell in enumerate(cells):
            self._write(column, cell)
        self._row += 1

    def _begin(self) -> None:
        self._sheets += 1
        name = self._name if self._sheets == 1 else f"{self._name} {self._sheets}"
        self._sheet = self._book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        self._sheet.set_column(0, len(self._header) - 1, WIDTH)
        self._sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{MOST_ROWS}"})
        for column, title in enumerate(self._header):
            self._sheet.write_string(0, column, _text(title), self._head)
        self._row = 1

    def _write(self, column: int, cell: Cell) -> None:
        match cell:
            case None | "":
                return
            case str():
                self._sheet.write_string(self._row, column, _text(cell), self._text)
            case datetime():
                local = cell.replace(tzinfo=None)  # Excel's times have no zone
                self._sheet.write_datetime(self._row, column, local, self._time)
            case _:
                self._sheet.write_number(self._row, column, cell)


def _text(text: str) -> str:
    """A text that a cell can hold."""
    return xml_text(readable(text))[:MOST_CHARACTERS]
