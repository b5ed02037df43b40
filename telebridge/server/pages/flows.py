"""The flows: each as a graph with the calls at its nodes, what the checks find, its prompts and its last calls.

One rule: a flow is drawn as it is in service; what is found is found in its file as it is now.
"""

import asyncio
from collections import Counter
from typing import Any

from aiohttp import web
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from telebridge.call.flows.python.registry import PythonFlow
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.store.store import CallStore
from telebridge.errors import ConfigurationError
from telebridge.flows.drawing.graph import graph_of
from telebridge.flows.drawing.svg import svg_element
from telebridge.flows.inspection import texts_of, verb_of
from telebridge.flows.model import Flow
from telebridge.logs import logger
from telebridge.server.http.problems import Problem
from telebridge.server.pages.calls import ended_row
from telebridge.server.pages.live import LiveStreams, PageState
from telebridge.server.pages.shown.auditions import Audition, Auditions
from telebridge.server.pages.shown.elsewhere import CallsElsewhere
from telebridge.server.pages.shown.flow_findings import FlowFinding, FlowFindings
from telebridge.server.pages.visits import PageRouter, PageVisit

log = logger(__name__)

LAST_CALLS = 10


class FlowPages:
    """Answers `/flows` and what lies below it.

    Args:
        calls: The calls of this process, and the flows.
        elsewhere: The live calls of other processes.
        store: The calls that are over.
        findings: Check the files of flows.
        auditions: Make the addresses of prompts and voices.
        streams: Send what has changed.
        router: Has the pages.
    """

    def __init__(
        self,
        calls: LiveCalls,
        elsewhere: CallsElsewhere,
        store: CallStore,
        findings: FlowFindings,
        auditions: Auditions,
        streams: LiveStreams,
        router: PageRouter,
    ) -> None:
        self._calls = calls
        self._elsewhere = elsewhere
        self._store = store
        self._findings = findings
        self._auditions = auditions
        self._streams = streams
        self._drawings: dict[str, tuple[Flow, Markup]] = {}
        router.get("/flows", self.list_flows)
        router.get("/live/flows", self.stream_list)
        router.get("/flows/{name}", self.show)
        router.post("/flows/{name}/voices", self.audition)
        router.get("/flows/{name}/stream", self.stream)

    async def list_flows(self, visit: PageVisit) -> web.Response:
        """All flows, with how many calls each leads now."""
        await visit.begin("flows")
        live = await self._of_flows()
        names = self._calls.flows.names
        found = await self._findings.of_all(names)
        flows = [_summary(name, self._calls.flows.find(name), live[name], found[name]) for name in names]
        return await visit.page("flows", flows=flows)

    async def stream_list(self, visit: PageVisit) -> web.StreamResponse:
        """How many calls each flow leads, and what is found in its file; the page has begun the check."""

        async def look() -> PageState:
            live, names = await self._of_flows(), self._calls.flows.names
            found = {name: len(each) for name, each in self._findings.known(names).items() if each is not None}
            return PageState({name: {"live": live[name], "findings": found.get(name)} for name in names})

        return await self._streams.send(visit, look)

    async def show(self, visit: PageVisit) -> web.Response:
        """One flow."""
        return await self._page(visit)

    async def audition(self, visit: PageVisit) -> web.Response:
        """The page with the voices that were chosen, to be listened to."""
        _, flow = self._found(visit)
        try:
            asked = self._auditions.asked(flow if isinstance(flow, Flow) else None, visit.fields)
        except Problem as problem:
            return await self._page(visit, status=problem.status, problem=problem.detail)
        return await self._page(visit, audition=asked)

    async def _page(
        self, visit: PageVisit, *, status: int = 200, audition: Audition | None = None, problem: str = ""
    ) -> web.Response:
        name, flow = self._found(visit)
        await visit.begin("flow", name=name)
        try:
            last = [ended_row(call.as_json()) for call in await self._store.search("", LAST_CALLS, flow=name)]
        except (SQLAlchemyError, OSError) as error:
            log.error("the last calls of a flow cannot be listed: the database is away", error=str(error))
            last = None
        at_nodes = await self._at_nodes(name)
        in_file = flow if isinstance(flow, Flow) else None

        def of_file() -> dict[str, Any]:
            """What takes long where a flow has many nodes."""
            return {
                "nodes": [] if in_file is None else _nodes(in_file, at_nodes),
                "prompts": [] if in_file is None else self._auditions.prompts(in_file),
                "audition": audition or self._auditions.opened(in_file),
            }

        return await visit.page(
            "flow",
            status,
            name=name,
            needs=self._calls.flows.needs_of(name),
            in_python=in_file is None,
            live=sum(at_nodes.values()),
            last=last,
            drawing=None if in_file is None else await self._drawing(in_file),
            findings=await self._findings.of(name),
            problem=problem,
            **await asyncio.to_thread(of_file),
        )

    async def stream(self, visit: PageVisit) -> web.StreamResponse:
        """How many calls are at each node."""
        name, _ = self._found(visit)

        async def look() -> PageState:
            at_nodes = await self._at_nodes(name)
            counts = {f"node-{node}": count for node, count in at_nodes.items()}
            checked = self._findings.known([name])[name] is not None
            return PageState({"live": sum(at_nodes.values()), "checked": checked, **counts})

        return await self._streams.send(visit, look)

    async def _drawing(self, flow: Flow) -> Markup:
        """The graph of a flow file; a large one takes long, and a flow never changes, so it is drawn once."""
        kept = self._drawings.get(flow.flow)
        if kept is None or kept[0] is not flow:
            element = await asyncio.to_thread(lambda: svg_element(graph_of(flow)))
            kept = self._drawings[flow.flow] = flow, Markup(element)  # noqa: S704 - its texts are escaped there
        return kept[1]

    def _found(self, visit: PageVisit) -> tuple[str, Flow | PythonFlow]:
        name = visit.request.match_info["name"]
        try:
            return name, self._calls.flows.find(name)
        except ConfigurationError as error:
            raise web.HTTPNotFound(text=f"{error}.\n") from error

    async def _of_flows(self) -> Counter[str]:
        """How many live calls each flow leads."""
        live = Counter(record.flow for record in self._calls.live_records())
        live.update(call.flow for call in await self._elsewhere.all())
        return live

    async def _at_nodes(self, name: str) -> Counter[str]:
        """How many calls of a flow are at which node; those of a Python flow are at none."""
        live = (record for record in self._calls.live_records() if record.flow == name)
        counted = Counter(record.path[-1] if record.path else "" for record in live)
        counted.update(call.node for call in await self._elsewhere.all() if call.flow == name)
        return counted


def _summary(name: str, flow: Flow | PythonFlow, live: int, found: list[FlowFinding] | None) -> dict[str, Any]:
    in_file = isinstance(flow, Flow)
    return {
        "name": name,
        "live": live,
        "kind": "file" if in_file else "Python",
        "nodes": len(flow.nodes) if isinstance(flow, Flow) else None,
        "findings": None if found is None else len(found),
    }


def _nodes(flow: Flow, at_nodes: Counter[str]) -> list[dict[str, Any]]:
    """Each node with its first text, for those who do not see the drawing."""
    return [
        {
            "name": name,
            "verb": verb_of(node),
            "text": next(iter(texts_of(node).values()), ""),
            "live": at_nodes[name],
        }
        for name, node in flow.nodes.items()
    ]
