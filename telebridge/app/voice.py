"""The speech source that the settings name: the clip cache, then Rime, its other hosts, and the voice of this machine.

One rule: what may never be needed costs nothing until it is. Other hosts are not connected to, and the voice of this
machine is not started, before the first provider has failed.
"""

import asyncio
import socket
from collections.abc import AsyncIterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from importlib import import_module
from types import TracebackType
from urllib.parse import urlsplit

from aiohttp import web
from typing_extensions import override

from telebridge.errors import ConfigurationError, SpeechRejected, SpeechUnavailable
from telebridge.logs import logger
from telebridge.rime.client import RimeSpeech
from telebridge.rime.parameters import CLOUD, RimeOptions, speech_parameters
from telebridge.settings.sections import RimeSettings, SpeechSettings
from telebridge.settings.settings import Settings
from telebridge.speech.cache.cached_source import CachedSpeech, Key
from telebridge.speech.cache.clip import clip_key
from telebridge.speech.cache.store import ClipStore
from telebridge.speech.cleaned_source import CleanedSpeech
from telebridge.speech.failover import Provider
from telebridge.speech.failover_source import FailoverSpeech
from telebridge.speech.source import SpeechSource, SpeechStream, VoiceOverrides
from telebridge.speech.utterance import Utterance
from telebridge.speech_server.voices.pool import missing_packages
from telebridge.tasks import Tasks

log = logger(__name__)

LOCAL_KEY = "local"
HUM_KEY = "hum"
LOCAL_NAME = "the voice of this machine"
HUM_NAME = "a hum, because no voice is installed (telebridge[voice])"
LOCAL_FIRST_AUDIO_SECONDS = 10.0
"""Its time-out until the first audio: it may have to be started first."""

SPEECH_SERVER = "telebridge.speech_server.server"
STOP_SECONDS = 1.0
"""How long its requests may take to end when it is stopped."""

START_AGAIN_SECONDS = 15.0
"""The back-off after a start that failed: what it lacked, memory or a port, may be there then."""


