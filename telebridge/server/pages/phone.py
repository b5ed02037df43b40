"""The browser phone: a page that speaks Media Streams as Twilio does, to the handler that serves Twilio.

A call of the page begins as one for which the voice webhook came, gets a token for its stream, and ends when the stream
does: there is no Twilio that would ask what follows.

One rule: what carries the call, from its first message to its record, is what carries a call of Twilio's.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from aiohttp import web

from telebridge.call.record import CallRecord
from telebridge.call.runner.feed import GAP, FeedEvent, Watch
from telebridge.call.runner.incoming_call import IncomingCall
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.errors import ConfigurationError
from telebridge.logs import logger
from telebridge.server.api.call_lookup import PHASE_NAMES
from telebridge.server.http.problems import Problem, shown
from telebridge.server.pages.live import LiveStreams, PageState
from telebridge.server.pages.visits import PageRouter, PageVisit, text_of
from telebridge.server.twilio.media import MediaHandler
from telebridge.twilio.calls import is_sid
from telebridge.twilio.signed_urls import StreamTokens

log = logger(__name__)

CALLER, CALLED = "client:browser", "client:telebridge"
VARIABLE = "var."
"""What the names of fields begin with that are variables of the flow."""
LONGEST_VALUE = 500
CAUSED_BY_PAGE = "completed"
BEFORE_ALL = 0
"""The id before all events: a page that opens its stream gets those of its call that are kept."""


class PhonePages:
    """Answers `/phone` and what lies below it.

    Args:
        calls: The calls of this process.
        media: Handles streams; the pages have checked who opens one.
        tokens: Those of the streams of pages alone.
        streams: Send what happens in the call.
        default_flow: The flow that is chosen at first.
        router: Has the pages.
    """

    def __init__(
        self,
        calls: LiveCalls,
        media: MediaHandler,
        tokens: StreamTokens,
        streams: LiveStreams,
        default_flow: str,
        router: PageRouter,
    ) -> None:
        self._calls = calls
        self._media = media
        self._tokens = tokens
        self._streams = streams
        self._default_flow = default_flow
        router.get("/phone", self.show)
        router.post("/phone/calls", self.begin)
        router.get("/phone/calls/{sid}/stream", self.stream)
        router.socket("/phone/media/{sid}/{token}", self.carry)

    async def show(self, visit: PageVisit) -> web.Response:
        """The phone."""
        await visit.begin("phone")
        flows = self._calls.flows
        return await visit.page(
            "phone",
            flows=flows.names,
            needs={name: needs for name in flows.names if (needs := flows.needs_of(name))},
            flow=visit.request.query.get("flow", self._default_flow),
            caller=CALLER,
        )

    async def begin(self, visit: PageVisit) -> web.Response:
        """Begin a call, as a voice webhook would; the answer has what the page needs to open its stream."""
        flow = text_of(visit.fields, "flow") or self._default_flow
        if self._calls.full:
            raise Problem(503, "The bridge takes no further call now.", kind="no-room")
        caller = text_of(visit.fields, "from")[:100] or CALLER
        incoming = IncomingCall(f"CA{token_hex(16)}", flow, caller, CALLED, "inbound", _variables(visit.fields))
        try:
            await self._calls.ownership.begin(incoming, ringing=True)
        except ConfigurationError as error:
            raise Problem(422, f"{error}.", kind="invalid-fields") from error
        token = self._tokens.issue(incoming.call_sid, incoming.claims(), wallclock=datetime.now(UTC))
        log.info("call of a page", call_sid=incoming.call_sid, flow=flow, peer=visit.request.remote)
        made = {
            "callSid": incoming.call_sid,
            "streamSid": f"MZ{token_hex(16)}",
            "path": visit.link(f"/phone/media/{incoming.call_sid}/{token}"),
        }
        return web.json_response(made, headers={"Cache-Control": "no-store"})

    async def carry(self, visit: PageVisit) -> web.StreamResponse:
        """Carry the stream of a call; the call ends with it."""
        call_sid = _call_sid(visit)
        answer = await self._media.media(visit.request)
        await self._calls.ownership.end(call_sid, CAUSED_BY_PAGE)
        return answer

    async def stream(self, visit: PageVisit) -> web.StreamResponse:
        """What is being said, and each event of the call, with the lengths of pauses."""
        call_sid = _call_sid(visit)
        feed, told = self._calls.feed, 0
        watcher = feed.watch(Watch(call_sid), lambda: None, after=BEFORE_ALL)
        over = False

        async def look() -> PageState:
            nonlocal told, over
            runner, record = self._calls.find(call_sid), self._calls.record(call_sid)
            happened = [event for event in watcher.take() if event.kind != GAP]
            events = [_event(event, record, at) for at, event in _numbered(happened, told)]
            told += sum(event["kind"] == "utterance" for event in events)
            was_over, over = over, runner is None
            if runner is None:
                return PageState({"saying": "", "phase": "over"}, events, over=was_over)
            values = {
                "saying": runner.session.saying or "",
                "node": runner.session.record.path[-1] if runner.session.record.path else "",
                "phase": PHASE_NAMES[runner.session.phase],
            }
            return PageState(values, events)

        try:
            return await self._streams.send(visit, look, for_one=True)
        finally:
            feed.leave(watcher)


def _numbered(events: list[FeedEvent], told: int) -> list[tuple[int, FeedEvent]]:
    """Events, each with the number of utterances that were over before it."""
    numbered = []
    for event in events:
        numbered.append((told, event))
        told += event.kind == "utterance"
    return numbered


def _event(event: FeedEvent, record: CallRecord | None, at: int) -> dict[str, Any]:
    """An event for the page; of an utterance with the lengths of its pauses, which the record has."""
    values: dict[str, Any] = {"kind": event.kind}
    if event.kind in ("call-started", "call-ended"):
        return values
    values |= event.data
    if event.kind == "utterance" and record is not None and at < len(record.utterances):
        pauses = record.utterances[at].pauses
        values["pauses_ms"] = [round((pause.resumed_at - pause.paused_at) * 1000) for pause in pauses]
    return values


def _variables(fields: Mapping[str, str]) -> dict[str, str]:
    """The variables of the flow that a form gives."""
    return {
        name.removeprefix(VARIABLE): value[:LONGEST_VALUE]
        for name, value in fields.items()
        if name.startswith(VARIABLE) and name != VARIABLE
    }


def _call_sid(visit: PageVisit) -> str:
    call_sid = visit.request.match_info["sid"]
    if not is_sid(call_sid):
        raise web.HTTPNotFound(text=f"There is no call {shown(call_sid)}.\n")
    return call_sid
