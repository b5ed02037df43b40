"""The endpoints of campaigns: create, fill, start, pause, cancel and report them.

One rule: what a request does to a campaign is decided where the command line decides it, too.
"""

import asyncio
import csv
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.administration.batches import in_batches
from telebridge.campaigns.dialing.start_checks import start_campaign
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.dial_rules import OpensAt, OpenUntil
from telebridge.campaigns.engine.lifecycle import check_fillable
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.campaigns.importing.filling import fill_campaign
from telebridge.campaigns.importing.importing import ImportProgress
from telebridge.campaigns.reporting.report import csv_lines, json_lines, report_rows
from telebridge.campaigns.reporting.view import campaign_json, view_campaign
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import CampaignRefused, ConfigurationError
from telebridge.private_files import open_private
from telebridge.server.api.campaigns.models import (
    CampaignProgressResponse,
    CampaignRequest,
    CampaignResponse,
    CampaignsQuery,
    CampaignsResponse,
    CancelCampaignRequest,
    CancelCampaignResponse,
    ImportQuery,
    ImportResponse,
    ReportQuery,
    RetryRequest,
    RetryResponse,
)
from telebridge.server.api.campaigns.plan import planned
from telebridge.server.http.bodies import Nothing
from telebridge.server.http.endpoint import endpoint, respond
from telebridge.server.http.problems import Problem, unknown_campaign
from telebridge.server.http.request_bodies import read_chunks

MOST_UPLOADED_BYTES = 500_000_000
MOST_REJECTS = 100
CHUNK = 65_536
LINES_AT_ONCE = 50
"""Of a report so many are made and sent at a time, some ms of work; calls go on in between."""

UNKNOWN_CAMPAIGN = {404: "There is no such campaign."}
REFUSED = {**UNKNOWN_CAMPAIGN, 409: "It cannot happen to the campaign as it stands; `detail` says why."}
EXAMPLE = 'name = "reminders"\nflow = "reminder"\nkind = "informational"\nfrom = "+12125550100"\n'

EndCalls = Callable[[str], Awaitable[int]]


