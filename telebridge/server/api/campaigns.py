"""The API's doors to campaigns: make, fill, start, watch and report them.

One rule: what an order does is decided where commands decide it, too; here it is only taken and told.

Pages of the do-not-call list, by number.

One rule: a cursor names the last number that was told, so that numbers which come or go meanwhile move no other page.

The routes of campaigns and of the do-not-call list, for the API's one table.
"""

import asyncio
import csv
import json
import tempfile
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from aiohttp import hdrs, web
from pydantic import BaseModel

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.dialing.start_checks import start_campaign
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.dial_rules import OpenUntil
from telebridge.campaigns.engine.do_not_call import EVERY_CAMPAIGN, DoNotCallEntry, DoNotCallRecords
from telebridge.campaigns.engine.lifecycle import check_fillable
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.campaigns.importing.importing import ImportProgress, fill_campaign
from telebridge.campaigns.numbers.numbers import NumberProblem, read_number
from telebridge.campaigns.reporting.report import csv_lines, json_lines, report_rows
from telebridge.campaigns.reporting.view import campaign_json, view_campaign
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.epoch import instant, iso_instant
from telebridge.errors import CampaignRefused, ConfigurationError
from telebridge.server.api.campaign_models import (
    BarNumbers,
    BarredNumber,
    BarredQuery,
    BarredTold,
    Barring,
    CampaignCancelled,
    CampaignStands,
    CampaignsTold,
    CampaignTold,
    CancelCampaign,
    ContactsTaken,
    FreeNumber,
    MakeCampaign,
    ReportQuery,
)
from telebridge.server.api.campaign_plan import planned
from telebridge.server.api.events import EventsDoor
from telebridge.server.http.bodies import Asked, Nothing
from telebridge.server.http.endpoint import ApiRoute, answer
from telebridge.server.http.problems import Problem, unknown_campaign


async def barred_page(records: DoNotCallRecords, *, limit: int, cursor: str | None) -> BarredTold:
    """A page of the list.

    Raises:
        Problem: The cursor is somebody else's.
    """
    found: list[DoNotCallEntry] = []
    async for one in records.all(after=("", "") if cursor is None else _read(cursor)):
        found.append(one)
        if len(found) > limit:
            break
    page = found[:limit]
    return BarredTold(numbers=[_entry(one) for one in page], next=_cursor(page[-1]) if len(found) > limit else None)


def _entry(one: DoNotCallEntry) -> BarredNumber:
    since = iso_instant(instant(one.added_at))
    return BarredNumber(number=one.phone, campaign=one.scope or None, since=since, source=one.source, reason=one.reason)


