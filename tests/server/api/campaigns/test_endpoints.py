"""Campaigns over the API: made, filled, started, watched, reported, and who must not be called."""

import asyncio
import csv
import io

import pytest
from support.api import CAMPAIGN, FILE, api

from telebridge.campaigns.engine.states import CampaignInput
from telebridge.server.api.campaigns import endpoints

CSV = {"Content-Type": "text/csv"}


async def test_campaigns_are_listed_and_told():
    async with api() as client:
        [listed] = (await client.get("/api/campaigns"))["campaigns"]
        told = await client.get(f"/api/campaigns/{CAMPAIGN}")
    assert (listed["id"], listed["name"], listed["status"]) == (CAMPAIGN, "played", "running")
    assert (told["total"], told["contacts"], told["live_calls"]) == (2, {"ready": 2}, 0)
    assert told["undelivered_events"] == 0
    assert (list(told["waiting"].values()), told["dialers"], told["rate_limited_until"]) == ([2], 0, None)


async def test_a_campaign_is_made_from_a_file_and_is_a_draft():
    async with api() as client:
        made = await client.post("/api/campaigns", {"file": FILE.replace("played", "spring")}, status=201)
        assert made["status"] == "draft"
        assert (await client.get(f"/api/campaigns/{made['id']}"))["total"] == 0


async def test_a_file_sent_four_times_at_once_makes_one_campaign():
    body = {"file": FILE.replace("played", "spring")}
    async with api() as client:
        made = await asyncio.gather(*(client.post("/api/campaigns", body, status=201) for _ in range(4)))
        assert len((await client.get("/api/campaigns"))["campaigns"]) == 2
    assert len({one["id"] for one in made}) == 1


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (FILE.replace("reminder", "remainder"), "there is no flow 'remainder'"),
        (FILE + "end_at = 2020-01-02T09:00:00Z\n", "file: end_at: 2020-01-02T09:00:00+00:00 has passed"),
        (FILE + "speed = 3\n", "file:6: speed: is no key of a campaign"),
        ("name = ", "is not TOML"),
    ],
)
async def test_a_mistake_in_a_file_is_told_with_its_place(file, told):
    async with api() as client:
        assert told in (await client.post("/api/campaigns", {"file": file}, status=422))["detail"]


async def test_the_plan_of_a_campaign_that_dials_is_not_changed():
    async with api() as client:
        told = await client.post("/api/campaigns", {"file": FILE}, status=409)
    assert told["type"].endswith("campaign-refused")


async def test_contacts_are_taken_and_rejects_told_with_their_lines():
    rows = "phone,name\n+12125550111,again\n+12125550113,Ada\n12,short\n"
    async with api() as client:
        path = f"/api/campaigns/{CAMPAIGN}/contacts"
        told = await client.ask("POST", path, data=rows, headers=CSV)
        stands = await client.get(f"/api/campaigns/{CAMPAIGN}")
        wrong = await client.ask("POST", path, data="name\nAda\n", headers=CSV, status=422)
        await client.ask("POST", path, data=rows, headers={"Content-Type": "text/plain"}, status=415)
    assert (told["rows"], told["added"], told["duplicates"], told["rejected"]) == (3, 1, 1, 1)
    assert [reject["line"] for reject in told["rejects"]] == [4]
    assert stands["total"] == 3
    assert wrong["detail"].startswith("contacts.csv:1: has no column 'phone'")


@pytest.mark.slow
async def test_an_import_may_update_contacts_that_were_not_called():
    rows = "phone,name\n+12125550111,Anna\n,\n"
    async with api() as client:
        path = f"/api/campaigns/{CAMPAIGN}/contacts"
        kept = await client.ask("POST", path, data=rows, headers=CSV)
        told = await client.ask("POST", f"{path}?update=true", data=rows, headers=CSV)
        await client.ask("POST", f"{path}?update=perhaps", data=rows, headers=CSV, status=422)
    assert (kept["duplicates"], kept["updated"], kept["empty"]) == (1, 0, 1)
    assert (told["duplicates"], told["updated"]) == (1, 1)


