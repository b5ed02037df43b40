"""The composition root: settings in, an aiohttp application out. Here, and only here, the parts meet."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

from aiohttp import web

from telebridge.app.api import api_handlers
from telebridge.app.campaigns import Campaigning, Clocks
from telebridge.app.closing import CLOSING, Closing
from telebridge.app.load_watch import LoadWatch
from telebridge.app.pages import PageParts, add_pages
from telebridge.app.parts import bridge_parts
from telebridge.app.python_flows import open_flows
from telebridge.app.running import reloading, running
from telebridge.app.twilio import open_twilio
from telebridge.call.flows.catalogue import FLOW_FILES, FlowCatalogue
from telebridge.call.flows.python.registry import Bridge
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.errors import ConfigurationError
from telebridge.logs import logger
from telebridge.server.api.campaigns.events import CampaignFeeds
from telebridge.server.api.endpoints import add_api
from telebridge.server.api.events import EventEndpoints
from telebridge.server.api.originate import TwilioOriginator
from telebridge.server.health import HealthHandler
from telebridge.server.http.access import Access, guarded, is_loopback
from telebridge.server.http.base_path import base_path, misplaced_webhooks, serve_below
from telebridge.server.http.connections import CONNECTIONS, ConnectionBounds
from telebridge.server.http.idempotency_store import UsedTokens
from telebridge.server.http.problems import problem_documents
from telebridge.server.http.refusal_log import malformed_requests
from telebridge.server.http.request_bodies import well_formed
from telebridge.server.twilio.prompts import PromptHandler
from telebridge.server.twilio.request_validation import RequestValidator
from telebridge.server.twilio.routes import add_routes
from telebridge.settings.settings import Settings
from telebridge.twilio.signed_urls import CallVariables, PromptTokens, StreamTokens

log = logger(__name__)

CALLS = web.AppKey("CALLS", LiveCalls)
VOICE = web.AppKey("VOICE", str)
CAMPAIGNS = web.AppKey("CAMPAIGNS", Campaigning)
LOAD = web.AppKey("LOAD", LoadWatch)
DEFAULT_FLOW = web.AppKey("DEFAULT_FLOW", str)


def create_app(
    settings: Settings, *, bridge: Bridge | None = None, clocks: Clocks | None = None, worker: int | None = None
) -> web.Application:
    """The whole bridge, ready to be served.

    Args:
        settings: What its owner wants.
        bridge: Flows written in Python.
        clocks: By which campaigns are dialled, if not the world's.
        worker: The number of this process among those of the server; None when it is the only one.

    Raises:
        ConfigurationError: Settings or flow files are wrong.
    """
    flows, default_flow = answering_flows(settings, bridge)
    validator = request_validator(settings)
    parts = bridge_parts(settings, flows, bridge, clocks)
    server = settings.server
    bounds = ConnectionBounds(server.max_connections_per_address, server.trusted_proxies)
    base = base_path(settings.public_url)
    access = _access(settings)
    app = web.Application(
        middlewares=[
            bounds.middleware(),
            misplaced_webhooks(base),
            problem_documents(),
            well_formed(),
            guarded(access),
        ]
    )
    app[CONNECTIONS] = bounds
    app[CALLS], app[VOICE], app[CAMPAIGNS] = parts.calls, parts.voice.description, parts.campaigning
    app[CLOSING], app[DEFAULT_FLOW], app[LOAD] = Closing(), default_flow, parts.load
    secret, used_tokens = settings.stream_secret(), UsedTokens(parts.database)
    variables = CallVariables(secret)
    add_routes(
        app,
        parts.calls,
        validator,
        StreamTokens(secret, worker=worker),
        variables,
        PromptHandler(parts.voice.source, PromptTokens(secret)),
        parts.campaigning.calls,
        default_flow=default_flow,
        numbers=settings.numbers,
        overflow_url=settings.server.overflow_url,
        used_tokens=used_tokens,
        health=HealthHandler(parts.calls, parts.records.away, database_required=parts.records.required),
    )
    originator = TwilioOriginator(lambda: open_twilio(settings.twilio), settings.public_url, variables)
    events = EventEndpoints(parts.calls.feed, CampaignFeeds(parts.campaigning.look))
    api = api_handlers(settings, parts, originator, events)
    add_api(app, *api)
    if settings.pages.enabled:
        shown = PageParts(
            parts.calls,
            parts.store,
            parts.lookup,
            api.control,
            used_tokens,
            default_flow,
            parts.campaigning.store,
            api.campaigns,
            parts.campaigning.law,
        )
        add_pages(app, settings, access, shown, secret)
    serve_below(app, base)
    app.cleanup_ctx.append(partial(running, parts, originator))
    app.cleanup_ctx.append(partial(reloading, flows))
    app.cleanup_ctx.append(malformed_requests)
    if settings.traces.endpoint:
        app.cleanup_ctx.append(partial(_exporting(), settings.traces.endpoint, parts.calls))
    app.on_shutdown.append(events.close)
    return app


def _exporting() -> Callable[[str, LiveCalls, web.Application], AsyncIterator[None]]:
    """What exports the traces of calls.

    Raises:
        ConfigurationError: OpenTelemetry is not installed.
    """
    try:
        from telebridge.tracing.exporting import exporting  # only where it is wanted: it needs an extra
    except ImportError as error:
        problem = f"is set, and the packages that send traces are not installed (there is no module '{error.name}')"
        raise ConfigurationError("traces.endpoint", problem, "install telebridge[otel]") from error
    return exporting


def request_validator(settings: Settings) -> RequestValidator:
    """Checks the signatures of webhooks.

    Raises:
        ConfigurationError: Others can reach the server, and there is nothing to check signatures with.
    """
    twilio = settings.twilio
    auth_token = twilio.auth_token if twilio.validate_signatures else ""
    if not auth_token:
        why = "public_url is set" if settings.public_url else f"it listens on '{settings.server.host}'"
        reached = bool(settings.public_url) or not is_loopback(settings.server.host)
        if reached and twilio.validate_signatures:
            raise ConfigurationError(
                "twilio.auth_token",
                f"is not set, and others can reach this server ({why}), so anybody could send webhooks",
                "set it, or TWILIO_AUTH_TOKEN, or write down twilio.validate_signatures = false",
            )
        log.warning("webhooks are not checked: set twilio.auth_token, so that only Twilio is taken for Twilio")
    return RequestValidator(settings.public_url, auth_token, settings.server.trusted_proxies)


def _access(settings: Settings) -> Access:
    """Who may use the API."""
    access = Access(settings.server.api_token, settings.server.host, settings.public_url)
    if access.closed:
        log.warning("the API and the metrics are closed: set server.api_token")
    return access


def answering_flows(settings: Settings, bridge: Bridge | None) -> tuple[FlowCatalogue, str]:
    """Load the flows; returns them, and the name of the one that leads calls to numbers that are not listed.

    Raises:
        ConfigurationError: A flow is wrong, or one that the settings name does not exist.
    """
    flows = open_flows(settings, bridge)
    default = settings.default_flow
    if default.endswith(FLOW_FILES):
        default = flows.add_file(Path(default))
    elif default not in flows.names and bridge is not None and len(bridge.flows) == 1:
        default = next(iter(bridge.flows))
    named = {"default_flow": default, **{f"numbers.{key}": name for key, name in settings.numbers.items()}}
    flows.need(named.values())
    for where, name in named.items():
        try:
            flows.find(name)
        except ConfigurationError as error:
            raise ConfigurationError(where, f"{error.where} {error.problem}", error.hint) from error
    if errors := flows.reference_errors():
        raise errors[0]
    return flows, default
