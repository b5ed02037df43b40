"""Campaigns by hand: a CSV is uploaded, its columns are named, and the draft is started, paused and cancelled."""

import asyncio
import re
import tomllib

import aiohttp
import pytest
from support.api import CAMPAIGN, NOW, Api
from support.pages import events, pages

from telebridge.bundled import BUNDLED_FLOWS
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.calling_hours.hours import CallingLaw
from telebridge.campaigns.calling_hours.law import calling_rules
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.importing.drafting import SampledList
from telebridge.server.api.campaigns.endpoints import CampaignEndpoints
from telebridge.server.http import request_bodies
from telebridge.server.http.problems import Problem
from telebridge.server.pages import campaign_upload
from telebridge.server.pages.campaign_edit import CampaignEditPages
from telebridge.server.pages.campaign_upload import CampaignUploadPages, campaign_file
from telebridge.server.pages.campaigns import BUTTONS, CampaignPages
from telebridge.settings.sections import CampaignSettings
from telebridge.twilio.signed_urls import PromptTokens

SCRIPT = "<script>alert(1)</script>"
LIST = f"Mobile,First name,Note\n+12125550101,Ada,{SCRIPT}\n+12125550102,Bo,\nnobody,Cy,\n"


def with_campaigns(folder, account="AC1", flows_dir=BUNDLED_FLOWS):
    def extend(served):
        flows = FlowCatalogue(flows_dir)
        flows.load()
        api = Api()
        served.store, served.fill = api.store, api._fill
        law = CallingLaw(calling_rules())

        async def end_calls(campaign_id):
            return 0

        endpoints = CampaignEndpoints(
            api.store, flows, account, open_until=law.open_until, end_calls=end_calls, wallclock=lambda: NOW
        )
        CampaignUploadPages(api.store, endpoints, flows, account, folder / "uploads", served.router)
        limits = CampaignSettings(calls_per_second=2)
        prompts = PromptTokens("secret")
        shown = CampaignPages(api.store, endpoints, flows, law, limits, prompts, served.streams, served.router)
        CampaignEditPages(api.store, flows, limits, shown.forget, lambda: NOW, served.router)

    return extend


async def upload(served, text=LIST, name="people.csv", status=303):
    """Upload a CSV as the form does; gives where it leads, or the page."""
    page = await served.get("/campaigns")
    action = re.search(r'action="(/campaigns/upload[^"]*)"', page)[1].replace("&amp;", "&")
    form = aiohttp.FormData()
    form.add_field("file", text, filename=name, content_type="text/csv")
    async with served.session.post(served.url + action, data=form, allow_redirects=False) as answer:
        told = await answer.text()
        assert answer.status == status, told
        return answer.headers.get("Location") or told


@pytest.mark.slow
async def test_a_list_becomes_a_draft_by_naming_its_columns(tmp_path):
    async with pages(tmp_path, extend=with_campaigns(tmp_path)) as served:
        address = await upload(served)
        text = await served.get(f"{address}?flow=reminder")
        assert '<option value="phone" selected>' in text
        assert all(part in text for part in ("First name", "+12125550101", "+12125550102", "nobody", 'value="people"'))
        assert SCRIPT not in text
        fields = {
            "name": "people",
            "flow": "reminder",
            "kind": "informational",
            "from": "+12125550100",
            "country": "US",
        }
        assert "which column has" in await served.post(address, status=422, **fields)
        named = {**fields, "column.0": "phone", "column.1": "name"}
        text = await served.post(address, status=422, **named)
        assert "choose &#39;appointment&#39; for the column that is meant" in text, "the flow needs it"
        assert "set columns" not in text
        fields |= {"flow": "front-desk", "column.0": "phone"}
        text = await served.post(address, status=200, **fields)
        assert "2</strong> contacts are in" in text
        [made] = [one for one in await served.store.campaigns.all() if one.plan.name == "people"]
        assert made.status is CampaignStatus.DRAFT
        await served.get(address, status=404)
        text = await served.get(f"/campaigns/{made.id}")
        assert "the campaign does not dial" in text
        assert "Everybody called once" in text
        assert "about 4, 2 minutes" in text, "two contacts with retries, as preflight tells it"
        assert "America/<wbr>New York" in text


