"""The composition root: settings in, an aiohttp application out. Here, and only here, the parts meet."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from telebridge.app.campaigns import Campaigning, Clocks
from telebridge.app.closing import Closing
from telebridge.app.detector import DetectorOnDemand, return_freed_memory
from telebridge.app.load_watch import LoadWatch
from telebridge.app.pages import PageParts, add_pages
from telebridge.app.python_flows import open_flows
from telebridge.app.records import Records
from telebridge.app.twilio import open_messages, open_twilio
from telebridge.app.voice import OpenVoice, open_clips, open_voice
from telebridge.app.words import open_words, word_options
from telebridge.call.flows.catalogue import FLOW_FILES, FlowCatalogue
from telebridge.call.flows.prefetch import FirstPrompts
from telebridge.call.flows.python import Bridge
from telebridge.call.flows.reload import FlowReload
from telebridge.call.flows.requests import ActionRunner
from telebridge.call.flows.sms import SmsSender
from telebridge.call.flows.transfers import AllowedTransfers, MayTransfer
from telebridge.call.messages.delivery import MessageDelivery
from telebridge.call.messages.mail import MailServer
from telebridge.call.messages.store import CallerMessages
from telebridge.call.overload import Overload, OverloadLimits
from telebridge.call.runner.admission import Admission
from telebridge.call.runner.call_recording import CallRecorder
from telebridge.call.runner.feed import CallFeed
from telebridge.call.runner.incoming_call import contact_variables
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.runner.message_files import MessageFiles
from telebridge.call.runner.ports import CallPorts
from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.session import SessionOptions
from telebridge.call.store.opening import FIRST_READ_SECONDS, OpeningByHand
from telebridge.call.store.store import CallStore
from telebridge.campaigns.engine.claim import Claim
from telebridge.database.database import Database, database_of
from telebridge.database.engine import DatabaseEngine, open_database
from telebridge.epoch import system_clock
from telebridge.errors import ConfigurationError
from telebridge.flows.nodes.hours_in_service import hours_in, load_holidays
from telebridge.flows.nodes.surroundings import FlowSurroundings
from telebridge.logs import logger
from telebridge.playback.writer import PlaybackOptions
from telebridge.recognition.source import Recognizer
from telebridge.rime.parameters import speech_parameters
from telebridge.server.api.call_lookup import CallLookup
from telebridge.server.api.calls import CallEndpoints
from telebridge.server.api.campaign_administration import CampaignAdministrationEndpoints
from telebridge.server.api.campaign_events import CampaignFeeds
from telebridge.server.api.campaigns import CampaignEndpoints
from telebridge.server.api.control import ControlEndpoints
from telebridge.server.api.desk.hours import HoursEndpoints
from telebridge.server.api.desk.messages import MessageEndpoints
from telebridge.server.api.do_not_call import DoNotCallEndpoints
from telebridge.server.api.endpoints import add_api
from telebridge.server.api.events import EventEndpoints
from telebridge.server.api.originate import TwilioOriginator
from telebridge.server.api.ports import CallOriginator
from telebridge.server.health import HealthHandler
from telebridge.server.http.access import Access, guarded, is_loopback
from telebridge.server.http.base_path import base_path, misplaced_webhooks, serve_below
from telebridge.server.http.connections import CONNECTIONS, ConnectionBounds
from telebridge.server.http.idempotency_store import SqlIdempotencyKeys, UsedTokens
from telebridge.server.http.problems import problem_documents
from telebridge.server.http.refusal_log import malformed_requests
from telebridge.server.http.request_bodies import well_formed
from telebridge.server.twilio.prompts import PromptHandler
from telebridge.server.twilio.request_validation import RequestValidator
from telebridge.server.twilio.routes import add_routes
from telebridge.settings import BargeInSettings, MailSettings, RimeSettings, Settings
from telebridge.turns.barge_in import BargeInOptions, BargeInPolicy
from telebridge.turns.voice_activity import VoiceActivityOptions
from telebridge.twilio.signed_urls import CallVariables, PromptTokens, StreamTokens

log = logger(__name__)

END_SHARE = 0.7
"""Speech has ended when a window is this much less likely to be speech than one must be that begins it."""


CALLS = web.AppKey("CALLS", LiveCalls)
VOICE = web.AppKey("VOICE", str)
CAMPAIGNS = web.AppKey("CAMPAIGNS", Campaigning)
CLOSING = web.AppKey("CLOSING", Closing)
LOAD = web.AppKey("LOAD", LoadWatch)
DEFAULT_FLOW = web.AppKey("DEFAULT_FLOW", str)

DRAINED_SECONDS, STORED_SECONDS, ENDED_SECONDS = 0.2, 0.45, 0.55
"""How long after draining the parts may take to close: those that wait for others, the store, and the database."""


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
    flows, default_flow = _flows(settings, bridge)
    validator = request_validator(settings)
    parts = _parts(settings, flows, bridge, clocks)
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
    variables = CallVariables(settings.stream_secret())
    add_routes(
        app,
        parts.calls,
        validator,
        StreamTokens(settings.stream_secret(), worker=worker),
        variables,
        PromptHandler(parts.voice.source, PromptTokens(settings.stream_secret())),
        parts.campaigning.calls,
        default_flow=default_flow,
        numbers=settings.numbers,
        overflow_url=settings.server.overflow_url,
        used_tokens=UsedTokens(parts.database),
        health=HealthHandler(parts.calls, parts.records.away, database_required=parts.records.required),
    )
    originator = TwilioOriginator(lambda: open_twilio(settings.twilio), settings.public_url, variables)
    events = EventEndpoints(parts.calls.feed, CampaignFeeds(parts.campaigning.look))
    api = _api_handlers(settings, parts, originator, events)
    add_api(app, *api)
    if settings.pages.enabled:
        shown = PageParts(
            parts.calls,
            parts.store,
            api.control,
            UsedTokens(parts.database),
            default_flow,
            parts.campaigning.store,
            api.campaigns,
            parts.campaigning.law,
        )
        add_pages(app, settings, access, shown)
    serve_below(app, base)
    app.cleanup_ctx.append(partial(_running, parts, originator))
    app.cleanup_ctx.append(partial(_reloading, flows))
    app.cleanup_ctx.append(malformed_requests)
    app.on_shutdown.append(events.close)
    return app


def _may_transfer(settings: Settings, flows: FlowCatalogue) -> MayTransfer:
    return AllowedTransfers(settings.transfers.allowed, flows.files).allow


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


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of the bridge that handlers use.

    Args:
        flows: What calls are led by.
        voice: Speaks.
        recognizer: Hears words; None when nobody wants that.
        detector: Makes the detector of each call.
        errands: Do what flows want done elsewhere.
        engine: Connects to the database.
        database: Transactions on it.
        store: The calls in it.
        campaigning: The campaigns in it, and who dials them.
        records: Starts the store and the campaigns once the database is there.
        flights: Records calls; None when nobody wants that.
        load: Watches the load of the process, once it is started.
        opening: The opening hours that were set by hand.
        messages: The messages that callers left.
        delivery: Brings them into the database, and sends them by e-mail.
        surroundings: What flow files ask of their surroundings.
        calls: The live calls, which use all of these.
    """

    flows: FlowCatalogue
    voice: OpenVoice
    recognizer: Recognizer | None
    detector: DetectorOnDemand
    errands: ActionRunner
    engine: DatabaseEngine
    database: Database
    store: CallStore
    campaigning: Campaigning
    records: Records
    flights: CallRecorder | None
    load: LoadWatch
    opening: OpeningByHand
    messages: CallerMessages
    delivery: MessageDelivery
    surroundings: FlowSurroundings
    calls: LiveCalls


