"""The form that changes a campaign's rate, hours, retries and prices, also while it dials.

One rule: an edit is checked and written where the command line and the API do it; what a person typed stays in its
field until it is saved.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.definition.editing import change_text, limit_warnings, when_edit_counts
from telebridge.campaigns.definition.loading import read_campaign
from telebridge.campaigns.engine.administration import KeyChange, check_editable
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.reporting.view import campaign_json
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.errors import CampaignRefused, ConfigurationError
from telebridge.logs import logger
from telebridge.server.api.campaigns.edit import changed_file, edit_campaign, planned_again
from telebridge.server.api.campaigns.endpoints import found_campaign
from telebridge.server.pages.shown.campaign_fields import FIELDS, GROUPS, field_texts
from telebridge.server.pages.visits import PageRouter, PageVisit, text_of
from telebridge.settings.sections import CampaignSettings

log = logger(__name__)

SHOWN = "shown"
"""The hidden field with the texts that the others had when the form was made."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the form shows besides what holds.

    Args:
        typed: Texts that are not saved, by key.
        errors: What is wrong with them.
        problem: Why nothing of them can be saved.
        saved: What was saved; None where nothing was.
    """

    typed: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    saved: tuple[KeyChange, ...] | None = None

    @property
    def status(self) -> int:
        """The HTTP status."""
        if self.errors:
            return web.HTTPUnprocessableEntity.status_code
        return web.HTTPConflict.status_code if self.problem else web.HTTPOk.status_code


class CampaignEditPages:
    """Answers `/campaigns/{id}/edit`.

    Args:
        store: The campaigns.
        flows: The flows that campaigns may name.
        limits: How fast the account dials.
        edited: Is given the id of a campaign that was changed.
        wallclock: Returns the aware UTC instant.
        router: Has the pages.
    """

    def __init__(
        self,
        store: CampaignStore,
        flows: FlowCatalogue,
        limits: CampaignSettings,
        edited: Callable[[str], None],
        wallclock: Callable[[], datetime],
        router: PageRouter,
    ) -> None:
        self._store = store
        self._flows = flows
        self._limits = {"max_live": limits.max_live, "calls_per_second": limits.calls_per_second}
        self._edited = edited
        self._wallclock = wallclock
        router.get("/campaigns/{id}/edit", self.show)
        router.post("/campaigns/{id}/edit", self.save)

    async def show(self, visit: PageVisit) -> web.Response:
        """The form, with what holds now."""
        return await self._page(visit, await found_campaign(self._store, visit.request), _Answer())

    async def save(self, visit: PageVisit) -> web.Response:
        """Save what was changed in the form, or say what is wrong and show it again as it was sent."""
        campaign = await found_campaign(self._store, visit.request)
        typed, errors = _typed(visit.fields, _texts(campaign))
        answer = _Answer(typed, errors)
        if not errors:
            try:
                answer = await self._edit(campaign, typed)
            except (CampaignRefused, ConfigurationError) as error:
                answer = _Answer(typed, problem=f"{error}.")
        return await self._page(visit, await found_campaign(self._store, visit.request), answer)

    async def _edit(self, campaign: Campaign, typed: Mapping[str, str]) -> _Answer:
        check_editable(campaign)
        if errors := await asyncio.to_thread(self._mistakes, campaign, typed):
            return _Answer(typed, errors, errors.pop("", ""))
        file, wallclock = _file(campaign, typed), self._wallclock()
        _, changes = await edit_campaign(self._store, campaign, file, flows=self._flows, wallclock=wallclock)
        self._edited(campaign.id)
        log.info("campaign edited on a page", campaign=campaign.id, keys=[each.key for each in changes])
        return _Answer(saved=changes)

    def _mistakes(self, campaign: Campaign, typed: Mapping[str, str]) -> dict[str, str]:
        """Every mistake in what was typed, by the key of its field; that of no single field by an empty key."""
        where, left, found = f"campaign '{campaign.plan.name}'", dict(typed), dict[str, str]()
        while (error := self._mistake(campaign, left)) is not None:
            path = error.where.removeprefix(f"{where}: ")
            alone = (key for key in left if str(self._mistake(campaign, {key: left[key]})) == str(error))
            key = _key_of(path, left) or next(alone, "") or _table_of(path, left)
            text = str(error).removeprefix(f"{where}: ")
            is_own = f"{path}.".startswith(f"{key}.") or key.startswith(f"{path}.")
            found[key] = text.removeprefix(f"{path}: ") if is_own else text
            if not key:
                break
            del left[key]
        return found

    def _mistake(self, campaign: Campaign, texts: Mapping[str, str]) -> ConfigurationError | None:
        """The first mistake in the file of a campaign with texts of the form; None where there is none."""
        where, wallclock = f"campaign '{campaign.plan.name}'", self._wallclock()
        try:
            planned_again(campaign, _file(campaign, texts), where=where, flows=self._flows, wallclock=wallclock)
        except ConfigurationError as error:
            return error
        return None

    async def _page(self, visit: PageVisit, campaign: Campaign, answer: _Answer) -> web.Response:
        current, refusal = _texts(campaign), _refusal(campaign)
        running = campaign.status is CampaignStatus.RUNNING
        choices = {"flow": tuple(self._flows.names)}
        fields = {
            key: {
                "key": key,
                "words": one.words,
                "choices": choices.get(key, one.choices),
                "placeholder": one.placeholder,
                "now": current[key],
                "text": answer.typed.get(key, current[key]),
                "error": answer.errors.get(key, ""),
                "disabled": bool(refusal) or (running and one.needs_pause and key not in answer.typed),
            }
            for key, one in FIELDS.items()
            if key in current
        }
        return await visit.page(
            "campaign-edit",
            answer.status,
            campaign=campaign_json(campaign),
            groups={title: [fields[one.key] for one in group if one.key in fields] for title, group in GROUPS.items()},
            wrong=[one for one in fields.values() if one["error"]],
            running=running,
            refusal=refusal,
            problem=answer.problem if answer.problem.rstrip(".") != refusal else "",
            saved=None if answer.saved is None else [change_text(each) for each in answer.saved],
            counts=when_edit_counts(campaign),
            warnings=[*limit_warnings(self._limits, answer.saved or ())],
            shown=json.dumps(current),
        )


def _texts(campaign: Campaign) -> dict[str, str]:
    """What stands in the fields now; nothing for a campaign without a file."""
    file = campaign.plan.file
    return field_texts(read_campaign(file, where=campaign.plan.name)) if file else {}


def _file(campaign: Campaign, texts: Mapping[str, str]) -> str:
    """The file of a campaign with texts of the form.

    Raises:
        ConfigurationError: A text cannot stand in a file.
        CampaignRefused: The campaign was not made from a file.
    """
    return changed_file(campaign, [FIELDS[key].assignment(text) for key, text in texts.items()])


def _refusal(campaign: Campaign) -> str:
    """Why nothing of a campaign can be changed; empty when something can."""
    try:
        check_editable(campaign)
        changed_file(campaign, ())
    except CampaignRefused as error:
        return str(error)
    return ""


def _typed(fields: Mapping[str, str], current: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """The texts that a person changed, and an error for each that somebody else has changed meanwhile.

    Args:
        fields: The form as it was sent.
        current: What stands in its fields now.
    """
    shown = {**current, **_shown(fields.get(SHOWN, ""))}
    sent = {key: text_of(fields, key) for key in current if key in fields}
    typed = {key: text for key, text in sent.items() if text not in (shown[key], current[key])}
    changed = "was changed by somebody else at the same time; save again to have yours"
    return typed, {key: changed for key in typed if shown[key] != current[key]}


def _shown(text: str) -> dict[str, str]:
    """What stood in the fields when the form was made; empty where that cannot be read."""
    try:
        shown = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {key: value for key, value in shown.items() if isinstance(value, str)} if isinstance(shown, dict) else {}


def _key_of(path: str, texts: Mapping[str, str]) -> str:
    """The field that the place of a mistake names, such as `retry.busy.0`; empty where it names none of them."""
    parts = path.split(".")
    return next((key for length in (2, 1) if (key := ".".join(parts[:length])) in texts), "")


def _table_of(path: str, texts: Mapping[str, str]) -> str:
    """The first field of the table that the place of a mistake names; empty where there is none."""
    return next((key for key in texts if key.partition(".")[0] == path.partition(".")[0]), "")
