"""Writing a report to a file or to standard output."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import load_workbook
from support.campaigns import SteeredClock, claim, contacts, memory_store, phone, running_campaign, spoken

from telebridge.campaigns.reporting.summary import Prices
from telebridge.cli.campaign.report import (
    ENDINGS,
    ReportFormat,
    ReportTarget,
    format_of,
    prices_of,
    targets_of,
    write_report,
)
from telebridge.errors import ConfigurationError


@pytest.fixture
async def store():
    async with memory_store(SteeredClock()) as made:
        yield made


async def called(store):
    """A campaign of three, one of whom was called."""
    campaign = await running_campaign(store, contacts(3))
    [one] = await claim(store, 1)
    await store.attempts.report(one.attempt_id, spoken("CA1"))
    return campaign


async def test_a_report_has_a_row_for_each_contact_and_its_outcomes_are_counted(store, tmp_path):
    campaign = await called(store)
    outcomes = await write_report(store, campaign, ReportTarget(tmp_path / "report.csv", ReportFormat.CSV))
    assert outcomes == {"answered": 1, "waiting": 2}
    with (tmp_path / "report.csv").open(newline="") as file:
        assert [row["outcome"] for row in csv.DictReader(file)] == ["answered", "waiting", "waiting"]


async def test_without_a_file_a_report_is_printed(store, capsys):
    campaign = await called(store)
    await write_report(store, campaign, ReportTarget(None, ReportFormat.JSON))
    assert [row["outcome"] for row in json.loads(capsys.readouterr().out)] == ["answered", "waiting", "waiting"]


@pytest.mark.parametrize("form", ReportFormat)
async def test_a_file_that_cannot_be_written_is_named(store, tmp_path, form):
    campaign = await called(store)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        await write_report(store, campaign, ReportTarget(tmp_path / "missing" / "report", form))


@pytest.mark.parametrize("form", ReportFormat)
async def test_every_format_has_the_same_outcomes(store, tmp_path, form):
    campaign = await called(store)
    outcomes = await write_report(store, campaign, ReportTarget(tmp_path / "report", form))
    assert outcomes == {"answered": 1, "waiting": 2}
    assert (tmp_path / "report").stat().st_mode & 0o777 == 0o600


async def test_the_page_and_the_workbook_are_of_the_contacts_in_the_store(store, tmp_path):
    campaign = await called(store)
    await write_report(store, campaign, ReportTarget(tmp_path / "report.html", ReportFormat.HTML))
    assert "<dt>contacts</dt><dd>3</dd>" in (tmp_path / "report.html").read_text(encoding="utf-8")
    await write_report(store, campaign, ReportTarget(tmp_path / "report.xlsx", ReportFormat.XLSX))
    sheet = load_workbook(tmp_path / "report.xlsx")["Contacts"]
    assert [cell.value for cell in sheet["A"]] == ["phone", phone(0), phone(1), phone(2)]


@pytest.mark.parametrize("bom", [False, True])
async def test_a_byte_order_mark_begins_a_csv_on_request(store, tmp_path, bom):
    campaign = await called(store)
    await write_report(store, campaign, ReportTarget(tmp_path / "report.csv", ReportFormat.CSV), bom=bom)
    written = (tmp_path / "report.csv").read_bytes()
    assert written.removeprefix(b"\xef\xbb\xbf").startswith(b"phone,")
    assert written.startswith(b"\xef\xbb\xbf") is bom


async def test_bytes_that_were_no_utf_8_cost_no_page(store, tmp_path):
    campaign = replace(await called(store), reason="\udce4")
    await write_report(store, campaign, ReportTarget(tmp_path / "report.html", ReportFormat.HTML))
    assert "\\udce4" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "form"),
    [
        ("a.csv", ReportFormat.CSV),
        ("a.JSON", ReportFormat.JSON),
        ("a.html", ReportFormat.HTML),
        ("a.htm", ReportFormat.HTML),
        ("a.b.xlsx", ReportFormat.XLSX),
        ("/dev/stdout", ReportFormat.CSV),
    ],
)
def test_the_ending_of_a_file_names_its_format(file, form):
    assert format_of(Path(file)) is form


@pytest.mark.parametrize("file", ["a.xls", "a.txt", "a.pdf", "a.csv.gz"])
def test_an_unknown_ending_is_refused_in_one_line_with_those_that_are_known(file):
    with pytest.raises(ConfigurationError) as refused:
        targets_of(Path(file), None, html=None, xlsx=None, bom=False)
    assert "\n" not in str(refused.value)
    assert all(ending in str(refused.value) for ending in ENDINGS)
    assert targets_of(Path(file), ReportFormat.CSV, html=None, xlsx=None, bom=False)[0].form is ReportFormat.CSV


def test_several_files_can_be_written_at_once_and_none_means_that_it_is_printed():
    page, book, rows = Path("a.html"), Path("a.xlsx"), Path("a.json")
    assert [target.form.value for target in targets_of(rows, None, html=page, xlsx=book, bom=False)] == [
        "html",
        "xlsx",
        "json",
    ]
    assert targets_of(None, None, html=None, xlsx=None, bom=True) == [ReportTarget(None, ReportFormat.CSV)]


@pytest.mark.parametrize(
    ("form", "bom", "line"),
    [(ReportFormat.XLSX, False, "needs a file"), (ReportFormat.JSON, True, "--bom: is for CSV")],
)
def test_options_that_contradict_are_refused(form, bom, line):
    with pytest.raises(ConfigurationError, match=line):
        targets_of(None, form, html=None, xlsx=None, bom=bom)


async def test_prices_are_those_of_the_campaign_file(store):
    campaign = await running_campaign(store, file="price_per_call = 0.5\nprice_per_minute = 2\n")
    assert prices_of(campaign) == Prices(0.5, 2.0)
    assert not prices_of(await running_campaign(store))