class _ApiHandlers(NamedTuple):
    """The handlers whose endpoints are the API, in the order of its description."""

    calls: CallEndpoints
    control: ControlEndpoints
    events: EventEndpoints
    campaigns: CampaignEndpoints
    administration: CampaignAdministrationEndpoints
    do_not_call: DoNotCallEndpoints
    hours: HoursEndpoints
    messages: MessageEndpoints


def _parts(settings: Settings, flows: FlowCatalogue, bridge: Bridge | None, clocks: Clocks | None) -> _Parts:
    """Put the parts together; none of them is started."""
    voice = open_voice(settings.rime, open_clips(settings), settings.speech)
    detector = DetectorOnDemand(settings.barge_in.detector)
    recognizer = open_words(settings.recognition)
    session = SessionOptions(
        playback=PlaybackOptions(settings.playback.message_ms, settings.playback.mark_interval_ms),
        listening=listening_options(settings.barge_in, detector),
        clean_streams=settings.speech.clean != "none",
        held_seconds=settings.calls.held_seconds,
        may_transfer=_may_transfer(settings, flows),
        words=word_options(settings, recognizer),
    )
    sms = SmsSender(partial(open_messages, settings.twilio), settings.sms.allowed, flows.files)
    errands = ActionRunner({} if bridge is None else bridge.functions, sms)
    engine = open_database(settings.database_url)
    database = database_of(engine)
    store = CallStore(database)
    feed = CallFeed(first_id=round(datetime.now(UTC).timestamp() * 1000))
    campaigning = Campaigning(settings, engine, clocks)
    recordings = MessageFiles(settings.state_dir / "recordings")
    messages = CallerMessages(database)
    delivery = MessageDelivery(messages, settings.state_dir / "recordings", mail_server(settings.mail))
    recordings.on_saved = delivery.wake
    flights = CallRecorder(settings.state_dir / "flights") if settings.calls.record else None
    asked = campaigning.calls
    outside = CallPorts(
        voice.source,
        errands,
        recordings,
        store.writer,
        feed.publish,
        flights,
        asked.opted_out,
        asked.call_back,
        recognizer,
    )
    server = settings.server
    limits = OverloadLimits(server.overload_lag_ms, server.overload_core_share)
    load = LoadWatch(Overload(limits), lambda: len(calls))
    opening = OpeningByHand(database, campaigning.wallclock, lambda: any(hours_in(flows.files())))
    surroundings = FlowSurroundings(campaigning.wallclock, opening.state, flows.find_file)
    calls = LiveCalls(
        flows,
        outside,
        session,
        feed=feed,
        store=store,
        admission=Admission(server.max_calls, server.max_waiting_calls, load),
        over=asked.over,
        surroundings=surroundings,
    )
    asked.live = calls
    records = Records(engine, database, store, campaigning, required=settings.database.required)
    return _Parts(
        flows,
        voice,
        recognizer,
        detector,
        errands,
        engine,
        database,
        store,
        campaigning,
        records,
        flights,
        load,
        opening,
        messages,
        delivery,
        surroundings,
        calls,
    )


