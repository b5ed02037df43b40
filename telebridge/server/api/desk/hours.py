"""The endpoints of opening hours: what they are now, set open or closed by hand.

One rule: hours have a name that a flow in service uses; a misspelt one is refused, because nobody would hear of it.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Annotated, Literal

from aiohttp import hdrs, web
from pydantic import Field

from telebridge.call.store.opening import OpeningByHand
from telebridge.flows.checks.mistakes import nearest
from telebridge.flows.model import Flow
from telebridge.flows.nodes.hours_in_service import HoursInService, hours_by_name
from telebridge.flows.nodes.opening_hours import OpeningState
from telebridge.server.http.bodies import Nothing, RequestModel, ResponseModel
from telebridge.server.http.endpoint import endpoint, respond
from telebridge.server.http.problems import Problem
from telebridge.timing.epoch import iso_instant

StateName = Literal["open", "closed", "holiday"]


class SetHoursRequest(RequestModel):
    """How hours are set by hand."""

    state: StateName = Field(description="What they are from now on.")
    until: Annotated[str, Field(max_length=40)] | None = Field(
        None,
        description="When the hours count again: ISO 8601 with an offset; without it until somebody changes it.",
        examples=["2026-12-24T18:00:00+01:00"],
    )


class HoursResponse(ResponseModel):
    """Opening hours, as they are now."""

    name: str
    flows: list[str] = Field(description="The flows that use them.")
    state: StateName = Field(description="What they are now.")
    by_hand: bool = Field(description="Whether somebody has set them by hand.")
    until: str | None = Field(description="When the hours count again; null when nobody has said.")


class HoursListResponse(ResponseModel):
    """The opening hours of all flows."""

    hours: list[HoursResponse]


class HoursEndpoints:
    """Answers `/api/hours…`.

    Args:
        by_hand: What was set by hand.
        flows: Returns the flow files in service.
        wallclock: Returns the aware instant of now.
    """

    def __init__(
        self, by_hand: OpeningByHand, flows: Callable[[], Iterable[Flow]], wallclock: Callable[[], datetime]
    ) -> None:
        self._by_hand = by_hand
        self._flows = flows
        self._wallclock = wallclock

    @endpoint(
        hdrs.METH_GET, "/api/hours", "List the opening hours of flows, as they are now.", {200: HoursListResponse}
    )
    async def list_hours(self, _request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """Every name once, in the order of names."""
        known = hours_by_name(self._flows())
        return respond(HoursListResponse(hours=[self._response(name, one) for name, one in known.items()]))

    @endpoint(
        hdrs.METH_POST,
        "/api/hours/{name}",
        "Set opening hours open or closed by hand, for all processes within two seconds.",
        {200: HoursResponse},
        problems={404: "No flow has hours of that name."},
        example={"state": "closed", "until": "2026-12-24T18:00:00+01:00"},
    )
    async def set_hours(self, request: web.Request, _query: Nothing, body: SetHoursRequest) -> web.Response:
        """Set hours by hand."""
        name, found = self._require(request)
        await self._by_hand.set(name, OpeningState(body.state), _until(body.until, self._wallclock()))
        return respond(self._response(name, found))

    @endpoint(
        hdrs.METH_DELETE,
        "/api/hours/{name}",
        "Let opening hours count again that were set by hand.",
        {200: HoursResponse},
        problems={404: "No flow has hours of that name."},
    )
    async def clear_hours(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """Let the hours count again."""
        name, found = self._require(request)
        await self._by_hand.clear(name)
        return respond(self._response(name, found))

    def _require(self, request: web.Request) -> tuple[str, HoursInService]:
        name = request.match_info["name"]
        known = hours_by_name(self._flows())
        if name not in known:
            hint = nearest(name, known) or f"there are {', '.join(known) or 'none'}"
            raise Problem(404, f"No flow has hours '{name}': {hint}", kind="unknown-hours")
        return name, known[name]

    def _response(self, name: str, found: HoursInService) -> HoursResponse:
        by_hand = self._by_hand.find(name)
        state = found.hours.at(self._wallclock()) if by_hand is None else by_hand.state
        return HoursResponse(
            name=name,
            flows=sorted(found.flows),
            state=state.value,
            by_hand=by_hand is not None,
            until=None if by_hand is None or by_hand.until is None else iso_instant(by_hand.until.astimezone(UTC)),
        )


def _until(written: str | None, now: datetime) -> datetime | None:
    """The instant at which hours count again.

    Raises:
        Problem: It is none, or has passed.
    """
    if written is None:
        return None
    try:
        until = datetime.fromisoformat(written)
    except ValueError:
        until = None
    if until is None or until.tzinfo is None:
        problem = f"until: '{written}' is no instant: write it with an offset, as 2026-12-24T18:00:00+01:00."
        raise Problem(422, problem, kind="invalid-fields")
    if until <= now:
        raise Problem(422, f"until: '{written}' has passed.", kind="invalid-fields")
    return until
