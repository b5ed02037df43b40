"""The flows: drawn with the calls at their nodes, and with what the checker finds."""

import re
import threading
from html import unescape

import pytest
from support.api import SID, record
from support.pages import events, pages

from telebridge.audio.mulaw import silence
from telebridge.audio.wav import mulaw_file
from telebridge.bundled import BUNDLED_FLOWS
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.flows.python.registry import Bridge
from telebridge.server.pages.flows import FlowPages
from telebridge.server.pages.shown import flow_findings
from telebridge.server.pages.shown.auditions import VALID_FOR, Auditions
from telebridge.timing.epoch import wallclock_now
from telebridge.twilio.signed_urls import PromptTokenError, PromptTokens

PROMPTS = PromptTokens("secret")

MARKED = """
flow: marked
start: a
nodes:
  a: {say: "<b>Hello</b>", then: b}
  b: {hang_up: "Bye <script>alert(1)</script>."}
"""

PLAYS = """
flow: music
start: a
nodes:
  a: {play: hello.wav, then: b}
  b:
    menu: "A wedding, or betting?"
    choices: {1: {then: c, say: [wedding]}, 2: {then: c, say: [betting]}}
    no_input: {then: c}
    no_match: {then: c}
  c: {hang_up: "Bye."}
"""


def address_of(text, path):
    """The token of the first address of a page that is below a path."""
    return re.search(rf"{path}([^\"]+)\.wav", text)[1]


async def leads(call):
    """Leads no call here."""


def with_flows(folder):
    (folder / "marked.yaml").write_text(MARKED)
    (folder / "front-desk.yaml").write_text((BUNDLED_FLOWS / "front-desk.yaml").read_text())
    bridge = Bridge()
    bridge.flow("coded")(leads)
    flows = FlowCatalogue(folder, bridge)
    flows.load()

    def extend(served):
        served.calls.flows = flows
        auditions = Auditions({"speaker": "astra"}, PROMPTS)
        served.findings = flow_findings.FlowFindings(flows, patience_seconds=30)
        FlowPages(
            served.calls, served.elsewhere, served.past, served.findings, auditions, served.streams, served.router
        )

    return extend


async def test_every_flow_is_listed_and_shown(tmp_path):
    async with pages(tmp_path, extend=with_flows(tmp_path)) as served:
        served.calls.add(record(path=["welcome", "main"]))
        text = await served.get("/flows")
        assert all(name in text for name in ("front-desk", "marked", "coded", "Python"))
        text = await served.get("/flows/front-desk")
        assert 'data-node="main"' in text
        assert '<td class="count" data-node-count="main">1</td>' in text
        assert "None: every node" in text.replace("\n", " ")
        assert "<style" not in text, "the policy of the page would not have it"
        assert "written in Python" in await served.get("/flows/coded")
        await served.get("/flows/nothing", status=404)


async def test_findings_are_shown_and_texts_are_text(tmp_path):
    async with pages(tmp_path, extend=with_flows(tmp_path)) as served:
        text = await served.get("/flows/marked")
        assert "line 5:" in text
        assert "&lt;b&gt; would be read aloud" in text
        assert "<script>alert" not in text
        assert "<b>Hello" not in text


async def test_every_check_of_flow_check_is_shown_also_what_went_wrong_since_the_file_was_loaded(tmp_path, monkeypatch):
    (tmp_path / "music.yaml").write_text(PLAYS)
    (tmp_path / "hello.wav").write_bytes(mulaw_file(silence(100)))
    async with pages(tmp_path, extend=with_flows(tmp_path)) as served:
        text = await served.get("/flows/music")
        assert "sounds like" in text, "phrases that are alike"
        assert ">mistake<" not in text
        (tmp_path / "hello.wav").unlink()
        monkeypatch.setattr(flow_findings, "FRESH_SECONDS", 0)
        assert ">mistake<" not in await served.get("/flows/music"), "it is kept for a while"
        served.findings._found.clear()
        text = await served.get("/flows/music")
        assert ">mistake<" in text
        assert "hello.wav" in text
        assert "before its mistakes" in text
        assert 'data-field="findings">2</td>' in await served.get("/flows")


async def test_no_page_waits_for_the_check_of_files_that_takes_long(tmp_path, monkeypatch):
    go_on = threading.Event()
    monkeypatch.setattr(
        flow_findings.FlowFindings, "_find", lambda _self, names: go_on.wait(30) and {n: [] for n in names}
    )
    async with pages(tmp_path, extend=with_flows(tmp_path)) as served:
        served.findings._patience = 0.001
        try:
            assert ">…</td>" in await served.get("/flows")
            assert "is being checked" in await served.get("/flows/marked")
        finally:
            go_on.set()
        async with served.session.get(f"{served.url}/live/flows") as stream:
            await served.findings._tasks.wait(30)
            while (await events(stream, 1))[0]["set"]["marked"]["findings"] is None:
                pass
        assert ">…</td>" not in await served.get("/flows")
        assert "None: every node" in await served.get("/flows/marked")


async def test_prompts_and_voices_are_listened_to_by_addresses_that_expire(tmp_path):
    async with pages(tmp_path, extend=with_flows(tmp_path)) as served:
        text = await served.get("/flows/front-desk")
        spoken = PROMPTS.read(address_of(text, "/prompts/"), wallclock=wallclock_now())
        assert spoken[0] in unescape(text)
        with pytest.raises(PromptTokenError, match="expired"):
            PROMPTS.read(address_of(text, "/prompts/"), wallclock=wallclock_now() + 2 * VALID_FOR)
        fields = {"text": "Good <morning>.", "voice.luna": "on", "other": "zoe"}
        text = await served.post("/flows/coded/voices", status=200, **fields)
        tokens = re.findall(r"/prompts/([^\"]+)\.wav", text)
        spoken = [PROMPTS.read(token, wallclock=wallclock_now()) for token in tokens]
        assert [(said, voice["speaker"]) for said, voice in spoken] == [
            ("Good <morning>.", "luna"),
            ("Good <morning>.", "zoe"),
        ]
        assert "Good &lt;morning&gt;." in text
        assert "Choose a voice" in await served.post("/flows/coded/voices", status=422, text="Hello.")
        assert "Write a text" in await served.post("/flows/coded/voices", status=422, text="x" * 501, other="zoe")


async def test_the_counts_at_nodes_are_live(tmp_path):
    async with pages(tmp_path, extend=with_flows(tmp_path)) as served:
        control = served.calls.add(record(path=["welcome"]))
        async with served.session.get(f"{served.url}/flows/front-desk/stream") as stream:
            [first] = await events(stream, 1)
            assert first["set"] == {"live": 1, "checked": False, "node-welcome": 1}
            control.session.record.path.append("main")
            [moved] = await events(stream, 1)
            assert moved == {"set": {"node-main": 1}, "gone": ["node-welcome"]}
            del served.calls.live[SID]
            await events(stream, 1)