def _api_handlers(
    settings: Settings, parts: _Parts, originator: CallOriginator, events: EventEndpoints
) -> _ApiHandlers:
    """The handlers whose endpoints are the API."""
    calls, campaigning = parts.calls, parts.campaigning
    lookup = CallLookup(calls, parts.store)
    keys = SqlIdempotencyKeys(parts.database)
    campaigns = CampaignEndpoints(
        campaigning.store,
        parts.flows,
        settings.twilio.account_sid,
        open_until=campaigning.law.open_until,
        opens_at=campaigning.law.opens_at,
        end_calls=campaigning.end_calls,
        wallclock=campaigning.wallclock,
    )
    administration = CampaignAdministrationEndpoints(
        campaigning.store,
        parts.flows,
        settings.twilio.account_sid,
        keep_attempts_days=settings.campaigns.keep_attempts_days,
        wallclock=campaigning.wallclock,
    )
    return _ApiHandlers(
        CallEndpoints(lookup, calls.flows, originator, keys),
        ControlEndpoints(
            calls.find, lookup, calls.feed, partial(_check_voice, settings.rime), _may_transfer(settings, parts.flows)
        ),
        events,
        campaigns,
        administration,
        DoNotCallEndpoints(campaigning.store),
        HoursEndpoints(parts.opening, parts.flows.files, campaigning.wallclock),
        MessageEndpoints(parts.messages, system_clock),
    )


