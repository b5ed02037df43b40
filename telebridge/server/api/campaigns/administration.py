"""The endpoints that change, copy and remove whole campaigns.

One rule: what a request does to a campaign is decided where the command line decides it, too.
"""

import asyncio
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from aiohttp import hdrs, web

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.administration.archive import ENDING, as_json
from telebridge.campaigns.administration.deletion import delete_campaign_data
from telebridge.campaigns.administration.exporting import export_campaign, import_campaign
from telebridge.campaigns.definition.editing import key_path
from telebridge.campaigns.reporting.view import campaign_json
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.server.api.campaigns.edit import changed_file, clone_campaign, edit_campaign
from telebridge.server.api.campaigns.endpoints import (
    CHUNK,
    REFUSED,
    found_campaign,
    receive_upload,
    refusals,
    require_account,
)
from telebridge.server.api.campaigns.models import (
    ArchiveCountsResponse,
    ArchiveQuery,
    CloneCampaignRequest,
    CloneCampaignResponse,
    DeleteCampaignResponse,
    EditCampaignRequest,
    EditCampaignResponse,
    ImportCampaignResponse,
    KeyChangeResponse,
)
from telebridge.server.http.bodies import Nothing
from telebridge.server.http.endpoint import endpoint, respond
from telebridge.timing.epoch import iso_time

GZIP = "application/gzip"


class CampaignAdministrationEndpoints:
    """Answers what is asked of whole campaigns.

    Args:
        store: The campaigns.
        flows: The flows that campaigns may name.
        account: The Twilio account of imported campaigns.
        keep_attempts_days: How long the records of a deleted campaign are kept.
        wallclock: Returns the aware UTC instant.
    """

    def __init__(
        self,
        store: CampaignStore,
        flows: FlowCatalogue,
        account: str,
        *,
        keep_attempts_days: int,
        wallclock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._flows = flows
        self._account = account
        self._keep_days = keep_attempts_days
        self._wallclock = wallclock

    @endpoint(
        hdrs.METH_PATCH,
        "/api/campaigns/{id}",
        "Change a campaign's rate, hours, retries and the like, also while it dials.",
        {200: EditCampaignResponse},
        problems=REFUSED,
        example={"changes": {"max_live": 20, "window.sat": "10:00-14:00"}},
    )
    async def edit_campaign(self, request: web.Request, _query: Nothing, body: EditCampaignRequest) -> web.Response:
        """Change keys of its file."""
        campaign = await found_campaign(self._store, request)
        with refusals():
            text = changed_file(campaign, [(key_path(key), value) for key, value in body.changes.items()])
            edited, changes = await edit_campaign(
                self._store, campaign, text, flows=self._flows, wallclock=self._wallclock()
            )
        told = {one.key: KeyChangeResponse(before=one.before, after=one.after) for one in changes}
        return respond(EditCampaignResponse(**campaign_json(edited), changes=told))

    @endpoint(
        hdrs.METH_POST,
        "/api/campaigns/{id}/clone",
        "Make a draft like a campaign, with another name.",
        {201: CloneCampaignResponse},
        problems=REFUSED,
        example={"name": "spring-again", "outcomes": ["no_answer", "busy"]},
    )
    async def clone_campaign(self, request: web.Request, _query: Nothing, body: CloneCampaignRequest) -> web.Response:
        """Copy a campaign."""
        campaign = await found_campaign(self._store, request)
        with refusals():
            cloned = await clone_campaign(
                self._store,
                campaign,
                body.name,
                contacts=body.contacts or bool(body.outcomes),
                outcomes=set(body.outcomes),
                flows=self._flows,
                wallclock=self._wallclock(),
            )
        told = campaign_json(cloned.campaign)
        response = CloneCampaignResponse(**told, contacts=cloned.contacts, do_not_call=cloned.do_not_call)
        return respond(response, 201, {"Location": f"/api/campaigns/{cloned.campaign.id}"})

    @endpoint(
        hdrs.METH_GET,
        "/api/campaigns/{id}/export",
        "A whole campaign in one file: definition, contacts, attempts, outcomes, do-not-call entries.",
        {200: GZIP},
        problems=REFUSED,
    )
    async def export_campaign(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.StreamResponse:
        """Export a campaign."""
        campaign = await found_campaign(self._store, request)
        with tempfile.TemporaryDirectory(prefix="telebridge-") as folder:
            path = Path(folder) / f"{campaign.plan.name}{ENDING}"
            with refusals(hidden=f"{folder}/"):
                await export_campaign(self._store, campaign, path, wallclock=self._wallclock())
            response = web.StreamResponse(headers={"Content-Type": GZIP})
            response.content_length = path.stat().st_size
            response.headers["Content-Disposition"] = f'attachment; filename="{path.name}"'
            await response.prepare(request)
            with path.open("rb") as file:
                while chunk := await asyncio.to_thread(file.read, CHUNK):
                    await response.write(chunk)
        await response.write_eof()
        return response

    @endpoint(
        hdrs.METH_POST,
        "/api/campaigns/import",
        "Import a whole campaign that was exported; it does not dial before it is started.",
        {201: ImportCampaignResponse},
        problems={
            409: "The campaign is here already, or its name is taken.",
            413: "The file is too large.",
            415: f"The body is not said to be {GZIP}.",
            503: "The Twilio account is not set.",
        },
        upload=GZIP,
    )
    async def import_campaign(self, request: web.Request, query: ArchiveQuery, _body: Nothing) -> web.Response:
        """Import a campaign."""
        require_account(self._account)
        with tempfile.TemporaryDirectory(prefix="telebridge-") as folder:
            path = Path(folder) / f"campaign{ENDING}"
            await receive_upload(request, path)
            with refusals(hidden=f"{folder}/"):
                done = await import_campaign(self._store, path, account=self._account, name=query.name)
        counts = ArchiveCountsResponse(**as_json(done.counts))
        response = ImportCampaignResponse(**campaign_json(done.campaign), imported=counts)
        return respond(response, 201, {"Location": f"/api/campaigns/{done.campaign.id}"})

    @endpoint(
        hdrs.METH_DELETE,
        "/api/campaigns/{id}",
        "Delete a draft, or a campaign that is over; records of its calls and do-not-call entries are kept.",
        {200: DeleteCampaignResponse},
        problems=REFUSED,
    )
    async def delete_campaign(self, request: web.Request, _query: Nothing, _body: Nothing) -> web.Response:
        """Delete a campaign."""
        campaign = await found_campaign(self._store, request)
        with refusals():
            kept = await asyncio.shield(
                delete_campaign_data(self._store, campaign, keep_days=self._keep_days, wallclock=self._wallclock())
            )
        until = kept.until(self._keep_days)
        return respond(
            DeleteCampaignResponse(
                id=campaign.id,
                kept_attempts=kept.attempts,
                kept_until=None if until is None else iso_time(until),
                kept_do_not_call=kept.do_not_call,
            )
        )
