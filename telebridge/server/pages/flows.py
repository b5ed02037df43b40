"""The flows: each as a graph with the calls that are at its nodes now, what the checker finds, and the last calls.

One rule: a flow is drawn as it is in service; a file that is wrong is not.
"""

import asyncio
from collections import Counter
from typing import Any

from aiohttp import web
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from telebridge.call.flows.python import PythonFlow
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.store.store import CallStore
from telebridge.errors import ConfigurationError
from telebridge.flows.checking import markup_warnings
from telebridge.flows.checks.mistakes import Mistake
from telebridge.flows.drawing.graph import graph_of
from telebridge.flows.drawing.svg import svg_element
from telebridge.flows.inspection import texts_of, verb_of
from telebridge.flows.model import Flow
from telebridge.logs import logger
from telebridge.server.pages.calls import ended_row
from telebridge.server.pages.live import LiveStreams, PageState
from telebridge.server.pages.visits import PageRouter, PageVisit

log = logger(__name__)

LAST_CALLS = 10


class FlowPages:
    """Answers `/flows` and what lies below it.

    Args:
        calls: The calls of this process, and the flows.
        store: The calls that are over.
        streams: Send what has changed.
        router: Has the pages.
    """

    def __init__(self, calls: LiveCalls, store: CallStore, streams: LiveStreams, router: PageRouter) -> None:
        self._calls = calls
        self._store = store
        self._streams = streams
        router.get("/flows", self.list_flows)
        router.get("/flows/{name}", self.show)
        router.get("/flows/{name}/stream", self.stream)

    async def list_flows(self, visit: PageVisit) -> web.Response:
        """All flows, with how many calls each leads now."""
        live = Counter(record.flow for record in self._calls.live_records())
        flows = [_summary(name, self._calls.flows.find(name), live[name]) for name in self._calls.flows.names]
        return visit.page("flows", flows=flows)

    async def show(self, visit: PageVisit) -> web.Response:
        """One flow."""
        name, flow = self._found(visit)
        try:
            last = [ended_row(call.as_json()) for call in await self._store.search("", LAST_CALLS, flow=name)]
        except (SQLAlchemyError, OSError) as error:
            log.error("the last calls of a flow cannot be listed: the database is away", error=str(error))
            last = None
        at_nodes = self._at_nodes(name)
        drawn = await asyncio.to_thread(_drawn, flow, at_nodes)  # a large flow takes long
        return visit.page(
            "flow",
            name=name,
            needs=self._calls.flows.needs_of(name),
            in_python=not isinstance(flow, Flow),
            live=sum(at_nodes.values()),
            last=last,
            **drawn,
        )

    async def stream(self, visit: PageVisit) -> web.StreamResponse:
        """How many calls are at each node."""
        name, _ = self._found(visit)

        async def look() -> PageState:
            at_nodes = self._at_nodes(name)
            return PageState({"live": sum(at_nodes.values()), **{f"node-{node}": n for node, n in at_nodes.items()}})

        return await self._streams.send(visit, look)

    def _found(self, visit: PageVisit) -> tuple[str, Flow | PythonFlow]:
        name = visit.request.match_info["name"]
        try:
            return name, self._calls.flows.find(name)
        except ConfigurationError as error:
            raise web.HTTPNotFound(text=f"{error}.\n") from error

    def _at_nodes(self, name: str) -> Counter[str]:
        """How many calls of a flow are at which node; those of a Python flow are at none."""
        live = (record for record in self._calls.live_records() if record.flow == name)
        return Counter(record.path[-1] if record.path else "" for record in live)


def _drawn(flow: Flow | PythonFlow, at_nodes: Counter[str]) -> dict[str, Any]:
    """The graph of a flow file, its nodes, and what the checker warns of: with a mistake it would not be in service."""
    if not isinstance(flow, Flow):
        return {"drawing": None, "nodes": [], "findings": []}
    return {
        "drawing": Markup(svg_element(graph_of(flow))),  # noqa: S704 - its texts are escaped where it is drawn
        "nodes": _nodes(flow, at_nodes),
        "findings": [_finding(one) for one in markup_warnings(flow)],
    }


def _summary(name: str, flow: Flow | PythonFlow, live: int) -> dict[str, Any]:
    in_file = isinstance(flow, Flow)
    return {
        "name": name,
        "live": live,
        "kind": "file" if in_file else "Python",
        "nodes": len(flow.nodes) if isinstance(flow, Flow) else None,
        "findings": len(markup_warnings(flow)) if isinstance(flow, Flow) else 0,
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


def _finding(mistake: Mistake) -> str:
    where = ".".join(str(part) for part in mistake.path)
    return f"{where}: {mistake.problem}" + (f"; {mistake.hint}" if mistake.hint else "")
