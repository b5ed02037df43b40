"""A campaign from a CSV, by hand: the file is uploaded, its columns are named, and a draft is made and filled.

One rule: nobody is called by an upload. A campaign is a draft until somebody starts it.
"""

import asyncio
import json
import re
import tempfile
import tomllib
from pathlib import Path
from secrets import token_hex
from typing import IO, Any

from aiohttp import BodyPartReader, web

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.definition.model import ColumnTable, keys_of
from telebridge.campaigns.engine.campaign import CampaignKind
from telebridge.campaigns.importing.drafting import UNSAFE_IN_NAME, SampledList, draft_campaign, sample_list
from telebridge.campaigns.importing.filling import fill_campaign
from telebridge.campaigns.importing.importing import ImportProgress
from telebridge.campaigns.importing.rejects import reasons_in
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import ConfigurationError
from telebridge.flows.checking import BUILT_IN
from telebridge.flows.inspection import used_variables, variables_set_by
from telebridge.flows.model import Flow
from telebridge.logs import logger
from telebridge.private_files import make_private_folder, open_private
from telebridge.server.api.campaign_plan import planned
from telebridge.server.api.campaigns import CampaignEndpoints, refusals, require_account
from telebridge.server.http.problems import Problem
from telebridge.server.pages.visits import PageRouter, PageVisit, text_of

log = logger(__name__)

MOST_UPLOADED_BYTES = 100_000_000
MOST_UPLOADS = 20
CHUNK = 65_536
SHOWN_ROWS = 5
UPLOAD = re.compile(r"[0-9a-f]{32}")
COLUMN = "column."
"""What the names of fields begin with that say what a column is."""
PLACES = {"phone": "telephone number", "zone": "time zone", "postal_code": "postal code", "due_at": "call not before",
          "priority": "priority", "consent_at": "consent: when", "consent_source": "consent: how"}  # fmt: skip
"""What a column may be besides a variable of the flow."""


class CampaignUploadPages:
    """Answers `/campaigns/upload` and `/campaigns/new/{upload}`.

    Args:
        store: The campaigns.
        endpoints: The API of campaigns.
        flows: The flows that campaigns may name.
        account: The Twilio account of new campaigns.
        folder: Where uploads wait for their columns to be named.
        router: Has the pages.
    """

    def __init__(
        self,
        store: CampaignStore,
        endpoints: CampaignEndpoints,
        flows: FlowCatalogue,
        account: str,
        folder: Path,
        router: PageRouter,
    ) -> None:
        self._store = store
        self._endpoints = endpoints
        self._flows = flows
        self._account = account
        self._folder = folder
        router.post("/campaigns/upload", self.upload)
        router.get("/campaigns/new/{upload}", self.name_columns)
        router.post("/campaigns/new/{upload}", self.create)

    async def upload(self, visit: PageVisit) -> web.StreamResponse:
        """Take a CSV."""
        require_account(self._account)
        reader = await visit.request.multipart()
        part = await reader.next()
        if not isinstance(part, BodyPartReader) or part.name != "file" or not part.filename:
            raise web.HTTPBadRequest(text="Choose a CSV file first.\n")
        name = UNSAFE_IN_NAME.sub("-", Path(part.filename).stem).strip("-")[:80] or "contacts"
        upload = token_hex(16)
        await asyncio.to_thread(self._make_room)
        try:
            await self._receive(part, self._file(upload))
            await asyncio.to_thread(self._file(upload).with_suffix(".name").write_text, name)
            await asyncio.to_thread(sample_list, self._file(upload))
        except (Problem, ConfigurationError):
            await asyncio.to_thread(self._remove, upload)
            raise
        return visit.go_to(f"/campaigns/new/{upload}")

    async def name_columns(self, visit: PageVisit) -> web.Response:
        """The form that says what each column is, with the first rows beside it."""
        return await self._form(visit, dict(visit.request.query))

    async def create(self, visit: PageVisit) -> web.StreamResponse:
        """Make a draft, fill it, and lead to it."""
        upload, fields = _upload(visit), dict(visit.fields)
        if "again" in fields:  # another flow was chosen, whose variables the columns may fill
            return await self._form(visit, fields)
        sampled = await self._sampled(upload)
        try:
            text = campaign_file(fields, sampled)
            with refusals():
                require_account(self._account)
                wallclock = self._endpoints.wallclock()
                _, plan = await asyncio.to_thread(
                    planned, text, where="campaign", flows=self._flows, account=self._account, wallclock=wallclock
                )
                made = await self._store.campaigns.create_or_replan(plan)
                done, reasons = await self._fill(upload, made)
        except Problem as problem:
            return await self._form(visit, fields, problem=problem)
        await asyncio.to_thread(self._remove, upload)
        log.info("campaign made on a page", campaign=made.id, added=done.added, rejected=done.rejected)
        if reasons:
            return visit.page("imported", campaign=made.id, name=plan.name, done=done, reasons=reasons)
        return visit.go_to(f"/campaigns/{made.id}")

    async def _fill(self, upload: str, campaign: Any) -> tuple[ImportProgress, dict[str, int]]:
        with tempfile.TemporaryDirectory(prefix="telebridge-") as folder, refusals(hidden=f"{self._folder}/"):
            rejects, needs = Path(folder) / "rejects.csv", self._flows.needs_of(campaign.plan.flow)
            done = await fill_campaign(
                self._store.contacts, campaign, self._file(upload), rejects=rejects, needs=needs, workers=1
            )
            return done, await asyncio.to_thread(reasons_in, rejects)

    async def _form(self, visit: PageVisit, fields: dict[str, str], *, problem: Problem | None = None) -> web.Response:
        upload = _upload(visit)
        sampled = await self._sampled(upload)
        name = await asyncio.to_thread(self._file(upload).with_suffix(".name").read_text)
        flow_name = fields.get("flow") or next(iter(self._flows.names), "")
        flow = self._flows.find(flow_name) if flow_name in self._flows.names else None
        drafted = _drafted(sampled, flow if isinstance(flow, Flow) else None, name, flow_name)
        roles = {str(column): key for key, column in drafted.get("columns", {}).items()}
        variables = _variables(flow) if isinstance(flow, Flow) else list(self._flows.needs_of(flow_name))
        columns = [
            {
                "at": at,
                "name": column,
                "role": fields.get(f"{COLUMN}{at}", roles.get(column, "")),
                "cells": [row[at] for row in sampled.rows[:SHOWN_ROWS]],
            }
            for at, column in enumerate(sampled.header)
            if column
        ]
        return visit.page(
            "campaign-new",
            200 if problem is None else problem.status,
            upload=upload,
            fields={"name": name, "country": drafted.get("default_country", "US"), "from": "", "kind": ""} | fields,
            flow=flow_name,
            flows=self._flows.names,
            kinds=[kind.value for kind in CampaignKind],
            places=PLACES,
            variables=variables,
            needs=self._flows.needs_of(flow_name),
            columns=columns,
            rows=len(sampled.rows),
            problem="" if problem is None else problem.detail,
        )

    # Uploads.

    def _file(self, upload: str) -> Path:
        return self._folder / f"{upload}.csv"

    async def _sampled(self, upload: str) -> SampledList:
        file = self._file(upload)
        if not await asyncio.to_thread(file.exists):
            raise web.HTTPNotFound(text="There is no such upload any more: choose the file again.\n")
        return await asyncio.to_thread(sample_list, file)

    async def _receive(self, part: BodyPartReader, file: Path) -> None:
        size = 0
        with await asyncio.to_thread(open_private, file, "wb") as kept_in:
            while chunk := await part.read_chunk(CHUNK):
                size += len(chunk)
                if size > MOST_UPLOADED_BYTES:
                    raise Problem(413, f"The file has more than {MOST_UPLOADED_BYTES} bytes: use the API.")
                await asyncio.to_thread(_write, kept_in, chunk)

    def _make_room(self) -> None:
        """Remove the oldest uploads, of which no campaign was made."""
        make_private_folder(self._folder)
        waiting = sorted(self._folder.glob("*.csv"), key=lambda file: file.stat().st_mtime)
        for file in waiting[: max(0, len(waiting) - MOST_UPLOADS + 1)]:
            self._remove(file.stem)

    def _remove(self, upload: str) -> None:
        for file in (self._file(upload), self._file(upload).with_suffix(".name")):
            file.unlink(missing_ok=True)


