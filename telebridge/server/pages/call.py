"""The page of one call: its record and what was heard, its recordings, and what can be done while it is live.

One rule: a file is served by the CallSid and a number, never by a path that a record holds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

from aiohttp import web
from pydantic import ValidationError

from telebridge.call.runner.live_calls import LiveCalls
from telebridge.logs import logger
from telebridge.server.api.call_lookup import CallLookup
from telebridge.server.api.control import ControlEndpoints
from telebridge.server.api.models import HangUpRequest, SayRequest, TransferRequest
from telebridge.server.http.bodies import Nothing, RequestModel
from telebridge.server.http.problems import Problem, shown, wrong_fields
from telebridge.server.pages.calls import caller_of
from telebridge.server.pages.live import LiveStreams, PageState
from telebridge.server.pages.shown.recordings import sample_bytes, send_beginning, send_file
from telebridge.server.pages.shown.timeline import CallTimeline, read_timeline
from telebridge.server.pages.shown.waveform import Waveforms
from telebridge.server.pages.transcript import is_over, transcript
from telebridge.server.pages.visits import PageRouter, PageVisit, text_of
from telebridge.twilio.calls import is_sid

log = logger(__name__)

MOST_PARTS = 20
"""So many recordings of one call are looked for: another process that goes on with it begins another."""
DONE = {
    "say": "It will be said as soon as nothing else is.",
    "clear": "What was being said was silenced.",
    "transfer": "The caller is being transferred.",
    "hang-up": "The call is being ended.",
}

M = TypeVar("M", bound=RequestModel)


class CallPages:
    """Answers `/calls/{sid}` and what lies below it.

    Args:
        calls: The calls of this process.
        lookup: Finds calls.
        control: Does what the API does to a live call.
        state_dir: Has the folders of recordings and messages.
        streams: Send what has changed.
        router: Has the pages.
    """

    def __init__(
        self,
        calls: LiveCalls,
        lookup: CallLookup,
        control: ControlEndpoints,
        state_dir: Path,
        streams: LiveStreams,
        router: PageRouter,
    ) -> None:
        self._calls = calls
        self._lookup = lookup
        self._control = control
        self._flights = state_dir / "flights"
        self._messages = state_dir / "recordings"
        self._streams = streams
        self._waveforms = Waveforms()
        router.get("/calls/{sid}", self.show)
        router.post("/calls/{sid}", self.show_numbers)
        router.get("/calls/{sid}/stream", self.stream)
        router.get("/calls/{sid}/timeline", self.timeline)
        router.get("/calls/{sid}/recordings/{part}.wav", self.recording)
        router.get("/calls/{sid}/messages/{part}.wav", self.message)
        actions: Mapping[str, Callable[[PageVisit], Awaitable[object]]] = {
            "say": self._say,
            "clear": self._clear,
            "transfer": self._transfer,
            "hang-up": self._hang_up,
        }
        for name, action in actions.items():
            router.post(f"/calls/{{sid}}/{name}", self._done(name, action))

    async def show(self, visit: PageVisit) -> web.Response:
        """The page, with numbers masked."""
        return await self._page(visit)

    async def show_numbers(self, visit: PageVisit) -> web.Response:
        """The page with the numbers, for somebody who asked for them."""
        log.info("numbers shown", call_sid=_sid(visit), peer=visit.request.remote)
        return await self._page(visit, numbers=True)

    async def stream(self, visit: PageVisit) -> web.StreamResponse:
        """What changes in a live call."""
        call_sid = _sid(visit)

        async def look() -> PageState:
            runner = self._calls.find(call_sid)
            if runner is None:
                return PageState({"phase": "over"}, over=True)
            call = await self._lookup.find(call_sid) or {}
            recorded = await asyncio.to_thread(self._so_far, call_sid)
            lines = transcript(call.get("utterances") or [])
            values = {
                "phase": call.get("phase", ""),
                "saying": call.get("saying") or "",
                "node": (call.get("path") or [""])[-1],
                "nodes": " → ".join(call.get("path") or []),
                "keys": " ".join(call.get("digits") or []),
                "recorded": recorded,
            }
            return PageState(values | {f"line-{at}": line.as_json() for at, line in enumerate(lines)})

        return await self._streams.send(visit, look)

    async def timeline(self, visit: PageVisit) -> web.Response:
        """The timeline alone, for the script of the page of a live call."""
        call_sid = _sid(visit)
        live = self._calls.find(call_sid) is not None
        return await visit.page("timeline", timelines=await asyncio.to_thread(self._timelines, call_sid, live=live))

    async def recording(self, visit: PageVisit) -> web.StreamResponse:
        """One part of the recording of a call, or with `bytes` so many of its samples; players ask for ranges of it."""
        file, samples = self._recording_file(_sid(visit), _part(visit)), visit.request.query.get("bytes")
        if samples is None:
            return await send_file(file)
        return await send_beginning(visit.request, file, _number(samples, digits=12))

    async def message(self, visit: PageVisit) -> web.StreamResponse:
        """A message that the caller left."""
        return await send_file(self._messages / f"{_sid(visit)}-{_part(visit)}.wav")

    # What can be done.

    def _done(
        self, name: str, action: Callable[[PageVisit], Awaitable[object]]
    ) -> Callable[[PageVisit], Awaitable[web.StreamResponse]]:
        async def done(visit: PageVisit) -> web.StreamResponse:
            try:
                await action(visit)
            except Problem as problem:
                return await self._page(visit, status=problem.status, problem=problem.detail)
            log.info("done on a page", action=name, call_sid=_sid(visit), peer=visit.request.remote)
            return visit.go_to(f"/calls/{_sid(visit)}?done={name}")

        return done

    async def _say(self, visit: PageVisit) -> object:
        return await self._control.say(visit.request, Nothing(), _checked(SayRequest, visit, "text"))

    async def _clear(self, visit: PageVisit) -> object:
        return await self._control.clear(visit.request, Nothing(), Nothing())

    async def _transfer(self, visit: PageVisit) -> object:
        return await self._control.transfer(visit.request, Nothing(), _checked(TransferRequest, visit, "to"))

    async def _hang_up(self, visit: PageVisit) -> object:
        return await self._control.hang_up(visit.request, Nothing(), _checked(HangUpRequest, visit, "say"))

    # The page.

    async def _page(
        self, visit: PageVisit, *, status: int = 200, problem: str = "", numbers: bool = False
    ) -> web.Response:
        call_sid = _sid(visit)
        call = await self._lookup.find(call_sid)
        if call is None:
            raise _unknown(call_sid)
        here = self._calls.find(call_sid) is not None
        await visit.begin("call", call=call, is_live=here)
        timelines = await asyncio.to_thread(self._timelines, call_sid, live=here)
        return await visit.page(
            "call",
            status,
            call=call,
            who=caller_of(call),
            lines=transcript(call.get("utterances") or []),
            is_live=here,
            phase="over" if is_over(call) and call.get("end_reason") else call["phase"] if here else "elsewhere",
            messages=len(call.get("recordings") or []),
            parts=0 if here else len(timelines),
            so_far=await asyncio.to_thread(self._so_far, call_sid) if here else "",
            timelines=timelines,
            numbers=numbers,
            problem=problem,
            typed={name: visit.fields.get(name, "") if problem else "" for name in ("text", "to", "say")},
            done=DONE.get(visit.request.query.get("done", ""), ""),
        )

    def _timelines(self, call_sid: str, *, live: bool) -> list[CallTimeline | None]:
        """The timeline of each part of a recording; None for one that cannot be read."""
        return [read_timeline(part, self._waveforms, live=live) for part in self._parts(call_sid)]

    def _so_far(self, call_sid: str) -> str:
        """The address of what is recorded of a live call by now, below that of its recordings; empty without any."""
        parts = self._parts(call_sid)
        samples = sample_bytes(parts[-1]) if parts else 0
        return f"{len(parts)}.wav?bytes={samples}" if samples else ""

    def _parts(self, call_sid: str) -> list[Path]:
        files = (self._recording_file(call_sid, at) for at in range(1, MOST_PARTS + 1))
        return [*takewhile(Path.exists, files)]

    def _recording_file(self, call_sid: str, part: int) -> Path:
        return self._flights / (f"{call_sid}.wav" if part == 1 else f"{call_sid}-{part}.wav")


def _sid(visit: PageVisit) -> str:
    """The CallSid in the address.

    Raises:
        Problem: It is none.
    """
    call_sid = visit.request.match_info["sid"]
    if not is_sid(call_sid):
        raise _unknown(call_sid)
    return call_sid


def _unknown(call_sid: str) -> Problem:
    return Problem(404, f"There is no call '{shown(call_sid)}'.", kind="unknown-call")


def _part(visit: PageVisit) -> int:
    return _number(visit.request.match_info["part"], digits=4)


def _number(written: str, *, digits: int) -> int:
    """A number from 1.

    Raises:
        web.HTTPNotFound: It is none, or has more digits.
    """
    if not (written.isascii() and written.isdigit() and len(written) <= digits and int(written)):
        raise web.HTTPNotFound(text="There is no such recording.\n")
    return int(written)


def _checked(model: type[M], visit: PageVisit, *names: str) -> M:
    """The order that a form gives; fields that are empty are left out.

    Raises:
        Problem: A field is wrong.
    """
    values = {name: text for name in names if (text := text_of(visit.fields, name))}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        wrong = wrong_fields(error, list(model.model_fields))[0]
        raise Problem(422, f"'{wrong.field}' {wrong.problem}.", kind="invalid-fields") from error