def _cursor(last: DoNotCallEntry) -> str:
    return urlsafe_b64encode(json.dumps([last.phone, last.scope]).encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[str, str]:
    try:
        phone, scope = json.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if b"\0" in f"{phone:s}{scope:s}".encode():
            raise ValueError
    except (ValueError, TypeError) as error:
        detail = "'cursor' is none of ours: take 'next' of an answer as it is, or leave it away."
        raise Problem(422, detail, kind="invalid-fields") from error
    return phone, scope


MOST_UPLOADED_BYTES = 500_000_000
MOST_REJECTS_TOLD = 100
CHUNK = 65_536

EndCalls = Callable[[str], Awaitable[int]]


class CampaignsDoor:
    """Answers `/api/campaigns…` and `/api/do-not-call…`.

    Args:
        store: The campaigns.
        flows: The flows that campaigns may name.
        account: The Twilio account of new campaigns.
        open_until: The calling hours.
        end_calls: Ends the live calls of a campaign.
        wallclock: Answers the aware UTC instant.
    """

    def __init__(
        self,
        store: CampaignStore,
        flows: FlowCatalogue,
        account: str,
        *,
        open_until: OpenUntil,
        end_calls: EndCalls,
        wallclock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._flows = flows
        self._account = account
        self._open_until = open_until
        self._end_calls = end_calls
        self._wallclock = wallclock

    async def list_campaigns(self, _request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """All campaigns."""
        found = [_told(one) for one in await self._store.campaigns.all()]
        return answer(CampaignsTold(campaigns=found))

    async def make_campaign(self, _request: web.Request, _query: Nothing, body: MakeCampaign) -> web.Response:
        """Make a draft from a campaign file, or give the one of that name another plan."""
        if not self._account:
            raise Problem(503, "This bridge has no campaigns: twilio.account_sid is not set.", kind="cannot-place")
        with _refusals():
            _, plan = await asyncio.to_thread(
                planned,
                body.file,
                where="file",
                flows=self._flows,
                account=self._account,
                wallclock=self._wallclock(),
            )
            made = await self._store.campaigns.create_or_replan(plan)
        return answer(_told(made), 201, {"Location": f"/api/campaigns/{made.id}"})

    async def tell_campaign(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """How a campaign stands."""
        campaign = await self._found(request)
        view = await view_campaign(self._store, campaign.id, self._open_until, wallclock=self._wallclock())
        return answer(CampaignStands.model_validate(view.as_json()))

    async def start(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """Let it dial."""
        campaign = await self._found(request)
        with _refusals():
            return answer(_told(await start_campaign(self._store, campaign, wallclock=self._wallclock())))

    async def pause(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """Call nobody further."""
        campaign = await self._found(request)
        with _refusals():
            return answer(_told(await self._store.campaigns.change(campaign.id, CampaignInput.PAUSE)))

    async def cancel(self, request: web.Request, _query: Nothing, body: CancelCampaign) -> web.Response:
        """End it for ever."""
        campaign = await self._found(request)
        if body.end_calls and not self._account:
            raise Problem(503, "No call can be ended: twilio.account_sid is not set.", kind="cannot-place")
        with _refusals():
            after = await self._store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        ended = await self._end_calls(campaign.id) if body.end_calls else 0
        return answer(CampaignCancelled(**campaign_json(after), calls_ended=ended))

    async def add_contacts(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """Import a CSV; the answer comes when it is in."""
        campaign = await self._found(request)
        with tempfile.TemporaryDirectory(prefix="telebridge-") as folder:
            contacts, rejects = Path(folder) / "contacts.csv", Path(folder) / "rejects.csv"
            with _refusals():
                check_fillable(campaign)
            await _received(request, contacts)
            with _refusals(hidden=f"{folder}/"):
                done = await fill_campaign(self._store.contacts, campaign, contacts, rejects=rejects, workers=1)
            stands = await self._found(request)
            told = await asyncio.to_thread(_taken, done, rejects, stands)
        return answer(told)

    async def report(self, request: web.Request, query: ReportQuery, _body: Nothing) -> web.StreamResponse:
        """Every contact, as it comes from the database."""
        campaign = await self._found(request)
        form = "application/json" if query.format == "json" else "text/csv"
        response = web.StreamResponse(headers={"Content-Type": f"{form}; charset=utf-8"})
        name = f"{campaign.plan.name}.{query.format}"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        await response.prepare(request)
        rows = report_rows(self._store.reports, campaign.id)
        in_csv = csv_lines(self._store.reports, campaign.id, rows)
        async for line in json_lines(rows) if query.format == "json" else in_csv:
            await response.write(line.encode())
        await response.write_eof()
        return response

    # The do-not-call list.

    async def list_barred(self, _request: web.Request, query: BarredQuery, _body: Nothing) -> web.Response:
        """A page of the list, by number."""
        return answer(await barred_page(self._store.do_not_call, limit=query.limit, cursor=query.cursor))

    async def bar(self, _request: web.Request, _query: Nothing, body: BarNumbers) -> web.Response:
        """Put numbers on the list."""
        phones = [_e164(number) for number in body.numbers]
        scope = await self._scope(body.campaign)
        count = await self._store.do_not_call.add(phones, source="api", reason=body.reason, scope=scope)
        return answer(Barring(changed=count))

    async def free(self, _request: web.Request, _query: Nothing, body: FreeNumber) -> web.Response:
        """Take a number off the list."""
        scope = await self._scope(body.campaign)
        return answer(Barring(changed=int(await self._store.do_not_call.remove(body.number, scope=scope))))

    async def _scope(self, campaign_id: str | None) -> str:
        return EVERY_CAMPAIGN if campaign_id is None else (await self._known(campaign_id)).id

    async def _found(self, request: web.Request) -> Campaign:
        return await self._known(request.match_info["id"])

    async def _known(self, campaign_id: str) -> Campaign:
        found = await self._store.campaigns.find(campaign_id)
        if found is None:
            raise unknown_campaign(campaign_id)
        return found


def _told(campaign: Campaign) -> CampaignTold:
    return CampaignTold.model_validate(campaign_json(campaign))


def _e164(written: str) -> str:
    """A number that can be called: another one on the list would bar nobody."""
    number = read_number(written, country="", check="possible")
    if isinstance(number, NumberProblem):
        raise Problem(422, f"numbers: {number.reason}; none was put on the list.", kind="invalid-fields")
    return number.e164


@contextmanager
def _refusals(*, hidden: str = "") -> Iterator[None]:
    """What a campaign cannot do, as problems; `hidden` is a folder of ours that is nobody's business."""
    try:
        yield
    except CampaignRefused as error:
        raise Problem(409, f"{error}.", kind="campaign-refused") from error
    except ConfigurationError as error:
        raise Problem(422, f"{error}.".replace(hidden, ""), kind="invalid-fields") from error


async def _received(request: web.Request, file: Path) -> None:
    """Keep the body of a request in a file."""
    size = 0
    with await asyncio.to_thread(file.open, "wb") as kept_in:
        async for chunk in request.content.iter_chunked(CHUNK):
            size += len(chunk)
            if size > MOST_UPLOADED_BYTES:
                raise Problem(413, f"The file has more than {MOST_UPLOADED_BYTES} bytes: send it in parts.")
            await asyncio.to_thread(_write, kept_in, chunk)


def _write(file: IO[bytes], chunk: bytes) -> None:
    file.write(chunk)


def _taken(done: ImportProgress, rejects: Path, campaign: Campaign) -> ContactsTaken:
    with rejects.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        told: list[dict[str, Any]] = [
            {"line": int(row["line"]), "reason": row["reason"]} for row in islice(rows, MOST_REJECTS_TOLD)
        ]
    return ContactsTaken(
        rows=done.rows,
        added=done.added,
        duplicates=done.duplicates,
        rejected=done.rejected,
        status=campaign.status.value,
        rejects=told,
    )


UNKNOWN = {404: "There is no such campaign."}
REFUSED = {**UNKNOWN, 409: "It cannot happen to the campaign as it stands; `detail` says why."}
EXAMPLE = 'name = "reminders"\nflow = "reminder"\nkind = "informational"\nfrom = "+12125550100"\n'


def campaign_routes(door: CampaignsDoor, events: EventsDoor) -> tuple[ApiRoute[Any, Any], ...]:
    """Campaigns and the do-not-call list, in the order of the API's description."""
    return (
        *_campaigns(door),
        _contacts(door),
        *_orders(door),
        *_outcomes(door, events),
        *_do_not_call(door),
    )


def _campaigns(door: CampaignsDoor) -> tuple[ApiRoute[Any, Any], ...]:
    return (
        _get("/api/campaigns", "list_campaigns", "List campaigns, newest first.", door.list_campaigns, CampaignsTold),
        ApiRoute(
            hdrs.METH_POST,
            "/api/campaigns",
            "make_campaign",
            "Make a draft from a campaign file, or change the campaign of that name, which must not dial.",
            door.make_campaign,
            query=Nothing,
            body=MakeCampaign,
            answers={201: CampaignTold},
            problems={409: "The campaign of that name dials.", 503: "The Twilio account is not set."},
            example={"file": EXAMPLE},
        ),
        _get(
            "/api/campaigns/{id}",
            "tell_campaign",
            "Tell how far a campaign is, and why contacts are not called at this moment.",
            door.tell_campaign,
            CampaignStands,
            UNKNOWN,
        ),
    )


def _contacts(door: CampaignsDoor) -> ApiRoute[Any, Any]:
    return ApiRoute(
        hdrs.METH_POST,
        "/api/campaigns/{id}/contacts",
        "add_contacts",
        "Import a CSV; a number that is there already is left as it is.",
        door.add_contacts,
        query=Nothing,
        body=Nothing,
        answers={200: ContactsTaken},
        problems={**REFUSED, 413: "The file is too large.", 415: "The body is not said to be text/csv."},
        upload="text/csv",
    )


def _orders(door: CampaignsDoor) -> tuple[ApiRoute[Any, Any], ...]:
    return (
        _order("start", "start_campaign", "Let a campaign dial, or go on.", door.start, Nothing),
        _order("resume", "resume_campaign", "Go on with a campaign that was paused.", door.start, Nothing),
        _order("pause", "pause_campaign", "Call nobody further; live calls go on.", door.pause, Nothing),
        _order(
            "cancel",
            "cancel_campaign",
            "End a campaign for ever.",
            door.cancel,
            CancelCampaign,
            {"end_calls": True},
            told=CampaignCancelled,
        ),
    )


def _outcomes(door: CampaignsDoor, events: EventsDoor) -> tuple[ApiRoute[Any, Any], ...]:
    return (
        ApiRoute(
            hdrs.METH_GET,
            "/api/campaigns/{id}/events",
            "follow_campaign",
            "Follow how a campaign stands, as server-sent events, until it is over.",
            events.campaign_events,
            query=Nothing,
            body=Nothing,
            answers={200: "text/event-stream"},
            problems={**UNKNOWN, 503: "Too many follow already."},
        ),
        ApiRoute(
            hdrs.METH_GET,
            "/api/campaigns/{id}/report",
            "report_campaign",
            "One row for each contact: attempts, outcome, what was heard, keys, result.",
            door.report,
            query=ReportQuery,
            body=Nothing,
            answers={200: "text/csv, application/json"},
            problems=UNKNOWN,
        ),
    )


def _do_not_call(door: CampaignsDoor) -> tuple[ApiRoute[Any, Any], ...]:
    return (
        _get(
            "/api/do-not-call",
            "list_barred",
            "List the do-not-call list, by number.",
            door.list_barred,
            BarredTold,
            query=BarredQuery,
        ),
        ApiRoute(
            hdrs.METH_POST,
            "/api/do-not-call",
            "bar_numbers",
            "Put numbers on the do-not-call list, at once, for all campaigns or for one.",
            door.bar,
            query=Nothing,
            body=BarNumbers,
            answers={200: Barring},
            problems=UNKNOWN,
            example={"numbers": ["+12125550123"], "reason": "asked by letter"},
        ),
        ApiRoute(
            hdrs.METH_POST,
            "/api/do-not-call/remove",
            "free_number",
            "Take a number off the do-not-call list.",
            door.free,
            query=Nothing,
            body=FreeNumber,
            answers={200: Barring},
            problems=UNKNOWN,
            example={"number": "+12125550123"},
        ),
    )


def _get(
    path: str,
    operation: str,
    summary: str,
    door: Any,
    told: type[BaseModel],
    problems: dict[int, str] | None = None,
    query: type[Asked] = Nothing,
) -> ApiRoute[Any, Any]:
    return ApiRoute(
        hdrs.METH_GET,
        path,
        operation,
        summary,
        door,
        query=query,
        body=Nothing,
        answers={200: told},
        problems=problems or {},
    )


def _order(
    name: str,
    operation: str,
    summary: str,
    door: Any,
    body: type[Asked],
    example: dict[str, Any] | None = None,
    told: type[CampaignTold] = CampaignTold,
) -> ApiRoute[Any, Any]:
    return ApiRoute(
        hdrs.METH_POST,
        f"/api/campaigns/{{id}}/{name}",
        operation,
        summary,
        door,
        query=Nothing,
        body=body,
        answers={200: told},
        problems={**REFUSED, 503: "No Twilio account is set."} if told is CampaignCancelled else REFUSED,
        example=example,
    )
