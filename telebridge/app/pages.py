"""Puts the pages together: who may use them, and the parts of the bridge that they show."""

from dataclasses import dataclass
from functools import partial

from aiohttp import web

from telebridge.call.flows.transfers import transfer_warnings
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.store.store import CallStore
from telebridge.campaigns.calling_hours.hours import CallingLaw
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.server.api.call_lookup import CallLookup
from telebridge.server.api.campaigns.endpoints import CampaignEndpoints
from telebridge.server.api.control import ControlEndpoints
from telebridge.server.http.access import Access
from telebridge.server.http.base_path import base_path
from telebridge.server.http.idempotency_store import UsedTokens
from telebridge.server.pages.access import PageAccess
from telebridge.server.pages.call import CallPages
from telebridge.server.pages.calls import CallListPages
from telebridge.server.pages.campaign_edit import CampaignEditPages
from telebridge.server.pages.campaign_upload import CampaignUploadPages
from telebridge.server.pages.campaigns import CampaignPages
from telebridge.server.pages.flows import FlowPages
from telebridge.server.pages.live import LiveStreams
from telebridge.server.pages.login import LoginPages
from telebridge.server.pages.phone import PhonePages
from telebridge.server.pages.rendering import PageTemplates
from telebridge.server.pages.shown.auditions import Auditions
from telebridge.server.pages.shown.elsewhere import CallsElsewhere
from telebridge.server.pages.shown.flow_findings import FlowFindings
from telebridge.server.pages.static import StaticFiles
from telebridge.server.pages.visits import PageRouter
from telebridge.server.twilio.media import MediaHandler
from telebridge.server.twilio.request_validation import RequestValidator
from telebridge.settings.settings import Settings
from telebridge.twilio.signed_urls import PromptTokens, StreamTokens


@dataclass(frozen=True, slots=True)
class PageParts:
    """The parts of the bridge that the pages show.

    Args:
        calls: The calls of this process.
        store: The calls that are over.
        lookup: Finds calls, live and over.
        control: Does what the API does to a live call.
        used_tokens: Knows the tokens of streams that other processes redeemed.
        default_flow: The flow of calls to numbers that are not listed.
        campaigns: The campaigns.
        campaign_endpoints: Do what the API does to a campaign.
        law: The calling hours.
    """

    calls: LiveCalls
    store: CallStore
    lookup: CallLookup
    control: ControlEndpoints
    used_tokens: UsedTokens
    default_flow: str
    campaigns: CampaignStore
    campaign_endpoints: CampaignEndpoints
    law: CallingLaw


def add_pages(app: web.Application, settings: Settings, access: Access, parts: PageParts, secret: str) -> None:
    """Add the pages to an application.

    Args:
        app: The application.
        settings: What its owner wants.
        access: Who may use the API.
        parts: What the pages show.
        secret: Signs sessions and addresses.
    """
    server = settings.server
    templates = PageTemplates(base_path(settings.public_url))
    page_access = PageAccess(access, server.api_token, secret, host=server.host, public_url=settings.public_url)
    router, streams = PageRouter(app, page_access, templates), LiveStreams()
    app.on_shutdown.append(streams.close)
    StaticFiles(templates, router)
    LoginPages(page_access, router)
    elsewhere = CallsElsewhere(parts.calls, parts.store)
    CallListPages(parts.calls, elsewhere, parts.store, streams, router)
    CallPages(parts.calls, parts.lookup, parts.control, settings.state_dir, streams, router)
    _add_phone(parts, secret, streams, router)
    _add_flows(settings, parts, elsewhere, secret, streams, router)
    _add_campaigns(settings, parts, secret, streams, router)


def _add_phone(parts: PageParts, secret: str, streams: LiveStreams, router: PageRouter) -> None:
    """Add the browser phone. Its streams have tokens of their own, which open no stream of Twilio's."""
    tokens = StreamTokens(f"{secret}.phone")
    unsigned = RequestValidator("", "")  # the pages have checked who opens the stream
    media = MediaHandler(parts.calls, unsigned, tokens, parts.used_tokens)
    PhonePages(parts.calls, media, tokens, streams, parts.default_flow, router)


def _add_flows(
    settings: Settings,
    parts: PageParts,
    elsewhere: CallsElsewhere,
    secret: str,
    streams: LiveStreams,
    router: PageRouter,
) -> None:
    refused = partial(transfer_warnings, prefixes=settings.transfers.allowed)
    findings = FlowFindings(parts.calls.flows, refused)
    auditions = Auditions(settings.rime.parameters(), PromptTokens(secret))
    FlowPages(parts.calls, elsewhere, parts.store, findings, auditions, streams, router)


def _add_campaigns(settings: Settings, parts: PageParts, secret: str, streams: LiveStreams, router: PageRouter) -> None:
    store, endpoints, flows = parts.campaigns, parts.campaign_endpoints, parts.calls.flows
    folder, account = settings.state_dir / "uploads", settings.twilio.account_sid
    CampaignUploadPages(store, endpoints, flows, account, folder, router)
    prompts = PromptTokens(secret)
    limits = settings.campaigns
    pages = CampaignPages(store, endpoints, flows, parts.law, limits, prompts, streams, router)
    CampaignEditPages(store, flows, limits, pages.forget, endpoints.wallclock, router)
