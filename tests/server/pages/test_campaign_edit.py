"""The form that changes a campaign, over SQLite: what it says of every kind of text, and that nothing typed is lost."""

import html
import re
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.api import NOW
from support.campaigns import sqlite_store
from support.pages import pages

from telebridge.bundled import BUNDLED_FLOWS
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.definition.editing import key_changes
from telebridge.campaigns.definition.loading import read_campaign
from telebridge.campaigns.definition.model import CampaignDefinition, keys_of
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus
from telebridge.server.api.campaigns.edit import changed_file
from telebridge.server.api.campaigns.plan import planned
from telebridge.server.pages.campaign_edit import CampaignEditPages
from telebridge.server.pages.shown.campaign_fields import FIELDS, field_texts
from telebridge.settings.sections import CampaignSettings

FILE = """
name = "reminders"
flow = "reminder"
kind = "informational"
from = ["+12125550100", { number = "+13125550100", daily_cap = 5 }]
price_per_call = 0.0075
end_at = 2026-03-31T20:00:00-04:00
window = { mon-fri = ["09:00-12:00", "13:30-20:00"] }
caps = [{ attempts = 2, within = "1d" }]
"""
SCRIPT = "<script>alert(1)</script>"
FLOWS = FlowCatalogue(BUNDLED_FLOWS)
FLOWS.load()


def plan(file=FILE):
    return planned(file, where="file", flows=FLOWS, account="AC1", wallclock=NOW)[1]


@asynccontextmanager
async def served_form(folder, *inputs):
    """The form of a campaign in SQLite that was given some inputs."""
    told = []
    async with sqlite_store(folder) as store:
        campaign = await store.campaigns.create(plan())
        for each in inputs:
            await store.campaigns.change(campaign.id, each)

        def extend(served):
            limits = CampaignSettings(calls_per_second=2)
            CampaignEditPages(store, FLOWS, limits, told.append, lambda: NOW, served.router)

        async with pages(folder, extend=extend) as served:
            form = EditForm(served, store, f"/campaigns/{campaign.id}/edit", campaign.id)
            form.told = told
            yield form


class EditForm:
    """The form in a browser without script."""

    def __init__(self, served, store, path, campaign_id):
        self.served, self.store, self.path, self.id = served, store, path, campaign_id
        self.text = ""

    async def open(self):
        self.text = await self.served.get(self.path)
        return self

    @property
    def fields(self):
        """What a browser would send: all fields that are not disabled."""
        sent = {"shown": html.unescape(re.search(r'name="shown" value="([^"]*)"', self.text)[1])}
        for attributes, value in re.findall(r'<input (id="field-[^>]*?) value="([^"]*)"', self.text):
            if " disabled" not in attributes:
                sent[re.search(r'name="([^"]*)"', attributes)[1]] = html.unescape(value)
        for attributes, options in re.findall(r"<select (id=[^>]*)>(.*?)</select>", self.text):
            if " disabled" not in attributes:
                chosen = re.search(r"<option selected>([^<]*)<", options)[1]
                sent[re.search(r'name="([^"]*)"', attributes)[1]] = html.unescape(chosen)
        return sent

    async def send(self, status=200, **changed):
        """Send the form as it is, but for some fields: `window__mon` is `window.mon`."""
        fields = self.fields | {key.replace("__", "."): text for key, text in changed.items()}
        self.text = await self.served.post(self.path, status=status, **fields)
        return html.unescape(self.text)

    async def definition(self):
        return read_campaign((await self.campaign()).plan.file, where="kept")

    async def campaign(self):
        return await self.store.campaigns.find(self.id)

    def errors(self):
        found = re.findall(r'<p class="bad" id="field-([^"]*)-error">([^<]*)</p>', self.text)
        return {key: html.unescape(text) for key, text in found}


