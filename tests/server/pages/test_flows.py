"""The flows: drawn with the calls at their nodes, and with what the checker finds."""

from support.api import SID, record
from support.pages import events, pages

from telebridge.bundled import BUNDLED_FLOWS
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.flows.python import Bridge
from telebridge.server.pages.flows import FlowPages

MARKED = """
flow: marked
start: a
nodes:
  a: {say: "<b>Hello</b>", then: b}
  b: {hang_up: "Bye <script>alert(1)</script>."}
"""


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
        FlowPages(served.calls, served.past, served.streams, served.router)

    return extend


async def test_every_flow_is_listed_and_shown(tmp_path):
    async with pages(tmp_path, extend=with_flows(tmp_path)) as served:
        served.calls.add(record(path=["welcome", "main"]))
        text = await served.get("/flows")
        assert all(name in text for name in ("front-desk", "marked", "coded", "Python"))
        text = await served.get("/flows/front-desk")
        assert 'data-node="main"' in text
        assert '<td class="count" data-node-count="main">1</td>' in text
        assert "None: every node" in text
        assert "<style" not in text, "the policy of the page would not have it"
        assert "written in Python" in await served.get("/flows/coded")
        await served.get("/flows/nothing", status=404)


async def test_findings_are_shown_and_texts_are_text(tmp_path):
    async with pages(tmp_path, extend=with_flows(tmp_path)) as served:
        text = await served.get("/flows/marked")
        assert "nodes.a.say: &lt;b&gt; would be read aloud" in text
        assert "<script>alert" not in text
        assert "<b>Hello" not in text


async def test_the_counts_at_nodes_are_live(tmp_path):
    async with pages(tmp_path, extend=with_flows(tmp_path)) as served:
        control = served.calls.add(record(path=["welcome"]))
        async with served.session.get(f"{served.url}/flows/front-desk/stream") as stream:
            [first] = await events(stream, 1)
            assert first["set"] == {"live": 1, "node-welcome": 1}
            control.session.record.path.append("main")
            [moved] = await events(stream, 1)
            assert moved == {"set": {"node-main": 1}, "gone": ["node-welcome"]}
            del served.calls.live[SID]
            await events(stream, 1)
