"""Whole campaigns as their users edit, clone and delete them."""

import pytest
from support.campaign_commands import FILE, told
from support.campaigns import START, plan
from support.programs import failed

from telebridge.campaigns.engine.administration import KeptRecords, KeyChange
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.cli.campaign.administration.delete import told_kept
from telebridge.cli.campaign.administration.edit import _told


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_campaign_is_edited_while_it_runs_then_cloned_and_deleted(campaign, tmp_path):
    told(campaign("create", "spring.toml", "--contacts", "people.csv", "--json"))
    told(campaign("start", "spring", "--json"))
    done = campaign("edit", "spring", "max_live=3", "window.sun=")
    assert done.stdout.strip() == (
        "campaign 'spring' is running: window mon-sun 09:00-20:00 → mon-sat 09:00-20:00, max_live 10 → 3; "
        "every process follows within half a second; live calls go on as they began"
    )
    assert told(campaign("edit", "spring", "--json"))["keys"]["max_live"] == 3
    code, line = failed(campaign("edit", "spring", "flow=front-desk"))
    assert (code, "`telebridge campaign pause spring` first" in line) == (1, True)
    code, line = failed(campaign("edit", "spring", "max_live", "20"))
    assert (code, "'max_live': is no change" in line) == (2, True)
    (tmp_path / "spring.toml").write_text(FILE.replace("spring", "summer"))
    code, line = failed(campaign("edit", "spring", "--file", "spring.toml"))
    assert (code, "is the file of campaign 'summer'" in line) == (2, True)
    made = told(campaign("clone", "spring", "again", "--contacts", "--json"))
    assert (made["status"], made["contacts"]) == ("draft", 3)
    code, line = failed(campaign("delete", "spring"))
    assert (code, "`telebridge campaign cancel spring` ends it" in line) == (1, True)
    told(campaign("cancel", "spring", "--json"))
    gone = told(campaign("delete", "spring", "--json"))
    assert (gone["status"], gone["contacts"], gone["kept_attempts"], gone["kept_until"]) == ("deleted", 3, 0, None)
    assert [one["name"] for one in told(campaign("list", "--json"))] == ["again"]


def test_an_edit_says_when_it_counts():
    changes = [KeyChange("max_live", 10, 20)]
    line = {status: _told(Campaign("c1", plan(), status), changes) for status in CampaignStatus}
    assert line[CampaignStatus.RUNNING].endswith("within half a second; live calls go on as they began")
    assert line[CampaignStatus.PAUSED] == (
        "campaign 'spring' is paused: max_live 10 → 20; it counts from the next start"
    )
    assert line[CampaignStatus.DONE].endswith("`telebridge campaign start spring` lets it dial again")
    assert _told(Campaign("c1", plan()), []) == "campaign 'spring' is draft; nothing was changed: it is so already"


def test_a_deletion_says_what_is_kept_how_long_and_how_to_read_it():
    one, kept = Campaign("0123456789", plan()), KeptRecords(4260, START, 0)
    assert told_kept(one, kept, kept.until(1825)) == (
        "the records of its 4,260 calls are kept until 2031-09-20 (`telebridge campaign report 01234567`), "
        "and do-not-call entries stay"
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_whole_campaign_goes_to_another_database(campaign, tmp_path):
    told(campaign("create", "spring.toml", "--contacts", "people.csv", "--json"))
    told(campaign("start", "spring", "--json"))
    file = str(tmp_path / "spring.campaign.jsonl.gz")
    code, line = failed(campaign("export", "spring", "-o", file))
    assert (code, "`telebridge campaign pause spring` first" in line) == (1, True)
    told(campaign("pause", "spring", "--json"))
    assert told(campaign("export", "spring", "-o", file, "--json"))["exported"]["contacts"] == 3
    code, line = failed(campaign("export", "spring", "-o", file))
    assert (code, "is there already" in line) == (2, True)
    code, line = failed(campaign("import", file))
    assert (code, "is here already" in line) == (1, True)
    code, line = failed(campaign("import", "people.csv"))
    assert (code, "`telebridge campaign import NAME --contacts" in line) == (2, True)
    (tmp_path / "var").rename(tmp_path / "before")
    done = campaign("import", file, "--name", "summer")
    assert "campaign 'summer'" in done.stdout
    assert "is paused: 3 contacts" in done.stdout
    assert told(campaign("status", "summer", "--json"))["contacts"] == {"ready": 3}
