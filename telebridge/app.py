"""The composition root: settings in, an aiohttp application out. Here, and only here, the parts meet."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web
from typing_extensions import override

from telebridge.call.flow_catalogue import FlowCatalogue
from telebridge.call.listening import ListeningOptions
from telebridge.call.python_flow import Bridge
from telebridge.call.session import SessionOptions
from telebridge.errors import ConfigurationError
from telebridge.logs import logger
from telebridge.playback.writer import PlaybackOptions
from telebridge.rime.client import RimeSpeech
from telebridge.rime.options import CLOUD, RimeOptions
from telebridge.rime.parameters import speech_parameters
from telebridge.server.access import Access, guarded
from telebridge.server.api import add_api, call_routes, control_routes, event_routes, live_control
from telebridge.server.api_route import ApiRoute
from telebridge.server.call_list import CallList
from telebridge.server.calls_door import CallsDoor
from telebridge.server.control import Placer
from telebridge.server.control_door import CheckVoice, ControlDoor
from telebridge.server.events_door import EventsDoor
from telebridge.server.live_calls import LiveCalls
from telebridge.server.placing import TwilioPlacer
from telebridge.server.problems import problem_documents
from telebridge.server.routes import add_routes
from telebridge.server.trust import Trust
from telebridge.settings import BargeInSettings, RimeSettings, Settings, TwilioSettings
from telebridge.speech_server.server import create_app as create_speech_server
from telebridge.turns.barge_in import BargeInOptions, BargeInPolicy
from telebridge.turns.detectors import detector_maker
from telebridge.turns.voice_activity import VoiceActivityOptions
from telebridge.twilio.call_variables import CallVariables
from telebridge.twilio.client import TwilioCalls
from telebridge.twilio.stream_token import StreamTokens

log = logger(__name__)

LOCAL_KEY = "local"
END_SHARE = 0.7
"""Speech has ended when a window is this much less likely to be speech than one must be that begins it."""

FLOW_FILES = (".yaml", ".yml")

CALLS = web.AppKey("CALLS", LiveCalls)
VOICE = web.AppKey("VOICE", str)


def create_app(settings: Settings, *, bridge: Bridge | None = None) -> web.Application:
    """The whole bridge, ready to be served.

    Args:
        settings: What its owner wants.
        bridge: Flows written in Python.

    Raises:
        ConfigurationError: Settings or flow files are wrong.
    """
    flows, default_flow = _flows(settings, bridge)
    auth_token = settings.twilio.auth_token if settings.twilio.validate_signatures else ""
    if not auth_token:
        log.warning("webhooks are not checked: set twilio.auth_token, so that only Twilio is taken for Twilio")
    voice = open_voice(settings.rime)
    session = SessionOptions(
        playback=PlaybackOptions(settings.playback.message_ms, settings.playback.mark_interval_ms),
        listening=listening_options(settings.barge_in),
    )
    calls = LiveCalls(flows, voice.source, session, max_calls=settings.server.max_calls)
    access = Access(settings.server.api_token, settings.server.host)
    if access.closed:
        log.warning("the API is closed: set server.api_token, or listen on 127.0.0.1 only")
    app = web.Application(middlewares=[problem_documents(), guarded(access)])
    app[CALLS], app[VOICE] = calls, voice.description
    variables = CallVariables(settings.stream_secret())
    add_routes(
        app,
        calls,
        Trust(settings.public_url, auth_token, settings.server.trusted_proxies),
        StreamTokens(settings.stream_secret()),
        variables,
        default_flow=default_flow,
        numbers=settings.numbers,
    )

    placer = TwilioPlacer(lambda: open_twilio(settings.twilio), settings.public_url, variables)
    events = EventsDoor(calls.feed)
    add_api(app, _api_routes(calls, placer, events, lambda voice: _check_voice(settings.rime, voice)))

    async def voice_is_open(_: web.Application) -> AsyncIterator[None]:
        async with voice:
            yield
        await placer.aclose()

    app.cleanup_ctx.append(voice_is_open)
    app.on_shutdown.append(events.close)
    return app


def _api_routes(
    calls: LiveCalls, placer: Placer, events: EventsDoor, check_voice: CheckVoice
) -> tuple[ApiRoute[Any, Any], ...]:
    """What the API offers."""
    known = CallList(calls, None)
    return (
        *call_routes(CallsDoor(known, calls.flows, placer)),
        *control_routes(ControlDoor(live_control(calls), known, calls.feed, check_voice)),
        *event_routes(events),
    )


def _check_voice(settings: RimeSettings, voice: Mapping[str, Any]) -> None:
    """Refuse synthesis parameters that the voice of the settings would not take.

    Raises:
        ConfigurationError: A name, type or range is wrong.
    """
    speech_parameters({**settings.parameters(), **voice}, where="voice")


def listening_options(settings: BargeInSettings) -> ListeningOptions:
    """How callers are listened to; what their detectors share is loaded now.

    Raises:
        ConfigurationError: What the detector needs is not installed.
    """
    return ListeningOptions(
        detector=detector_maker(settings.detector),
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


@dataclass(frozen=True, slots=True)
class OpenVoice(AbstractAsyncContextManager["OpenVoice"]):
    """Whoever speaks: usable inside `async with`.

    Args:
        source: Speaks.
        description: Who that is, for people.
        local: The speech server of this process, when it is the one.
    """

    source: RimeSpeech
    description: str
    local: "LocalVoice | None"

    @override
    async def __aenter__(self) -> "OpenVoice":
        if self.local is not None:
            await self.local.start()
        self.source.start()
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.source.aclose()
        if self.local is not None:
            await self.local.stop()


class LocalVoice:
    """A speech server on a loopback port of this process, for a machine without a Rime account."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._socket.getsockname()[1]}"
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Start to speak."""
        self._runner = web.AppRunner(create_speech_server(), access_log=None)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def stop(self) -> None:
        """Stop, and end the processes that spoke."""
        if self._runner is not None:
            await self._runner.cleanup()


def open_voice(settings: RimeSettings) -> OpenVoice:
    """The voice that the settings name: Rime's, or with neither key nor address the local one.

    Raises:
        ConfigurationError: The address, the protocol or the voice is wrong.
    """
    local = None if settings.api_key or settings.url else LocalVoice()
    url = local.url if local is not None else settings.url or CLOUD
    options = RimeOptions(
        url=url,
        protocol=settings.protocol,
        api_key=settings.api_key or (LOCAL_KEY if local is not None else ""),
        parameters=speech_parameters(settings.parameters()),
        warm_sockets=settings.warm_sockets,
    )
    if local is not None:
        log.warning("no rime.api_key and no rime.url: the voice of this machine speaks, by the same protocol")
        return OpenVoice(RimeSpeech(options), "the voice of this machine", local)
    return OpenVoice(RimeSpeech(options), f"Rime {settings.model} {settings.speaker} at {url}", None)


def open_twilio(settings: TwilioSettings) -> TwilioCalls:
    """Twilio's REST API for the account of the settings; to be made on the event loop, and closed.

    Raises:
        ConfigurationError: The account or its credentials are not set.
    """
    if not settings.account_sid:
        raise ConfigurationError("twilio.account_sid", "is not set", "set it, or TWILIO_ACCOUNT_SID")
    password = settings.api_key_secret if settings.api_key_sid else settings.auth_token
    if not password:
        where = "twilio.api_key_secret" if settings.api_key_sid else "twilio.auth_token"
        raise ConfigurationError(where, "is not set", "set it, or TWILIO_AUTH_TOKEN")
    return TwilioCalls(
        settings.account_sid, password, api_key_sid=settings.api_key_sid, base_url=settings.api_base_url or None
    )


def _flows(settings: Settings, bridge: Bridge | None) -> tuple[FlowCatalogue, str]:
    """The flows, and the name of the one that leads calls to numbers that are not listed."""
    flows = FlowCatalogue(settings.flows_dir, bridge)
    flows.load()
    default = settings.default_flow
    if default.endswith(FLOW_FILES):
        default = flows.add_file(Path(default))
    elif default not in flows.names and bridge is not None and len(bridge.flows) == 1:
        default = next(iter(bridge.flows))
    for where, name in {
        "default_flow": default,
        **{f"numbers.{key}": name for key, name in settings.numbers.items()},
    }.items():
        try:
            flows.find(name)
        except ConfigurationError as error:
            raise ConfigurationError(where, f"{error.where} {error.problem}", error.hint) from error
    return flows, default
