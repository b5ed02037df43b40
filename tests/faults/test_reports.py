"""Reports of campaigns, which people open in browsers and spreadsheets."""

import io
from pathlib import Path

import pytest
from openpyxl import load_workbook
from support.campaigns import SteeredClock, at, contacts, memory_store, plan, running_campaign
from support.faults import fault
from support.report_rows import HOSTILE, attempt, row, summary

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.reporting.page import report_page
from telebridge.cli.campaign import confirming
from telebridge.cli.campaign.confirming import confirmed
from telebridge.cli.campaign.report import targets_of
from telebridge.cli.campaign.workbook import ReportWorkbook
from telebridge.errors import ConfigurationError

CAMPAIGN = Campaign("c1", plan(name="spring"))
NOW = at("2026-03-03T12:00:00")


def hostile_rows():
    return [
        row(attempt(talk={"digits": "1", "result": {"answer": text}}), variables={"name": text}) for text in HOSTILE
    ]


@fault(
    "a contact's name, or what a caller said, is HTML or a script",
    caller="nothing of it",
    operator="the page of the report shows it as it was written; the page may load and run nothing",
    kept="the other contacts' data, which no script can read or send away",
)
def test_a_name_is_no_script():
    page = report_page(CAMPAIGN, summary(*hostile_rows()), ["name"], wallclock=NOW)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not [tag for tag in ("<script", "<img", "<svg onload") if tag in page]
    assert "default-src 'none'" in page


@fault(
    "a contact's name, or what a caller said, is a formula",
    caller="nothing of it",
    operator="every spreadsheet shows it as a text, in XLSX also after it was edited",
    kept="the machine of whoever opens the report",
)
def test_a_name_is_no_formula():
    file, rows = io.BytesIO(), hostile_rows()
    workbook = ReportWorkbook(file, ["name"], ["answer"])
    for one in rows:
        workbook.add(one)
    workbook.close(CAMPAIGN, summary(*rows), wallclock=NOW)
    kinds = {cell.data_type for sheet in load_workbook(file) for cells in sheet.iter_rows() for cell in cells}
    assert "f" not in kinds


@fault(
    "a report is asked for as a file that telebridge does not write, `report.xls`",
    caller="nothing of it",
    operator="one line that names the endings that are known; exit code 2",
    kept="a file of that name",
)
def test_an_unknown_ending_writes_nothing(tmp_path):
    file = tmp_path / "report.xls"
    file.write_text("kept")
    with pytest.raises(ConfigurationError, match=r"the ending '\.xls' is not known; use \.csv, \.json, \.html, \.xlsx"):
        targets_of(Path(file), None, html=None, xlsx=None, bom=False)
    assert file.read_text() == "kept"


@fault(
    "a person starts or cancels the wrong campaign of many contacts on a terminal",
    caller="nothing of it",
    operator="one question with the campaign's name and how many contacts it concerns; after a no, exit code 1",
    kept="the campaign, as it was",
)
async def test_a_large_campaign_is_asked_about(monkeypatch):
    terminal = type("Terminal", (), {"isatty": lambda _self: True})()
    monkeypatch.setattr(confirming, "sys", type("sys", (), {"stdin": terminal, "stderr": terminal}))
    asked = []
    monkeypatch.setattr(confirming.typer, "confirm", lambda question, err: asked.append(question))
    async with memory_store(SteeredClock()) as store:
        campaign = await running_campaign(store, contacts(51))
        with pytest.raises(confirming.typer.Exit):
            await confirmed(store, campaign, "Cancel '{name}' of {count}?", yes=False)
        assert asked == ["Cancel 'spring' of 51?"]
        assert await store.campaigns.find(campaign.id) == campaign
