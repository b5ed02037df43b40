"""The list of calls: the live ones as they are now, and those that are over, from the database."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.runner.runner import CallRunner
from telebridge.call.store.store import CallStore
from telebridge.logs import logger
from telebridge.server.api.call_lookup import PHASE_NAMES, cursor, position_of, read_cursor
from telebridge.server.pages.live import LiveStreams, PageState
from telebridge.server.pages.masking import masked_number
from telebridge.server.pages.shown.elsewhere import PHASE, CallElsewhere, CallsElsewhere
from telebridge.server.pages.visits import PageRouter, PageVisit

log = logger(__name__)

MOST_LIVE = 50
"""So many live calls are shown; filters show others."""
PER_PAGE = 25


class CallListPages:
    """Answers `/calls` and `/calls/stream`.

    Args:
        calls: The calls of this process.
        elsewhere: The live calls of other processes.
        store: The calls that are over.
        streams: Send what has changed.
        router: Has the pages.
    """

    def __init__(
        self,
        calls: LiveCalls,
        elsewhere: CallsElsewhere,
        store: CallStore,
        streams: LiveStreams,
        router: PageRouter,
    ) -> None:
        self._calls = calls
        self._elsewhere = elsewhere
        self._store = store
        self._streams = streams
        router.get("/calls", self.list_calls)
        router.get("/calls/stream", self.stream)

    async def list_calls(self, visit: PageVisit) -> web.Response:
        """The list."""
        query = visit.request.query
        text, flow = query.get("q", "").strip(), query.get("flow", "")
        before = read_cursor(query["cursor"]) if "cursor" in query else None
        ended: list[dict[str, Any]] | None
        await visit.begin("calls")
        try:
            found = await self._store.search(text, PER_PAGE + 1, flow=flow, before=before)
            ended = [ended_row(call.as_json()) for call in found[:PER_PAGE]]
            after = cursor(position_of(found[PER_PAGE - 1].as_json())) if len(found) > PER_PAGE else None
        except (SQLAlchemyError, OSError) as error:
            log.error("ended calls cannot be listed: the database is away", error=str(error))
            ended, after = None, None
        others = await self._elsewhere.all()
        return await visit.page(
            "calls",
            live=[*islice(self._live_rows(others, text, flow), MOST_LIVE)],
            total=len(self._calls) + len(others),
            most_live=MOST_LIVE,
            ended=ended,
            after=after,
            later=before is not None,
            text=text,
            flow=flow,
            flows=self._calls.flows.names,
        )

    async def stream(self, visit: PageVisit) -> web.StreamResponse:
        """What changes in the list of live calls."""
        text, flow = visit.request.query.get("q", "").strip(), visit.request.query.get("flow", "")

        async def look() -> PageState:
            others = await self._elsewhere.all()
            rows = {row["sid"]: row for row in islice(self._live_rows(others, text, flow), MOST_LIVE)}
            return PageState({**rows, "total": len(self._calls) + len(others)})

        return await self._streams.send(visit, look)

    def _live_rows(self, others: list[CallElsewhere], text: str, flow: str) -> Iterator[dict[str, Any]]:
        """The rows of the live calls that are looked for, the longest first, so that a new one moves no other.

        Those of other processes are behind those of this one.
        """
        for record in self._calls.live_records():
            runner = self._calls.find(record.call_sid)
            names = (record.call_sid, record.from_number, record.to_number, record.flow)
            if runner is not None and _is_wanted(record.flow, names, text, flow):
                yield live_row(runner)
        for call in others:
            if _is_wanted(call.flow, (call.call_sid, call.who, call.flow), text, flow):
                yield elsewhere_row(call)


def live_row(runner: CallRunner) -> dict[str, Any]:
    """A live call in the list."""
    record = runner.session.record
    return {
        "sid": record.call_sid,
        "who": masked_number(record.ends[0] or "unknown"),
        "direction": "in" if record.direction == "inbound" else "out",
        "flow": record.flow,
        "node": record.path[-1] if record.path else "",
        "saying": runner.session.saying or "",
        "phase": PHASE_NAMES[runner.session.phase],
        "since": record.started_at.isoformat(timespec="seconds"),
    }


def elsewhere_row(call: CallElsewhere) -> dict[str, Any]:
    """A live call of another process in the list."""
    return {
        "sid": call.call_sid,
        "who": masked_number(call.who),
        "direction": "in" if call.direction == "inbound" else "out",
        "flow": call.flow,
        "node": call.node,
        "saying": "",
        "phase": PHASE,
        "since": call.since,
    }


def ended_row(call: dict[str, Any]) -> dict[str, Any]:
    """A call that is over in the list."""
    utterances = call.get("utterances") or []
    return {
        "sid": call["call_sid"],
        "who": caller_of(call),
        "direction": "in" if call.get("direction") == "inbound" else "out",
        "flow": call.get("flow", ""),
        "since": call["started_at"],
        "end": call.get("end_reason") or "in another process",
        "said": len(utterances),
        "cut": sum(1 for one in utterances if isinstance(one, dict) and one.get("interrupted_by")),
        "messages": len(call.get("recordings") or []),
    }


def caller_of(call: dict[str, Any]) -> str:
    """The number of the person: who called us, or whom we called."""
    return str(call.get("from" if call.get("direction") == "inbound" else "to") or "unknown")


def _is_wanted(name: str, names: tuple[str, ...], text: str, flow: str) -> bool:
    """Whether a call is of a flow, and a text occurs in what it is called by; both may be empty for any."""
    return (not flow or name == flow) and (not text or any(text in each for each in names))