async def _running(parts: _Parts, originator: TwilioOriginator, app: web.Application) -> AsyncIterator[None]:
    """Start the parts, the database first; when the application ends, stop them, the database last."""
    closing = app[CLOSING]
    first = FirstPrompts(parts.flows, parts.voice.source, parts.surroundings)
    parts.campaigning.calls.on_ringing = first.fetch
    parts.campaigning.on_placed = lambda claim: first.fetch(claim.campaign.plan.flow, _variables(claim))
    closing.add("database", parts.engine.dispose, seconds=ENDED_SECONDS)
    try:
        await parts.records.open()
        closing.add("call store", parts.store.aclose, seconds=STORED_SECONDS)
        if parts.flights is not None:
            closing.add("call recorder", partial(asyncio.to_thread, parts.flights.close), seconds=DRAINED_SECONDS)
        closing.add("Twilio's API", originator.aclose, seconds=DRAINED_SECONDS)
        closing.add("voice", parts.voice.aclose, seconds=DRAINED_SECONDS)
        if parts.recognizer is not None:
            closing.add("recognizer", parts.recognizer.aclose, seconds=DRAINED_SECONDS)
        closing.add("requests of flows", parts.errands.aclose, seconds=DRAINED_SECONDS)
        closing.add("first prompts", first.aclose, seconds=DRAINED_SECONDS)
        closing.add("campaigns", parts.campaigning.aclose, seconds=DRAINED_SECONDS)
        closing.add("start of the database", parts.records.stop_retrying, seconds=DRAINED_SECONDS)
        await parts.voice.__aenter__()
        await parts.records.start()
        await _start_opening(parts.opening, closing)
        _run_until_closed(closing, "delivery of messages", parts.delivery.run())
        loading = asyncio.create_task(_load(parts), name="load what calls need")
        closing.add("detector", partial(asyncio.wait, [loading]), seconds=DRAINED_SECONDS)
        yield
    finally:
        parts.calls.abandon_all()
        await closing.close()


async def _start_opening(opening: OpeningByHand, closing: Closing) -> None:
    """Read what was set by hand before the first call, if the database answers in time, and then every two seconds."""
    with suppress(SQLAlchemyError, OSError, TimeoutError):
        async with asyncio.timeout(FIRST_READ_SECONDS):
            await opening.read()
    _run_until_closed(closing, "hours set by hand", opening.run())


def _run_until_closed(closing: Closing, name: str, work: Coroutine[Any, Any, None]) -> None:
    running = asyncio.create_task(work, name=name)

    async def stop() -> None:
        running.cancel()
        await asyncio.wait([running])

    closing.add(name, stop, seconds=DRAINED_SECONDS)


def mail_server(settings: MailSettings) -> MailServer:
    """The SMTP server of the settings."""
    return MailServer(
        settings.host,
        settings.port,
        settings.security,
        settings.user,
        settings.password,
        settings.sender,
        settings.to,
    )


async def _load(parts: _Parts) -> None:
    """Load the detector and the holidays of flows while the process begins to listen: no live call waits then."""
    try:
        await asyncio.to_thread(parts.detector.load)
        await asyncio.to_thread(load_holidays, parts.flows.files(), parts.campaigning.wallclock())
        await asyncio.to_thread(return_freed_memory)
    except ConfigurationError as error:
        log.error("the detector of speech cannot be loaded: calls cannot be answered", error=str(error))


def _variables(claim: Claim) -> dict[str, str]:
    return contact_variables(
        claim.contact.variables, from_number=claim.from_number, to_number=claim.contact.called_phone
    )


async def _reloading(flows: FlowCatalogue, _: web.Application) -> AsyncIterator[None]:
    """Read flow files again when they change, for as long as the application runs."""
    reloading = asyncio.create_task(FlowReload(flows).run())
    yield
    reloading.cancel()
    await asyncio.wait([reloading])


def _check_voice(settings: RimeSettings, voice: Mapping[str, Any]) -> None:
    """Refuse synthesis parameters that the voice of the settings would not take.

    Raises:
        ConfigurationError: A name, type or range is wrong.
    """
    speech_parameters({**settings.parameters(), **voice}, where="voice")


def listening_options(settings: BargeInSettings, detector: DetectorOnDemand | None = None) -> ListeningOptions:
    """How callers are listened to.

    Args:
        settings: As its owner wants it.
        detector: Makes the detector of each call; None for that of the settings.

    Raises:
        ConfigurationError: What the detector needs is not installed.
    """
    return ListeningOptions(
        detector=detector or DetectorOnDemand(settings.detector),
        voice_activity=VoiceActivityOptions(
            threshold=settings.threshold,
            end_threshold=settings.threshold * END_SHARE,
            silence_ms=settings.resume_after_ms,
        ),
        barge_in=BargeInOptions(
            policy=BargeInPolicy(settings.policy),
            pause_after_ms=settings.pause_after_ms,
            commit_after_ms=settings.commit_after_ms,
            resume=settings.resume,
            grace_ms=settings.grace_ms,
            longest_wait_ms=settings.longest_wait_ms,
        ),
        pre_roll_ms=settings.pre_roll_ms,
    )


def _flows(settings: Settings, bridge: Bridge | None) -> tuple[FlowCatalogue, str]:
    """The flows, and the name of the one that leads calls to numbers that are not listed."""
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