class CampaignEndpoints:
    """Answers `/api/campaigns…`, but for the events.

    Args:
        store: The campaigns.
        flows: The flows that campaigns may name.
        account: The Twilio account of new campaigns.
        open_until: The calling hours.
        opens_at: When they begin again; None where that is not told.
        end_calls: Ends the live calls of a campaign; returns how many.
        wallclock: Returns the aware UTC instant.

    Attributes:
        wallclock: The same.
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
        opens_at: OpensAt | None = None,
    ) -> None:
        self._store = store
        self._flows = flows
        self._account = account
        self._open_until = open_until
        self._opens_at = opens_at
        self._end_calls = end_calls
        self.wallclock = wallclock

    @endpoint(
        hdrs.METH_GET,
        "/api/campaigns",
        "List campaigns, newest first.",
        {200: CampaignsResponse},
    )
    async def list_campaigns(self, _request: web.Request, query: CampaignsQuery, _body: Nothing) -> web.Response:
        """All campaigns."""
        store = self._store
        known = await (store.administration.deleted() if query.deleted else store.campaigns.all())
        return respond(CampaignsResponse(campaigns=[campaign_response(one) for one in known]))

    @endpoint(
        hdrs.METH_POST,
        "/api/campaigns",
        "Make a draft from a campaign file, or change the campaign of that name, which must not dial.",
        {201: CampaignResponse},
        problems={409: "The campaign of that name dials.", 503: "The Twilio account is not set."},
        example={"file": EXAMPLE},
    )
    async def create_campaign(self, _request: web.Request, _query: Nothing, body: CampaignRequest) -> web.Response:
        """Make a draft from a campaign file, or give the one of that name another plan."""
        require_account(self._account)
        with refusals():
            _, plan = await asyncio.to_thread(
                planned,
                body.file,
                where="file",
                flows=self._flows,
                account=self._account,
                wallclock=self.wallclock(),
            )
            made = await self._store.campaigns.create_or_replan(plan)
        return respond(campaign_response(made), 201, {"Location": f"/api/campaigns/{made.id}"})

    @endpoint(
        hdrs.METH_GET,
        "/api/campaigns/{id}",
        "Tell how far a campaign is, and why contacts are not called at this moment.",
        {200: CampaignProgressResponse},
        problems=UNKNOWN_CAMPAIGN,
    )
    async def get_campaign(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """How a campaign stands."""
        campaign = await self._found(request)
        view = await view_campaign(
            self._store, campaign.id, self._open_until, wallclock=self.wallclock(), opens_at=self._opens_at
        )
        return respond(CampaignProgressResponse.model_validate(view.as_json()))

    @endpoint(
        hdrs.METH_POST,
        "/api/campaigns/{id}/start",
        "Let a campaign dial, or go on.",
        {200: CampaignResponse},
        problems=REFUSED,
    )
    async def start_campaign(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """Start a campaign."""
        return await self._start(request)

    @endpoint(
        hdrs.METH_POST,
        "/api/campaigns/{id}/resume",
        "Go on with a campaign that was paused.",
        {200: CampaignResponse},
        problems=REFUSED,
    )
    async def resume_campaign(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """Start a paused campaign again."""
        return await self._start(request)

    @endpoint(
        hdrs.METH_POST,
        "/api/campaigns/{id}/pause",
        "Call nobody further; live calls go on.",
        {200: CampaignResponse},
        problems=REFUSED,
    )
    async def pause_campaign(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """Call nobody further."""
        campaign = await self._found(request)
        with refusals():
            return respond(campaign_response(await self._store.campaigns.change(campaign.id, CampaignInput.PAUSE)))

    @endpoint(
        hdrs.METH_POST,
        "/api/campaigns/{id}/cancel",
        "End a campaign for ever.",
        {200: CancelCampaignResponse},
        problems={**REFUSED, 503: "No Twilio account is set."},
        example={"end_calls": True},
    )
    async def cancel_campaign(self, request: web.Request, _query: Nothing, body: CancelCampaignRequest) -> web.Response:
        """End it for ever."""
        campaign = await self._found(request)
        if body.end_calls and not self._account:
            raise Problem(503, "No call can be ended: twilio.account_sid is not set.", kind="cannot-place")
        with refusals():
            after = await self._store.campaigns.change(campaign.id, CampaignInput.CANCEL)
        ended = await self._end_calls(campaign.id) if body.end_calls else 0
        return respond(CancelCampaignResponse(**campaign_json(after), calls_ended=ended))

    @endpoint(
        hdrs.METH_POST,
        "/api/campaigns/{id}/retry",
        "Put contacts back that are done with one of these outcomes.",
        {200: RetryResponse},
        problems=REFUSED,
        example={"outcomes": ["refused", "bad_number"]},
    )
    async def retry_contacts(self, request: web.Request, _query: Nothing, body: RetryRequest) -> web.Response:
        """Put contacts back."""
        campaign = await self._found(request)
        with refusals():
            retried = await self._store.contacts.retry(campaign.id, set(body.outcomes))
        return respond(RetryResponse(**campaign_json(campaign), retried=retried))

    @endpoint(
        hdrs.METH_POST,
        "/api/campaigns/{id}/contacts",
        "Import a CSV; a number that is there already is left as it is, unless `update` is set.",
        {200: ImportResponse},
        problems={**REFUSED, 413: "The file is too large.", 415: "The body is not said to be text/csv."},
        upload="text/csv",
    )
    async def add_contacts(self, request: web.Request, query: ImportQuery, _body: Nothing) -> web.Response:
        """Import a CSV; the answer comes when it is in."""
        campaign = await self._found(request)
        with tempfile.TemporaryDirectory(prefix="telebridge-") as folder:
            contacts, rejects = Path(folder) / "contacts.csv", Path(folder) / "rejects.csv"
            with refusals():
                check_fillable(campaign)
            await receive_upload(request, contacts)
            with refusals(hidden=f"{folder}/"):
                done = await fill_campaign(
                    self._store.contacts,
                    campaign,
                    contacts,
                    rejects=rejects,
                    needs=self._flows.needs_of(campaign.plan.flow),
                    update=query.update,
                    workers=1,
                )
            after = await self._found(request)
            response = await asyncio.to_thread(_import_response, done, rejects, after)
        return respond(response)

    @endpoint(
        hdrs.METH_GET,
        "/api/campaigns/{id}/report",
        "One row for each contact: attempts, outcome, what was heard, keys, result.",
        {200: "text/csv, application/json"},
        problems=UNKNOWN_CAMPAIGN,
    )
    async def report_campaign(self, request: web.Request, query: ReportQuery, _body: Nothing) -> web.StreamResponse:
        """Every contact, as it comes from the database."""
        campaign = await found_campaign(self._store, request, deleted=True)
        form = "application/json" if query.format == "json" else "text/csv"
        response = web.StreamResponse(headers={"Content-Type": f"{form}; charset=utf-8"})
        name = f"{campaign.plan.name}.{query.format}"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        await response.prepare(request)
        rows = report_rows(self._store.reports, campaign.id)
        in_csv = csv_lines(self._store.reports, campaign.id, rows)
        lines = json_lines(rows) if query.format == "json" else in_csv
        async for some in in_batches(lines, LINES_AT_ONCE):
            await response.write("".join(some).encode())
            await asyncio.sleep(0)  # calls go on
        await response.write_eof()
        return response

    async def _start(self, request: web.Request) -> web.Response:
        campaign = await self._found(request)
        with refusals():
            needs = self._flows.needs_of(campaign.plan.flow)
            after = await start_campaign(self._store, campaign, wallclock=self.wallclock(), needs=needs)
            return respond(campaign_response(after))

    async def _found(self, request: web.Request) -> Campaign:
        return await found_campaign(self._store, request)


async def found_campaign(store: CampaignStore, request: web.Request, *, deleted: bool = False) -> Campaign:
    """The campaign that the path of a request names.

    Args:
        store: The campaigns.
        request: Has its `id` in the path.
        deleted: Whether one that is deleted is found too.

    Raises:
        Problem: There is none.
    """
    campaign_id = request.match_info["id"]
    found = await store.campaigns.find(campaign_id)
    if found is None or (found.deleted_at is not None and not deleted):
        raise unknown_campaign(campaign_id)
    return found


def campaign_response(campaign: Campaign) -> CampaignResponse:
    """A campaign, as responses have it."""
    return CampaignResponse.model_validate(campaign_json(campaign))


@contextmanager
def refusals(*, hidden: str = "") -> Iterator[None]:
    """Turn refusals into problems; `hidden` is the path of a temporary folder that clients do not see."""
    try:
        yield
    except CampaignRefused as error:
        raise Problem(409, f"{error}.", kind="campaign-refused") from error
    except ConfigurationError as error:
        raise Problem(422, f"{error}.".replace(hidden, ""), kind="invalid-fields") from error


def require_account(account: str) -> None:
    """Refuse a campaign that would belong to no account.

    Raises:
        Problem: The Twilio account is not set.
    """
    if not account:
        raise Problem(503, "This bridge has no campaigns: twilio.account_sid is not set.", kind="cannot-place")


async def receive_upload(request: web.Request, file: Path) -> None:
    """Keep the body of a request in a file.

    Raises:
        Problem: It is too large.
    """
    chunks = read_chunks(request, request.content.read, CHUNK)
    await keep_upload(chunks, file, most_bytes=MOST_UPLOADED_BYTES, hint="send it in parts")


async def keep_upload(chunks: AsyncIterator[bytes], file: Path, *, most_bytes: int, hint: str) -> None:
    """Keep an upload in a file that only its owner can read.

    Args:
        chunks: What is uploaded.
        file: Where it is kept.
        most_bytes: How large it may be.
        hint: What to do with one that is larger.

    Raises:
        Problem: It is too large.
    """
    size = 0
    with await asyncio.to_thread(open_private, file, "wb") as kept_in:
        async for chunk in chunks:
            size += len(chunk)
            if size > most_bytes:
                raise Problem(413, f"The file has more than {most_bytes} bytes: {hint}.")
            await asyncio.to_thread(kept_in.write, chunk)


def _import_response(done: ImportProgress, rejects: Path, campaign: Campaign) -> ImportResponse:
    with rejects.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        shown: list[dict[str, Any]] = [
            {"line": int(row["line"]), "reason": row["reason"]} for row in islice(rows, MOST_REJECTS)
        ]
    return ImportResponse(
        rows=done.rows,
        added=done.added,
        duplicates=done.duplicates,
        updated=done.updated,
        empty=done.empty,
        rejected=done.rejected,
        status=campaign.status.value,
        rejects=shown,
    )