async def test_the_form_shows_what_holds_and_saves_what_is_changed_while_the_campaign_runs(tmp_path):
    async with served_form(tmp_path, CampaignInput.START) as form:
        await form.open()
        shown = form.fields
        assert (shown["window.mon"], shown["window.sun"]) == ("09:00-12:00, 13:30-20:00", "")
        assert (shown["price_per_call"], shown["max_live"]) == ("0.0075", "10")
        assert (shown["retry.no-answer"], shown["end_at"]) == ("2h, 1d", "2026-03-31T20:00:00-04:00")
        assert "flow" not in shown, "it needs a pause, so it is off"
        assert "cannot change" in form.text
        told = await form.send(
            max_live="20",
            calls_per_second="2.5",
            window__sat="10:00-14:00",
            window__fri="",
            retry__busy="5m, 1h",
            end_at="",
            price_per_minute="0.014",
            on_unknown="give_up",
        )
        kept = await form.definition()
        assert "max_live 10 → 20" in told
        assert "every process follows within half a second" in told
        assert "campaigns.calls_per_second is 2 for all campaigns together" in told
        assert form.told == [form.id]
        assert [str(each) for each in kept.window[5]] == ["10:00-14:00"]
        assert 4 not in kept.window
        assert len(kept.retry.busy) == 2
        assert (kept.max_live, kept.end_at, kept.price_per_minute, kept.on_unknown) == (20, None, 0.014, "give_up")
        assert len(kept.from_) == 2, "what has no field stays"
        assert kept.caps
        assert "it is so already" in await form.send()


async def test_every_mistake_is_told_at_its_field_and_what_was_typed_stays(tmp_path):
    wrong = {
        "max_live": ("", "is empty"),
        "calls_per_second": ("-1", "input should be greater than 0, not -1"),
        "ring_timeout": ("9" * 1000, "600"),
        "priority": ("high", "'high' is no whole number"),
        "weight": (SCRIPT, f"'{SCRIPT}' is no number"),
        "window.mon": ("9-25", "'9-25' is no window: write it as '09:00-20:00'"),
        "window.tue": ("23:00-23:30", "never opens"),
        "start_at": ("2026-03-02T09:00:00 America/New_York", "should be a date and time with its offset"),
        "end_at": ("2026-03-31T20:00:00", "has no time zone"),
        "retry.busy": ("15 parsecs", "should be a duration such as '90s'"),
        "retry.lost": (",", "should be a duration"),
        "next_number": ("tired", "input should be 'bad_number'"),
        "price_per_call": ("inf", "is no number"),
        "failure_breaker.share": ("2", "less than or equal to 1"),
        "flow": ("remainder", "there is no flow 'remainder'"),
        "message_node": ("nowhere", "never used"),
    }
    async with served_form(tmp_path) as form:
        await form.open()
        before = await form.campaign()
        right = {"max_attempts": "7"}
        sent = {key.replace(".", "__"): text for key, (text, _) in wrong.items()}
        await form.send(422, **sent, **right)
        errors = form.errors()
        assert errors.keys() == {key.replace(".", "-") for key in wrong}
        assert [key for key, (_, words) in wrong.items() if words not in errors[key.replace(".", "-")]] == []
        assert form.fields.items() >= {key: text for key, (text, _) in wrong.items()}.items()
        assert form.fields["max_attempts"] == "7"
        assert SCRIPT not in form.text
        assert form.text.count('aria-invalid="true"') == len(wrong)
        assert (await form.campaign()) == before, "nothing was saved"
        current = field_texts(await form.definition())
        told = await form.send(**{key.replace(".", "__"): current[key] for key in wrong})
        assert "max_attempts 3 → 7" in told, "what was right was not lost"


async def test_two_forms_at_once_lose_nothing(tmp_path):
    async with served_form(tmp_path) as first:
        second = EditForm(first.served, first.store, first.path, first.id)
        await first.open()
        await second.open()
        await first.send(max_live="20", retry__busy="1m")
        told = await second.send(422, max_live="30", max_attempts="5")
        words = "was changed by somebody else at the same time; save again to have yours (it is 20 now)"
        assert second.errors() == {"max_live": words}
        assert (second.fields["max_live"], second.fields["max_attempts"]) == ("30", "5")
        told = await second.send()
        assert "max_live 20 → 30" in told
        kept = await first.definition()
        assert (kept.max_live, kept.max_attempts, len(kept.retry.busy)) == (30, 5, 1)
        assert kept.retry.busy[0].total_seconds() == 60, "the other person's change of another key"


