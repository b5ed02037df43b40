"""Whole campaigns over the API: edited, cloned, deleted."""

import pytest
from support.api import CAMPAIGN, api, exported_campaign

from telebridge.campaigns.administration.archive import ArchiveCounts, check_archive
from telebridge.campaigns.engine.states import CampaignInput

GZIP = {"Content-Type": "application/gzip"}
PATH = f"/api/campaigns/{CAMPAIGN}"


async def test_a_running_campaign_is_edited():
    async with api() as client:
        told = await client.ask("PATCH", PATH, json={"changes": {"max_live": 20, "window.sun": None}})
        again = await client.ask("PATCH", PATH, json={"changes": {"max_live": 20}})
        kept = await client.store.campaigns.find(CAMPAIGN)
    assert told["changes"]["max_live"] == {"before": 10, "after": 20}
    assert told["changes"]["window"]["after"] == {"mon-sat": "09:00-20:00"}
    assert (told["status"], kept.plan.max_live, again["changes"]) == ("running", 20, {})


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({"maxlive": 3}, 422, "did you mean 'max_live'"),
        ({"max_live": "many"}, 422, "max_live"),
        ({"a.b.c": 3}, 422, "is no key of a campaign"),
        ({"": 3}, 422, "is no key of a campaign"),
        ({"retry.busy": [None]}, 422, "cannot stand in a campaign file"),
        ({"end_at": "2020-01-01T00:00:00Z"}, 422, "has passed"),
        ({"flow": "remainder"}, 422, "there is no flow 'remainder'"),
        ({"flow": "front-desk"}, 409, "pause"),
        ({}, 422, "changes"),
    ],
)
async def test_a_change_that_cannot_be_is_refused(changes, status, detail):
    async with api() as client:
        told = await client.ask("PATCH", PATH, json={"changes": changes}, status=status)
        assert detail in told["detail"]


async def test_a_campaign_is_cloned_with_its_contacts():
    async with api() as client:
        body = {"name": "again", "contacts": True}
        told = await client.post(f"{PATH}/clone", body, status=201)
        stands = await client.get(f"/api/campaigns/{told['id']}")
        empty = await client.post(f"{PATH}/clone", {"name": "empty"}, status=201)
        await client.post(f"{PATH}/clone", {"name": "again"}, status=409)
        await client.post(f"{PATH}/clone", {"name": "two words"}, status=422)
    assert (told["name"], told["status"], told["contacts"]) == ("again", "draft", 2)
    assert (stands["contacts"], empty["contacts"]) == ({"ready": 2}, 0)


async def test_a_campaign_that_is_over_is_deleted_and_its_records_can_be_read():
    async with api() as client:
        refused = await client.ask("DELETE", PATH, status=409)
        await client.store.campaigns.change(CAMPAIGN, CampaignInput.CANCEL)
        client.store.campaigns._rows.outbox.clear()
        told = await client.ask("DELETE", PATH)
        await client.get(PATH, status=404)
        await client.ask("DELETE", PATH, status=404)
        listed = [(await client.get(f"/api/campaigns{query}"))["campaigns"] for query in ("", "?deleted=true")]
    assert "cancel" in refused["detail"]
    assert told == {"id": CAMPAIGN, "kept_attempts": 0, "kept_until": None, "kept_do_not_call": 0}
    assert listed == [[], []]


async def test_a_whole_campaign_is_imported_once_and_does_not_dial(tmp_path):
    body = await exported_campaign(tmp_path / "moved")
    async with api() as client:
        told = await client.ask("POST", "/api/campaigns/import?name=came", data=body, headers=GZIP, status=201)
        twice = await client.ask("POST", "/api/campaigns/import", data=body, headers=GZIP, status=409)
        broken = await client.ask("POST", "/api/campaigns/import", data=body[:-9], headers=GZIP, status=422)
        await client.ask("POST", "/api/campaigns/import", data=body, headers={"Content-Type": "text/csv"}, status=415)
        stands = await client.get(f"/api/campaigns/{told['id']}")
        kept = await client.store.campaigns.find(told["id"])
    assert (told["name"], told["status"]) == ("came", "draft")
    assert told["imported"] == {"contacts": 1, "attempts": 0, "do_not_call": 0}
    assert (stands["contacts"], kept.plan.account) == ({"ready": 1}, "AC1")
    assert "is here already" in twice["detail"]
    assert broken["detail"].startswith("campaign.campaign.jsonl.gz: is broken: it breaks off")


async def test_a_whole_campaign_is_exported_once_it_is_paused(tmp_path):
    async with api() as client:
        refused = await client.get(f"{PATH}/export", status=409)
        await client.post(f"{PATH}/pause")
        async with client.session.get(f"{client.url}{PATH}/export") as answer:
            (tmp_path / "played").write_bytes(await answer.read())
            assert (answer.status, answer.content_type) == (200, "application/gzip")
            assert answer.content_disposition.filename == "played.campaign.jsonl.gz"
    assert "pause" in refused["detail"]
    assert check_archive(tmp_path / "played").counts == ArchiveCounts(contacts=2)
