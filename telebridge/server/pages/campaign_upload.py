"""A campaign from a CSV, by hand: the file is uploaded, its columns are named, and a draft is made and filled.

One rule: nobody is called by an upload. A campaign is a draft until somebody starts it.
"""

import asyncio
import json
import re
import shutil
import tempfile
import tomllib
from pathlib import Path
from secrets import token_hex
from typing import Any

from aiohttp import BodyPartReader, web

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.definition.model import CampaignDefinition, ColumnTable, keys_of
from telebridge.campaigns.engine.campaign import Campaign, CampaignKind
from telebridge.campaigns.importing.drafting import UNSAFE_IN_NAME, SampledList, draft_campaign, sample_list
from telebridge.campaigns.importing.filling import fill_campaign
from telebridge.campaigns.importing.importing import ImportProgress, check_import
from telebridge.campaigns.importing.rejects import reasons_in
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import ConfigurationError
from telebridge.flows.checking import BUILT_IN
from telebridge.flows.inspection import used_variables, variables_set_by
from telebridge.flows.model import Flow
from telebridge.logs import logger
from telebridge.private_files import make_private_folder
from telebridge.server.api.campaigns.endpoints import CHUNK, CampaignEndpoints, keep_upload, refusals, require_account
from telebridge.server.api.campaigns.plan import planned
from telebridge.server.http.problems import Problem
from telebridge.server.http.request_bodies import read_chunks
from telebridge.server.pages.visits import PageRouter, PageVisit, text_of

log = logger(__name__)

MOST_UPLOADED_BYTES = 100_000_000
MOST_UPLOADS = 20
SHOWN_ROWS = 5
UPLOAD = re.compile(r"[0-9a-f]{32}")
COLUMN = "column."
"""What the names of fields begin with that say what a column is."""
PLACES = {"phone": "telephone number", "zone": "time zone", "postal_code": "postal code", "due_at": "call not before",
          "priority": "priority", "consent_at": "consent: when", "consent_source": "consent: how"}  # fmt: skip
"""What a column may be besides a variable of the flow."""
SET_COLUMN = re.compile(r"set columns[.](\w+)(?: to the one that is meant)?")


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
        file = self._folder / upload / f"{name}.csv"
        await asyncio.to_thread(self._make_room, file)
        try:
            chunks = read_chunks(visit.request, part.read_chunk, CHUNK)
            await keep_upload(chunks, file, most_bytes=MOST_UPLOADED_BYTES, hint="use the API")
            await asyncio.to_thread(sample_list, file)
        except (Problem, ConfigurationError, web.HTTPException):
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
                definition, plan = await asyncio.to_thread(
                    planned, text, where="campaign", flows=self._flows, account=self._account, wallclock=wallclock
                )
                await self._check(upload, definition)
                made = await self._store.campaigns.create_or_replan(plan)
                done, reasons = await self._fill(upload, made)
        except Problem as problem:
            return await self._form(visit, fields, problem=problem)
        await asyncio.to_thread(self._remove, upload)
        log.info("campaign made on a page", campaign=made.id, added=done.added, rejected=done.rejected)
        if reasons:
            return await visit.page("imported", campaign=made.id, name=plan.name, done=done, reasons=reasons)
        return visit.go_to(f"/campaigns/{made.id}")

    async def _check(self, upload: str, definition: CampaignDefinition) -> None:
        """Refuse a list that the campaign could not be filled with, before there is a draft.

        Raises:
            Problem: A column is missing.
        """
        file, needs = await self._file(upload), self._flows.needs_of(definition.flow)
        with tempfile.TemporaryDirectory(prefix="telebridge-") as folder, refusals(hidden=f"{file.parent}/"):
            await asyncio.to_thread(check_import, file, definition, rejects=Path(folder) / "rejects.csv", needs=needs)

    async def _fill(self, upload: str, campaign: Campaign) -> tuple[ImportProgress, dict[str, int]]:
        file, needs = await self._file(upload), self._flows.needs_of(campaign.plan.flow)
        with tempfile.TemporaryDirectory(prefix="telebridge-") as folder, refusals(hidden=f"{file.parent}/"):
            rejects = Path(folder) / "rejects.csv"
            done = await fill_campaign(self._store.contacts, campaign, file, rejects=rejects, needs=needs, workers=1)
            return done, await asyncio.to_thread(reasons_in, rejects)

    async def _form(self, visit: PageVisit, fields: dict[str, str], *, problem: Problem | None = None) -> web.Response:
        upload = _upload(visit)
        sampled, name = await self._sampled(upload), (await self._file(upload)).stem
        flow_name = fields.get("flow") or next(iter(self._flows.names), "")
        flow = self._flows.get(flow_name)
        drafted = _drafted(sampled, flow if isinstance(flow, Flow) else None, name, flow_name)
        roles = {str(column): key for key, column in drafted.get("columns", {}).items()}
        variables = _variables(flow) if isinstance(flow, Flow) else list(self._flows.needs_of(flow_name))
        columns = [
            {
                "at": at,
                "name": column,
                "role": _role(fields, at, roles.get(column, "")),
                "cells": [row[at] for row in sampled.rows[:SHOWN_ROWS]],
            }
            for at, column in enumerate(sampled.header)
            if column
        ]
        return await visit.page(
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
            problem="" if problem is None else _in_words_of_the_form(problem.detail),
        )

    # Uploads.

    async def _file(self, upload: str) -> Path:
        """The file of an upload; its folder has no other.

        Raises:
            web.HTTPNotFound: It is there no more.
        """
        found = await asyncio.to_thread(lambda: next((self._folder / upload).glob("*.csv"), None))
        if found is None:
            raise web.HTTPNotFound(text="There is no such upload any more: choose the file again.\n")
        return found

    async def _sampled(self, upload: str) -> SampledList:
        return await asyncio.to_thread(sample_list, await self._file(upload))

    def _make_room(self, file: Path) -> None:
        """Make the folder of an upload, and remove the oldest ones, of which no campaign was made."""
        make_private_folder(self._folder)
        waiting = sorted(self._folder.iterdir(), key=lambda each: each.stat().st_mtime)
        for each in waiting[: max(0, len(waiting) - MOST_UPLOADS + 1)]:
            self._remove(each.name)
        make_private_folder(file.parent)

    def _remove(self, upload: str) -> None:
        shutil.rmtree(self._folder / upload, ignore_errors=True)


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


def _role(fields: dict[str, str], at: int, drafted: str) -> str:
    """What a column is: what the form says, or what it seems to be, where nothing was said of this flow."""
    said = fields.get(f"{COLUMN}{at}", "")
    return said or ("" if f"{COLUMN}{at}" in fields and "again" not in fields else drafted)


def _variables(flow: Flow) -> list[str]:
    """The variables of a flow that columns may fill."""
    set_in_call = frozenset[str]().union(*(variables_set_by(node) for node in flow.nodes.values()))
    return sorted((used_variables(flow) | {*flow.needs}) - BUILT_IN - set_in_call - {*keys_of(ColumnTable)})


def _in_words_of_the_form(detail: str) -> str:
    """A problem of the list with what to do about it in the form, where a campaign file would set a column."""
    return SET_COLUMN.sub(
        lambda found: f"choose '{PLACES.get(found[1], found[1])}' for the column that is meant", detail
    )


def _upload(visit: PageVisit) -> str:
    upload = visit.request.match_info["upload"]
    if UPLOAD.fullmatch(upload) is None:
        raise web.HTTPNotFound(text="There is no such upload.\n")
    return upload
