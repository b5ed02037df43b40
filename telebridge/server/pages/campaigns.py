"""The campaigns: how each stands, why nobody is called, what its first calls say, and starting, pausing, cancelling.

One rule: what a button does is done by the endpoint of the API.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, timedelta
from typing import Any

from aiohttp import web

from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.campaigns.calling_hours.hours import CallingLaw
from telebridge.campaigns.calling_hours.law import calling_rules
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.reporting.outcome_words import outcome_words
from telebridge.campaigns.reporting.view import CampaignView, campaign_json, view_campaign
from telebridge.campaigns.reporting.why_waiting import Explanation, Waiting
from telebridge.campaigns.reporting.words import FIRST_CALLS, CampaignWords, words_of_first
from telebridge.campaigns.store.protocols import CampaignStore, WaitingLane
from telebridge.logs import logger
from telebridge.server.api.campaigns.endpoints import CampaignEndpoints, found_campaign
from telebridge.server.api.campaigns.models import CancelCampaignRequest, ReportQuery
from telebridge.server.http.bodies import Nothing
from telebridge.server.http.problems import Problem
from telebridge.server.pages.live import LiveStreams, PageState
from telebridge.server.pages.shown.auditions import VALID_FOR
from telebridge.server.pages.shown.campaign_forecast import campaign_forecast
from telebridge.server.pages.shown.campaign_hours import zone_hours
from telebridge.server.pages.visits import PageRouter, PageVisit
from telebridge.settings.sections import CampaignSettings
from telebridge.timing.epoch import epoch_ms, iso_instant, wallclock_now
from telebridge.twilio.signed_urls import PromptTokens

log = logger(__name__)

FRESH_SECONDS = 2.0
"""A campaign is looked up in the database once in so many seconds, however many watch it."""
RATE_OVER = timedelta(minutes=5)
SPOKEN = frozenset({"says", "asks", "records"})
REACHED = ("answered", "call_back", "opted_out")
"""The outcomes of contacts to whom somebody spoke."""
BUTTONS = {
    CampaignStatus.DRAFT: ("start", "cancel"),
    CampaignStatus.RUNNING: ("pause", "cancel"),
    CampaignStatus.PAUSED: ("resume", "cancel"),
    CampaignStatus.DRAINING: ("cancel",),
    CampaignStatus.DONE: ("start",),
    CampaignStatus.CANCELLED: (),
}
"""What a person may do to a campaign in each state."""


@dataclass(slots=True)
class _Seen:
    """A view of a campaign, and until when it is shown to others."""

    view: CampaignView
    until: float


class CampaignPages:
    """Answers `/campaigns` and `/campaigns/{id}`.

    Args:
        store: The campaigns.
        endpoints: The API, which does what buttons want.
        flows: Their flows.
        law: The calling hours.
        limits: How fast the account dials.
        prompts: Sign the texts of the first calls, so that they can be listened to.
        streams: Send what has changed.
        router: Has the pages.
    """

    def __init__(
        self,
        store: CampaignStore,
        endpoints: CampaignEndpoints,
        flows: FlowCatalogue,
        law: CallingLaw,
        limits: CampaignSettings,
        prompts: PromptTokens,
        streams: LiveStreams,
        router: PageRouter,
    ) -> None:
        self._store = store
        self._endpoints = endpoints
        self._flows = flows
        self._law = law
        self._limits = limits
        self._prompts = prompts
        self._streams = streams
        self._seen: dict[str, _Seen] = {}
        router.get("/campaigns", self.list_campaigns)
        router.get("/campaigns/{id}", self.show)
        router.get("/campaigns/{id}/stream", self.stream)
        router.get("/campaigns/{id}/report.csv", self.report)
        for name, action in {
            "start": endpoints.start_campaign,
            "resume": endpoints.resume_campaign,
            "pause": endpoints.pause_campaign,
        }.items():
            router.post(f"/campaigns/{{id}}/{name}", self._done(name, action))
        router.post("/campaigns/{id}/cancel", self.cancel)

    async def list_campaigns(self, visit: PageVisit) -> web.Response:
        """All campaigns, and the form that begins one."""
        await visit.begin("campaigns")
        campaigns = [campaign_json(one) for one in await self._store.campaigns.all()]
        return await visit.page("campaigns", campaigns=campaigns)

    async def show(self, visit: PageVisit) -> web.Response:
        """One campaign."""
        return await self._page(visit)

    async def stream(self, visit: PageVisit) -> web.StreamResponse:
        """How a campaign stands, as it changes."""
        campaign = await found_campaign(self._store, visit.request)

        async def look() -> PageState:
            return PageState(figures(await self._view(campaign.id)))

        return await self._streams.send(visit, look)

    async def report(self, visit: PageVisit) -> web.StreamResponse:
        """The report: one row for each contact."""
        return await self._endpoints.report_campaign(visit.request, ReportQuery(format="csv"), Nothing())

    async def cancel(self, visit: PageVisit) -> web.StreamResponse:
        """End a campaign for ever, and its live calls if that is wanted."""
        body = CancelCampaignRequest(end_calls="end_calls" in visit.fields)

        async def cancelled(request: web.Request, _query: Nothing, _body: Nothing) -> object:
            return await self._endpoints.cancel_campaign(request, Nothing(), body)

        return await self._done("cancel", cancelled)(visit)

    def _done(
        self, name: str, action: Callable[[web.Request, Nothing, Nothing], Awaitable[object]]
    ) -> Callable[[PageVisit], Awaitable[web.StreamResponse]]:
        async def done(visit: PageVisit) -> web.StreamResponse:
            campaign_id = visit.request.match_info["id"]
            try:
                await action(visit.request, Nothing(), Nothing())
            except Problem as problem:
                if problem.status == web.HTTPNotFound.status_code:
                    raise
                return await self._page(visit, status=problem.status, problem=problem.detail)
            self.forget(campaign_id)
            log.info("done on a page", action=name, campaign=campaign_id, peer=visit.request.remote)
            return visit.go_to(f"/campaigns/{campaign_id}")

        return done

    def forget(self, campaign_id: str) -> None:
        """Look a campaign up again for whoever asks next: it was changed."""
        self._seen.pop(campaign_id, None)

    async def _page(self, visit: PageVisit, *, status: int = 200, problem: str = "") -> web.Response:
        campaign = await found_campaign(self._store, visit.request)
        await visit.begin("campaign", campaign=campaign_json(campaign))
        view = await self._view(campaign.id)
        words = await self._words(view.campaign)
        lanes = await self._store.reports.waiting(campaign.id)
        return await visit.page(
            "campaign",
            status,
            campaign=campaign_json(view.campaign),
            figures=figures(view),
            outcomes=[(name, outcome_words(name)) for name, _ in Counter(view.progress.outcomes).most_common()],
            waiting=[(waiting.value, _until(waiting, view.explanation)) for waiting in view.explanation.waiting],
            lanes=zone_hours(view.campaign, lanes, self._law, self._endpoints.wallclock()),
            forecast=await self._forecast(view.campaign, lanes),
            buttons=BUTTONS[view.campaign.status],
            words=words,
            listen=self._listened(words),
            problem=problem,
        )

    async def _view(self, campaign_id: str) -> CampaignView:
        """How a campaign stands, looked up at most every few seconds."""
        now = asyncio.get_running_loop().time()
        seen = self._seen.get(campaign_id)
        if seen is not None and now < seen.until:
            return seen.view
        view = await view_campaign(
            self._store,
            campaign_id,
            self._law.open_until,
            wallclock=self._endpoints.wallclock(),
            opens_at=self._law.opens_at,
        )
        view = replace(view, per_second=await self._rate(view))
        self._seen = {each: one for each, one in self._seen.items() if now < one.until}
        self._seen[campaign_id] = _Seen(view, now + FRESH_SECONDS)
        return view

    async def _rate(self, view: CampaignView) -> float:
        """How many calls were begun in a second, over the last minutes."""
        since = epoch_ms(self._endpoints.wallclock() - RATE_OVER)
        ended = await self._store.reports.outcomes(view.campaign.id, since=since)
        return (sum(ended.values()) + view.live) / RATE_OVER.total_seconds()

    async def _forecast(self, campaign: Campaign, lanes: list[WaitingLane]) -> dict[str, Any] | None:
        """What to expect of a draft that has contacts; None for another campaign."""
        if campaign.status is not CampaignStatus.DRAFT or not lanes:
            return None
        now = self._endpoints.wallclock()
        estimate = await asyncio.to_thread(campaign_forecast, campaign, lanes, self._law, self._limits, now)
        over = estimate.first_round_over
        warnings = calling_rules().warnings({each.lane.region for each in lanes}, wallclock=now)
        return asdict(estimate) | {"over": over and iso_instant(over.astimezone(UTC)), "warnings": warnings}

    async def _words(self, campaign: Campaign) -> CampaignWords | None:
        """What the contacts that come first will hear; None where there are none, or the flow is away."""
        flow = self._flows.get(campaign.plan.flow)
        if flow is None or campaign.status.is_over:
            return None
        ready = await self._store.reports.first_ready(campaign.id, FIRST_CALLS)
        return await asyncio.to_thread(words_of_first, campaign, flow, ready)

    def _listened(self, words: CampaignWords | None) -> dict[str, str]:
        """The address of the audio of each text of the first calls."""
        calls = () if words is None else words.calls
        texts = {line.text for call in calls for line in (*call.spoken, *call.to_machine) if line.what in SPOKEN}
        expires = wallclock_now() + VALID_FOR
        return {text: f"/prompts/{self._prompts.issue(text, {}, expires=expires)}.wav" for text in texts}


def _until(waiting: Waiting, explanation: Explanation) -> str | None:
    """Until when the contacts wait that wait for something, as an ISO instant; None where that is not known."""
    match waiting:
        case Waiting.HOURS:
            until = explanation.opens_at
        case Waiting.TIME:
            until = explanation.next_due_at
        case Waiting.RATE_LIMITED:
            until = explanation.rate_limited_until
        case _:
            until = None
    return None if until is None else iso_instant(until.astimezone(UTC))


def figures(view: CampaignView) -> dict[str, Any]:
    """What changes on the page of a campaign, by name."""
    contacts = view.progress.contacts
    reached = sum(view.progress.outcomes.get(name, 0) for name in REACHED)
    return {
        "status": view.campaign.status.value,
        "total": view.total,
        "over": view.over,
        "share": round(100 * view.over / view.total) if view.total else 0,
        "ready": contacts.get("ready", 0),
        "live": view.live,
        "attempts": view.attempts,
        "rate": f"{60 * (view.per_second or 0):.1f}",
        "dialers": view.explanation.dialers,
        "reached": reached,
        "others": view.over - reached,
        **{f"outcome-{name}": count for name, count in view.progress.outcomes.items()},
        **{f"waiting-{waiting.value}": count for waiting, count in view.explanation.waiting.items()},
    }