async def test_a_plan_that_changes_while_it_is_saved_is_refused_and_the_form_stays(tmp_path, monkeypatch):
    async with served_form(tmp_path) as form:
        await form.open()
        edit = form.store.administration.edit

        async def late(campaign_id, before, after, changes, *, need_pause):
            monkeypatch.undo()
            other = changed_file(Campaign(campaign_id, before), [(("weight",), 3.0)])
            await edit(campaign_id, before, plan(other), [], need_pause=())
            return await edit(campaign_id, before, after, changes, need_pause=need_pause)

        monkeypatch.setattr(form.store.administration, "edit", late)
        told = await form.send(409, max_live="20")
        assert "was changed by somebody else at the same time: edit it again" in told
        assert "max_live 10 → 20" in await form.send()
        assert (await form.definition()).weight == 3


@pytest.mark.parametrize(
    ("inputs", "status", "words"),
    [
        ([CampaignInput.CANCEL], CampaignStatus.CANCELLED, "is cancelled, for ever: `telebridge campaign clone"),
        ([CampaignInput.START, CampaignInput.DRAIN], CampaignStatus.DRAINING, "is draining"),
    ],
)
async def test_what_cannot_be_changed_any_more_is_shown_and_off(tmp_path, inputs, status, words):
    async with served_form(tmp_path, *inputs) as form:
        await form.open()
        assert (await form.campaign()).status is status
        assert words in html.unescape(form.text)
        assert form.fields.keys() == {"shown"}
        assert words in await form.send(409, max_live="20")
        assert form.fields.keys() == {"shown"}
        assert 'value="20"' in form.text, "what was typed stays"


async def test_a_campaign_that_was_started_meanwhile_refuses_what_needs_a_pause(tmp_path):
    async with served_form(tmp_path) as form:
        await form.open()
        await form.store.campaigns.change(form.id, CampaignInput.START)
        told = await form.send(409, kind="debt", max_live="20")
        assert "'kind' cannot change meanwhile: `telebridge campaign pause reminders` first" in told
        assert (form.fields["kind"], form.fields["max_live"]) == ("debt", "20")
        await form.store.campaigns.change(form.id, CampaignInput.PAUSE)
        told = await form.send()
        assert "kind informational → debt" in told


async def test_the_form_is_none_for_others_and_for_campaigns_that_are_not_there(tmp_path):
    async with served_form(tmp_path) as form:
        await form.open()
        fields = {**form.fields, "max_live": "20", "form": "forged"}
        async with form.served.session.post(form.served.url + form.path, data=fields) as answer:
            assert answer.status == 403
        await form.served.get("/campaigns/none/edit", status=404)
        await form.served.post("/campaigns/none/edit", status=404)
        assert (await form.definition()).max_live == 10


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_text_in_any_field_is_more_than_a_mistake(data):
    """Any text of any field gives a file, a mistake or a change; never another error."""
    key = data.draw(st.sampled_from(sorted(FIELDS)))
    times = st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-02-30T00:00:00Z"])
    text = data.draw(st.one_of(st.text(), st.integers().map(str), st.floats().map(str), times)).strip()
    definition = read_campaign(FILE, where="file")
    router = SimpleNamespace(get=lambda *_: None, post=lambda *_: None)
    edits = CampaignEditPages(None, FLOWS, CampaignSettings(), None, lambda: NOW, router)
    campaign = Campaign("c1", plan())
    found = edits._mistakes(campaign, {key: text})
    assert set(found) <= {key}
    if not found:
        after = read_campaign(changed_file(campaign, [FIELDS[key].assignment(text)]), where="file")
        assert {one.key.partition(".")[0] for one in key_changes(definition, after)} <= {key.partition(".")[0]}


def test_what_a_field_shows_means_the_same_when_it_is_sent():
    definition = read_campaign(FILE, where="file")
    texts = {key: text for key, text in field_texts(definition).items() if text or key.startswith("retry.")}
    again = changed_file(Campaign("c1", plan()), [FIELDS[key].assignment(text) for key, text in texts.items()])
    assert field_texts(read_campaign(again, where="file")) == field_texts(definition)


def test_the_keys_without_a_field_are_those_that_the_page_names():
    reading = {"default_country", "default_zone", "zones", "number_check", "delimiter", "columns", "require_consent"}
    with_field = {key.partition(".")[0] for key in FIELDS}
    assert set(keys_of(CampaignDefinition)) - with_field == reading | {"from", "caps", "webhook"}