@dataclass(frozen=True, slots=True)
class OpenVoice(AbstractAsyncContextManager["OpenVoice"]):
    """A speech source with all that it is made of; usable inside `async with`.

    Args:
        source: Speaks.
        description: Who that is, for people.
        rime: The first provider.
        local: The speech server of this process, when `rime` is connected to it.
        cached: The cache in front of all providers, where prompts are cached.
    """

    source: SpeechSource
    description: str
    rime: RimeSpeech
    local: "LocalVoice | None" = None
    cached: CachedSpeech | None = None

    @override
    async def __aenter__(self) -> "OpenVoice":
        if self.local is not None:
            await self.local.start()
        self.rime.start()
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections, and end the voice of this machine."""
        await self.source.aclose()
        if self.local is not None:
            await self.local.stop()


def create_speech_server() -> web.Application:
    """The speech server of this machine; imports it, unless that was done before."""
    from telebridge.speech_server.server import create_app

    return create_app()


class LocalVoice:
    """A speech server on a loopback port of this process, for a machine without a Rime account."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._socket.getsockname()[1]}"
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Start serving. What serves is imported now, in a thread: other calls are live meanwhile."""
        await asyncio.to_thread(import_module, SPEECH_SERVER)
        self._runner = web.AppRunner(create_speech_server(), access_log=None, shutdown_timeout=STOP_SECONDS)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def stop(self) -> None:
        """Stop serving, and end the processes that speak."""
        if self._runner is not None:
            await self._runner.cleanup()
        self._socket.close()


class StandInSpeech(SpeechSource):
    """The voice of this machine, started when it is used for the first time.

    Args:
        options: How Rime is reached; the address, the protocol and the key are replaced.
    """

    def __init__(self, options: RimeOptions) -> None:
        self._options = options
        self._starting: asyncio.Task[RimeSpeech] | None = None
        self._retry_at: float | None = None  # when it may be started again after it failed
        self._voice: LocalVoice | None = None
        self._tasks = Tasks("the voice of this machine")

    @override
    def speak(self, text: str | AsyncIterable[str], *, voice: VoiceOverrides | None = None) -> Utterance:
        stream: SpeechStream | None = None

        async def start() -> None:
            nonlocal stream
            try:
                stream = (await self._started()).speak(text, voice=voice)
                stream.subscribe(utterance)
            except Exception as error:  # the top of a task: the listener must get an end
                log.exception("the voice of this machine does not start")
                utterance.end(SpeechRejected(f"{type(error).__name__}: {error}"))

        def clear() -> None:
            starting.cancel()
            if stream is not None:
                stream.clear()

        def started(task: asyncio.Task[None]) -> None:
            if task.cancelled():  # perhaps before its first step
                utterance.end(SpeechUnavailable("the speech source was closed"))

        utterance = Utterance(clear)
        starting = self._tasks.start(start())
        starting.add_done_callback(started)
        return utterance

    @override
    async def aclose(self) -> None:
        self._tasks.cancel()
        await self._tasks.wait()
        if self._starting is not None:
            [speech] = await asyncio.gather(self._starting, return_exceptions=True)
            if isinstance(speech, RimeSpeech):
                await speech.aclose()
        if self._voice is not None:
            await self._voice.stop()

    async def _started(self) -> RimeSpeech:
        """The client of the running voice. The first caller starts it; one that is cancelled does not stop that."""
        loop = asyncio.get_running_loop()
        if self._starting is None or (self._retry_at is not None and loop.time() >= self._retry_at):
            self._retry_at = None
            self._starting = loop.create_task(self._start())
        return await asyncio.shield(self._starting)

    async def _start(self) -> RimeSpeech:
        log.info("starting the voice of this machine, to stand in for Rime")
        voice = None
        try:
            voice = LocalVoice()
            await voice.start()
        except BaseException:
            self._retry_at = asyncio.get_running_loop().time() + START_AGAIN_SECONDS
            if voice is not None:
                await voice.stop()
            raise
        self._voice = voice
        return RimeSpeech(replace(self._options, url=self._voice.url, protocol="ws3", api_key=LOCAL_KEY))


def open_clips(settings: Settings) -> ClipStore | None:
    """The clip store of the settings, or None where prompts are not cached."""
    if not settings.prompts.enabled:
        return None
    return ClipStore(settings.prompts_dir(), max_bytes=settings.prompts.max_bytes)


def open_voice(
    settings: RimeSettings, clips: ClipStore | None = None, speech: SpeechSettings | None = None
) -> OpenVoice:
    """Make the speech source that the settings name: Rime's, or with neither key nor address the local one.

    Args:
        settings: How Rime is reached, and which providers follow it.
        clips: The clip store, where prompts are cached.
        speech: Whether texts are cleaned of markup, and how long a slow author is waited for.

    Raises:
        ConfigurationError: An address, the protocol or the voice is wrong.
    """
    remote = bool(settings.api_key or settings.url)
    if settings.fallback_urls and not remote:
        problem = "is set, but neither rime.api_key nor rime.url is"
        raise ConfigurationError("rime.fallback_urls", problem, "set the host that comes first, or its key")
    local = None if remote else LocalVoice()
    speech = speech or SpeechSettings()
    options = replace(_options(settings, local), stalled_text_seconds=speech.stalled_seconds)
    rime = RimeSpeech(options)
    source = _with_failover(settings, options, rime, stand_in=remote)
    clean = speech.clean == "all"
    if clean:
        source = CleanedSpeech(source)
    cached = None
    if clips is not None:
        key = clip_names(options, _clip_host(options, local), clean=clean)
        source = cached = CachedSpeech(source, clips, key)
    if local is not None:
        log.warning("no rime.api_key and no rime.url: the voice of this machine speaks, by the same protocol")
        return OpenVoice(source, HUM_NAME if missing_packages() else LOCAL_NAME, rime, local, cached)
    description = f"Rime {settings.model} {settings.speaker} at {options.url}"
    return OpenVoice(source, description, rime, None, cached)


def _clip_host(options: RimeOptions, local: LocalVoice | None) -> str:
    """Who speaks, in the names of clips: a hum is not kept in the place of a voice that is installed later."""
    if local is None:
        return options.url
    return HUM_KEY if missing_packages() else LOCAL_KEY


def clip_names(options: RimeOptions, speaker_host: str, *, clean: bool = False) -> Key:
    """Make the function that names the clips of a source.

    Args:
        options: The protocol, and the voice unless an utterance overrides it.
        speaker_host: Who speaks; hosts may have other voices under the same names.
        clean: Whether texts are cleaned of markup before they are spoken.
    """
    family = "plain" if options.protocol == "ws" else "json"  # one has no word times
    if clean:
        family = f"cleaned {family}"

    usual = options.parameters.given()

    def key(text: str, voice: VoiceOverrides | None) -> str:
        given = speech_parameters({**usual, **voice}, where="voice").given() if voice else usual
        return clip_key(text, given, maker=f"{family} {speaker_host}")

    return key


def _options(settings: RimeSettings, local: LocalVoice | None) -> RimeOptions:
    return RimeOptions(
        url=local.url if local is not None else settings.url or CLOUD,
        protocol=settings.protocol,
        api_key=settings.api_key or (LOCAL_KEY if local is not None else ""),
        parameters=speech_parameters(settings.parameters()),
        warm_sockets=settings.warm_sockets,
        first_audio_seconds=settings.first_audio_seconds if local is None else LOCAL_FIRST_AUDIO_SECONDS,
        between_audio_seconds=settings.stall_seconds,
        most_audio=settings.most_audio,
    )


def _with_failover(settings: RimeSettings, options: RimeOptions, rime: RimeSpeech, *, stand_in: bool) -> SpeechSource:
    """Rime with failover to the other hosts and the local voice; alone where it is itself the voice of this machine."""
    if not stand_in:
        return rime
    first, stall = settings.first_audio_seconds, settings.stall_seconds
    providers = [Provider(_host(options.url), rime, first, stall)]
    for url in settings.fallback_urls:
        try:
            other = RimeSpeech(replace(options, url=url))
        except ConfigurationError as error:
            raise ConfigurationError("rime.fallback_urls", error.problem, error.hint) from error
        providers.append(Provider(_host(url), other, first, stall))
    if settings.local_fallback and not missing_packages():
        local = StandInSpeech(replace(options, first_audio_seconds=LOCAL_FIRST_AUDIO_SECONDS))
        providers.append(Provider("local", local, LOCAL_FIRST_AUDIO_SECONDS, stall, same_voice=False))
    if len(providers) == 1:  # what it leaves out is requested again; there is nobody to be in a hurry for
        providers = [replace(providers[0], first_audio_seconds=2 * (options.connect_seconds + first) + 1)]
    return FailoverSpeech(providers)


def _host(url: str) -> str:
    return urlsplit(url).netloc or url
