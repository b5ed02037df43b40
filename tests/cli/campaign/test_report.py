"""Writing a report to a file or to standard output."""

import csv
import json

import pytest
from support.campaigns import SteeredClock, claim, contacts, memory_store, running_campaign, spoken

from telebridge.cli.campaign.report import write_report
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
    outcomes = await write_report(store, campaign.id, tmp_path / "report.csv", "csv")
    assert outcomes == {"answered": 1, "waiting": 2}
    with (tmp_path / "report.csv").open(newline="") as file:
        assert [row["outcome"] for row in csv.DictReader(file)] == ["answered", "waiting", "waiting"]


async def test_without_a_file_a_report_is_printed(store, capsys):
    campaign = await called(store)
    await write_report(store, campaign.id, None, "json")
    assert [row["outcome"] for row in json.loads(capsys.readouterr().out)] == ["answered", "waiting", "waiting"]


async def test_a_file_that_cannot_be_written_is_named(store, tmp_path):
    campaign = await called(store)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        await write_report(store, campaign.id, tmp_path / "missing" / "report.csv", "csv")