async def test_an_upload_that_is_no_csv_of_contacts_leaves_the_campaign_as_it_was():
    async with api() as client:
        made = await client.post("/api/campaigns", {"file": FILE.replace("played", "spring")}, status=201)
        path = f"/api/campaigns/{made['id']}"
        await client.ask("POST", f"{path}/contacts", data="tel\n+12125550113\n", headers=CSV, status=422)
        await client.ask("POST", f"{path}/contacts", data="phone\n+12125550113\n", headers=CSV)
        assert (await client.post(f"{path}/start"))["status"] == "running"


async def test_a_second_upload_is_refused_while_one_is_under_way_and_loses_nothing():
    async with api() as client:
        await client.store.contacts.begin_import(CAMPAIGN, "people.csv\t1", owner="another")
        path = f"/api/campaigns/{CAMPAIGN}/contacts"
        refused = await client.ask("POST", path, data="phone\n+12125550113\n", headers=CSV, status=409)
        await client.store.contacts.finish_import(CAMPAIGN, owner="another")
        assert (await client.ask("POST", path, data="phone\n+12125550113\n", headers=CSV))["added"] == 1
    assert "is being filled from 'people.csv' elsewhere" in refused["detail"]


async def test_a_campaign_that_is_done_says_that_its_new_contacts_wait_for_a_start():
    async with api() as client:
        await client.store.campaigns.change(CAMPAIGN, CampaignInput.FINISH)
        path = f"/api/campaigns/{CAMPAIGN}/contacts"
        told = await client.ask("POST", path, data="phone\n+12125550113\n", headers=CSV)
    assert (told["added"], told["status"]) == (1, "done")


async def test_contacts_of_a_cancelled_campaign_are_refused():
    async with api() as client:
        await client.post(f"/api/campaigns/{CAMPAIGN}/cancel", {})
        path = f"/api/campaigns/{CAMPAIGN}/contacts"
        refused = await client.ask("POST", path, data="phone\n+12125550113\n", headers=CSV, status=409)
    assert "make a new campaign" in refused["detail"]


async def test_a_campaign_pauses_goes_on_and_is_cancelled_for_ever():
    async with api() as client:
        statuses = [
            (await client.post(f"/api/campaigns/{CAMPAIGN}/{order}", {}))["status"]
            for order in ("pause", "start", "pause", "resume", "cancel")
        ]
        refused = await client.post(f"/api/campaigns/{CAMPAIGN}/start", status=409)
        assert client.ended_campaigns == []
    assert statuses == ["paused", "running", "paused", "running", "cancelled"]
    assert "is cancelled and cannot start" in refused["detail"]


async def test_contacts_are_put_back_by_their_outcome_and_nobody_who_was_spoken_to():
    async with api() as client:
        told = await client.post(f"/api/campaigns/{CAMPAIGN}/retry", {"outcomes": ["refused", "unknown"]})
        refused = await client.post(f"/api/campaigns/{CAMPAIGN}/retry", {"outcomes": ["opted_out"]}, status=409)
    assert told["retried"] == 0
    assert "cannot retry 'opted_out'" in refused["detail"]


async def test_a_cancelled_campaign_ends_its_calls_when_asked_to():
    async with api() as client:
        told = await client.post(f"/api/campaigns/{CAMPAIGN}/cancel", {"end_calls": True})
        assert client.ended_campaigns == [CAMPAIGN]
    assert (told["status"], told["calls_ended"]) == ("cancelled", 1)


async def test_a_campaign_without_contacts_does_not_start():
    async with api() as client:
        made = await client.post("/api/campaigns", {"file": FILE.replace("played", "spring")}, status=201)
        refused = await client.post(f"/api/campaigns/{made['id']}/start", status=409)
    assert "has no contacts" in refused["detail"]


async def test_the_report_has_each_contact_once_and_no_formula():
    async with api() as client:
        async with client.session.get(f"{client.url}/api/campaigns/{CAMPAIGN}/report") as answer:
            rows = list(csv.DictReader(io.StringIO(await answer.text())))
            assert answer.content_type == "text/csv"
        told = await client.get(f"/api/campaigns/{CAMPAIGN}/report?format=json")
    assert [(row["phone"], row["name"], row["outcome"]) for row in rows] == [
        ("+12125550111", "'=n1", "waiting"),
        ("+12125550112", "'=n2", "waiting"),
    ]
    assert [(row["phone"], row["variables"], row["attempts"]) for row in told] == [
        ("+12125550111", {"name": "=n1"}, []),
        ("+12125550112", {"name": "=n2"}, []),
    ]