def campaign_file(fields: dict[str, str], sampled: SampledList) -> str:
    """The text of a campaign file, from a form that names the columns of a list.

    Raises:
        Problem: No column is the number, or two are the same.
    """
    columns: dict[str, str] = {}
    for at, column in enumerate(sampled.header):
        role = fields.get(f"{COLUMN}{at}", "")
        if role and role in columns:
            raise Problem(422, f"Two columns are '{role}': {columns[role]} and {column}.", kind="invalid-fields")
        if role:
            columns[role] = column
    if "phone" not in columns:
        raise Problem(422, "Say which column has the telephone numbers.", kind="invalid-fields")
    keys = {"name": "name", "flow": "flow", "kind": "kind", "from": "from", "default_country": "country"}
    given = {key: text_of(fields, field) for key, field in keys.items()}
    lines = [f"{key} = {_quoted(value)}" for key, value in given.items() if value]
    return (
        "\n".join([*lines, "[columns]", *(f"{_quoted(key)} = {_quoted(name)}" for key, name in columns.items())]) + "\n"
    )


def _quoted(text: str) -> str:
    """A text as TOML and JSON both write it."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _drafted(sampled: SampledList, flow: Flow | None, name: str, flow_name: str) -> dict[str, Any]:
    """What the columns seem to be; empty where no column holds numbers."""
    try:
        return tomllib.loads(draft_campaign(sampled, flow, name=name, flow_name=flow_name))
    except ConfigurationError:
        return {}


def _variables(flow: Flow) -> list[str]:
    """The variables of a flow that columns may fill."""
    set_in_call = frozenset[str]().union(*(variables_set_by(node) for node in flow.nodes.values()))
    return sorted((used_variables(flow) | {*flow.needs}) - BUILT_IN - set_in_call - {*keys_of(ColumnTable)})


def _upload(visit: PageVisit) -> str:
    upload = visit.request.match_info["upload"]
    if UPLOAD.fullmatch(upload) is None:
        raise web.HTTPNotFound(text="There is no such upload.\n")
    return upload


def _write(file: IO[bytes], chunk: bytes) -> None:
    file.write(chunk)