async def test_a_campaign_is_started_paused_resumed_and_cancelled(tmp_path):
    flow = 'flow: reminder\nneeds: [name]\nstart: a\nnodes:\n  a: {hang_up: "Hello {{ name }}."}\n'
    (tmp_path / "reminder.yaml").write_text(flow)
    async with pages(tmp_path, extend=with_campaigns(tmp_path, flows_dir=tmp_path)) as served:
        await served.fill(None)
        text = await served.get(f"/campaigns/{CAMPAIGN}")
        assert all(part in text for part in ("running", "The first calls", "/prompts/", "Report as CSV", "none does"))
        for action, status in (("pause", "paused"), ("resume", "running")):
            assert await served.post(f"/campaigns/{CAMPAIGN}/{action}") == f"/campaigns/{CAMPAIGN}"
            assert f">{status}<" in await served.get(f"/campaigns/{CAMPAIGN}")
        assert "Before it starts" not in text
        assert "played" in await served.get("/campaigns")
        assert "+12125550111" in await served.get(f"/campaigns/{CAMPAIGN}/report.csv")
        await served.post(f"/campaigns/{CAMPAIGN}/cancel", end_calls="on")
        text = await served.post(f"/campaigns/{CAMPAIGN}/resume", status=409)
        assert 'role="alert"' in text
        await served.post("/campaigns/none/start", status=404)
        await served.get("/campaigns/none", status=404)


async def test_the_figures_of_a_campaign_are_live(tmp_path):
    async with pages(tmp_path, extend=with_campaigns(tmp_path)) as served:
        await served.fill(None)
        async with served.session.get(f"{served.url}/campaigns/{CAMPAIGN}/stream") as stream:
            [first] = await events(stream, 1)
            assert (first["set"]["status"], first["set"]["total"]) == ("running", 2)
            await served.post(f"/campaigns/{CAMPAIGN}/pause")
            [changed] = await events(stream, 1)
            assert changed["set"]["status"] == "paused"


async def test_an_upload_that_cannot_be_used_is_refused_in_words_and_leaves_nothing(tmp_path, monkeypatch):
    async with pages(tmp_path, extend=with_campaigns(tmp_path)) as served:
        monkeypatch.setattr(campaign_upload, "MOST_UPLOADED_BYTES", 100)
        assert "more than 100 bytes" in await upload(served, "x" * 200, status=413)
        assert 'role="alert"' in await upload(served, "", status=409)
        assert [*(tmp_path / "uploads").iterdir()] == []
        await served.get("/campaigns/new/..%2F..%2Fsecret", status=404)
        await served.get(f"/campaigns/new/{'0' * 32}", status=404)
        form = aiohttp.FormData()
        form.add_field("file", LIST, filename="people.csv")
        async with served.session.post(f"{served.url}/campaigns/upload?form=forged", data=form) as answer:
            assert answer.status == 403
    async with pages(tmp_path, extend=with_campaigns(tmp_path, account="")) as served:
        assert "twilio.account_sid" in await upload(served, status=503)


async def test_an_upload_of_which_no_more_comes_is_refused_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(request_bodies, "BODY_SECONDS", 0.05)
    gone = asyncio.Event()

    async def stalled():
        yield b"Mobile\n" + b"+12125550101\n" * 10_000
        await gone.wait()

    async with pages(tmp_path, extend=with_campaigns(tmp_path)) as served:
        told = await upload(served, stalled(), status=408)
        gone.set()
    assert "did not come within" in told
    assert [*(tmp_path / "uploads").iterdir()] == []


def test_a_campaign_file_has_what_the_form_says_whatever_the_columns_are_called():
    sampled = SampledList(('a"b\\', "c\x7f\n"), ())
    text = campaign_file({"name": "x", "column.0": "phone", "column.1": "na me"}, sampled)
    assert tomllib.loads(text) == {"name": "x", "columns": {"phone": 'a"b\\', "na me": "c\x7f\n"}}
    with pytest.raises(Problem, match="Two columns"):
        campaign_file({"column.0": "phone", "column.1": "phone"}, sampled)


def test_every_state_has_its_buttons():
    assert BUTTONS.keys() == set(CampaignStatus)
