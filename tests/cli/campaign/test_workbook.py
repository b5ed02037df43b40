"""The workbook, opened again by another library: texts stay texts."""

import io
import re
from datetime import datetime

import xlsxwriter
from openpyxl import load_workbook
from support.campaigns import at, plan
from support.report_rows import HOSTILE, attempt, row, summary

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.reporting.summary import Prices
from telebridge.cli.campaign.workbook import ReportWorkbook, SheetRows

PRICES = Prices(0.5, 2.0)
NOW = at("2026-03-03T12:00:00")


def opened(*rows, variables=("name",), results=("answer",), prices=PRICES):
    file = io.BytesIO()
    workbook = ReportWorkbook(file, list(variables), list(results))
    for one in rows:
        workbook.add(one)
    workbook.close(Campaign("c1", plan(name="spring")), summary(*rows, prices=prices), wallclock=NOW)
    return load_workbook(file)


def unescaped(text):
    """A text as Excel shows it; openpyxl leaves the escapes of `ST_Xstring` (ECMA-376) as they are."""
    return re.sub("_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text)


def values(sheet):
    return [list(cells) for cells in sheet.iter_rows(values_only=True)]


def test_the_workbook_has_the_figures_the_answers_and_the_contacts():
    talk = {"digits": "01", "result": {"answer": "yes"}, "seconds": 61}
    book = opened(row(attempt(talk=talk), variables={"name": "Ann"}))
    assert book.sheetnames == ["Totals", "Outcomes", "Days", "Hours", "Answers", "Contacts"]
    totals = dict(values(book["Totals"]))
    assert (totals["campaign"], totals["calls"], totals["minutes"]) == ("spring", 1, 2)
    assert totals["cost at the campaign file's prices"] == 4.5
    assert totals["report made (UTC)"] == datetime(2026, 3, 3, 12)  # noqa: DTZ001 - Excel's times have no zone
    assert values(book["Outcomes"])[1:] == [["answered by a person", 1]]
    assert values(book["Days"])[1:] == [["2026-03-02", 1, 1]]
    assert values(book["Hours"])[24] == ["23:00", 1, 1]
    called = datetime(2026, 3, 2, 23, 30)  # noqa: DTZ001
    assert values(book["Answers"])[1:] == [
        ["answer: yes", "+12125550111", "Ann", "+12125550111", "01", called, "America/New_York"],
    ]
    head, one = values(book["Contacts"])
    cells = dict(zip(head, one, strict=True))
    assert (cells["phone"], cells["name"], cells["digits"], cells["result_answer"]) == (
        "+12125550111",
        "Ann",
        "01",
        "yes",
    )


def test_no_text_becomes_a_formula_a_link_a_number_or_a_date():
    rows = [
        row(attempt(talk={"digits": text, "result": {"answer": text}}), variables={"name": text}, outcome=text)
        for text in HOSTILE
    ]
    book = opened(*rows, variables=["name", *HOSTILE], results=["answer", *HOSTILE])
    written = [cell for sheet in book for cells in sheet.iter_rows() for cell in cells]
    assert not [cell for cell in written if cell.data_type == "f" or cell.hyperlink is not None]
    contacts = book["Contacts"]
    head = [cell.value for cell in contacts[1]]
    for n, text in enumerate(HOSTILE):
        for column in ("name", "digits", "result_answer", "outcome"):
            cell = contacts.cell(n + 2, head.index(column) + 1)
            assert (cell.data_type, cell.number_format) == ("s", "@"), text
    plain = [text for text in HOSTILE if text.isprintable()]
    names = [unescaped(cell.value) for cell in contacts[chr(ord("A") + head.index("name"))]]
    assert [text for text in plain if text not in names] == []


def test_numbers_are_texts_with_their_plus():
    cell = opened(row(attempt()))["Contacts"]["A2"]
    assert (cell.value, cell.data_type, cell.number_format) == ("+12125550111", "s", "@")


def test_a_text_that_is_too_long_for_a_cell_is_cut():
    book = opened(row(attempt(), variables={"name": "x" * 40_000}))
    assert len(book["Contacts"]["B2"].value) == 32_767


def test_a_campaign_without_contacts_has_a_workbook():
    assert len(values(opened()["Contacts"])) == 1


def test_a_list_that_is_longer_than_a_sheet_goes_on_in_another():
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"constant_memory": True})
    rows = SheetRows(book, "Contacts", ["phone"], most_rows=3)
    for n in range(5):
        rows.add([f"+{n}"])
    book.close()
    read = load_workbook(file)
    assert [[cell for (cell,) in values(sheet)] for sheet in read] == [
        ["phone", "+0", "+1"],
        ["phone", "+2", "+3"],
        ["phone", "+4"],
    ]