@pytest.mark.parametrize("form", ["csv", "json"])
async def test_a_report_is_the_same_however_it_is_cut(form, monkeypatch):
    async def report(client):
        async with client.session.get(f"{client.url}/api/campaigns/{CAMPAIGN}/report?format={form}") as answer:
            return await answer.text()

    async with api() as client:
        whole = await report(client)
        monkeypatch.setattr(endpoints, "LINES_AT_ONCE", 1)
        assert await report(client) == whole
    assert whole.count("\n") == (3 if form == "csv" else 4)


async def test_a_report_of_nobody_is_a_header_or_an_empty_list():
    async with api() as client:
        made = await client.post("/api/campaigns", {"file": FILE.replace("played", "spring")}, status=201)
        async with client.session.get(f"{client.url}/api/campaigns/{made['id']}/report") as answer:
            assert (await answer.text()).startswith("phone,state,outcome")
        assert await client.get(f"/api/campaigns/{made['id']}/report?format=json") == []


async def test_numbers_are_barred_listed_and_freed():
    async with api() as client:
        body = {"numbers": ["+12125550111", "+12125550199"], "reason": "letter"}
        assert (await client.post("/api/do-not-call", body))["changed"] == 2
        listed = (await client.get("/api/do-not-call"))["numbers"]
        assert (await client.post("/api/do-not-call/remove", {"number": "+12125550199"}))["changed"] == 1
        assert (await client.post("/api/do-not-call/remove", {"number": "+12125550199"}))["changed"] == 0
        assert not await client.store.do_not_call.has("+12125550199")
    assert [(one["number"], one["source"], one["reason"], one["campaign"]) for one in listed] == [
        ("+12125550111", "api", "letter", None),
        ("+12125550199", "api", "letter", None),
    ]


async def test_a_number_is_barred_for_one_campaign():
    async with api() as client:
        body = {"numbers": ["+12125550111"], "campaign": CAMPAIGN}
        assert (await client.post("/api/do-not-call", body))["changed"] == 1
        [listed] = (await client.get("/api/do-not-call"))["numbers"]
        assert await client.store.do_not_call.has("+12125550111", campaign_id=CAMPAIGN)
        assert not await client.store.do_not_call.has("+12125550111", campaign_id="another")
        number = {"number": "+12125550111"}
        assert (await client.post("/api/do-not-call/remove", number))["changed"] == 0
        assert (await client.post("/api/do-not-call/remove", {**number, "campaign": CAMPAIGN}))["changed"] == 1
        await client.post("/api/do-not-call", {**body, "campaign": "c9"}, status=404)
    assert listed["campaign"] == CAMPAIGN


@pytest.mark.parametrize("number", ["+1212555", "+99912345678", "+121255501234"])
async def test_what_can_be_no_number_is_not_put_on_the_list(number):
    async with api() as client:
        body = {"numbers": ["+12125550111", number]}
        told = await client.post("/api/do-not-call", body, status=422)
        assert (await client.get("/api/do-not-call"))["numbers"] == []
    assert number in told["detail"]


async def test_the_do_not_call_list_is_told_page_by_page():
    async with api() as client:
        await client.post("/api/do-not-call", {"numbers": [f"+1212555{n:04d}" for n in range(5)]})
        first = await client.get("/api/do-not-call?limit=3")
        await client.store.do_not_call.remove("+12125550002")
        second = await client.get(f"/api/do-not-call?limit=3&cursor={first['next']}")
        wrong = await client.get("/api/do-not-call?cursor=W10", status=422)
    assert [one["number"][-1] for one in first["numbers"] + second["numbers"]] == list("01234")
    assert second["next"] is None
    assert "'cursor' is none of ours" in wrong["detail"]


@pytest.mark.parametrize("path", ["", "/report"])
async def test_a_campaign_that_nobody_knows_is_told_as_such(path):
    async with api() as client:
        told = await client.get(f"/api/campaigns/c9{path}", status=404)
    assert told["type"].endswith("unknown-campaign")
