"""A speech source with a cache of clips in front of it, in memory and on disk.

A text that is not cached is spoken once for all who request it at the same time (single flight): a listener who joins
late gets what has come so far, then the rest as it comes. A clip in memory is there within the same turn of the event
loop.

When the last listener has cleared, the source is cleared within the same call: a caller's interruption reaches the
service at once, and no clip is made of what nobody hears to its end.

One rule: only a whole utterance in the requested voice is cached, not one that broke off or has a substitute voice.
"""

import asyncio
from collections.abc import AsyncIterable, Callable, Sequence

from typing_extensions import override

from telebridge import metrics
from telebridge.errors import ConfigurationError, SpeechError, SpeechRejected, SpeechUnavailable
from telebridge.logs import logger
from telebridge.speech.cache.clip import Clip
from telebridge.speech.cache.store import ClipStore
from telebridge.speech.source import Audio, SpeechEvent, SpeechSource, SpeechStream, VoiceOverrides, Word, Words
from telebridge.speech.utterance import SharedUtterance, Utterance
from telebridge.tasks import Tasks

log = logger(__name__)

LONGEST_CHARACTERS = 2000
"""A longer text is not cached: it is hardly ever spoken twice."""
WAIT_SECONDS = 0.3
"""How long a caller waits for another process that is making the same clip."""
POLL_SECONDS = 0.05

Key = Callable[[str, VoiceOverrides | None], str]
"""Returns the clip key of a text and its voice; raises `ConfigurationError` where the voice's parameters are wrong."""


class CachedSpeech(SpeechSource):
    """Speaks from clips, and through `source` what there is no clip of. Token streams are not cached.

    Args:
        source: Speaks; closed with this.
        clips: Stores what `source` spoke.
        key: Names clips.
        wait_seconds: How long to wait for another process that is making the same clip.
    """

    def __init__(self, source: SpeechSource, clips: ClipStore, key: Key, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._source = source
        self._clips = clips
        self._key = key
        self._wait_seconds = wait_seconds
        self._flights: dict[str, _Flight] = {}
        self._tasks = Tasks("speech cache")

    @override
    def speak(self, text: str | AsyncIterable[str], *, voice: VoiceOverrides | None = None) -> SpeechStream:
        if not isinstance(text, str) or len(text) > LONGEST_CHARACTERS or not text.strip():
            return self._source.speak(text, voice=voice)
        try:
            key = self._key(text, voice)
        except ConfigurationError:
            return self._source.speak(text, voice=voice)  # which reports it as the stream's error
        if (clip := self._clips.in_memory(key)) is not None:
            metrics.CLIPS.labels("memory").inc()
            return _stream_of(clip)
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = self._start(key, text, voice)
        else:
            metrics.CLIPS.labels("shared").inc()
        return flight.shared.listen()

    async def is_cached(self, text: str, *, voice: VoiceOverrides | None = None) -> bool:
        """Whether there is a clip of a text, in memory or on disk.

        Raises:
            ConfigurationError: The voice's parameters are wrong.
        """
        return await self._clips.find(self._key(text, voice)) is not None

    async def wait(self) -> None:
        """Wait until every text under way was spoken, and written to disk as far as that is possible."""
        await self._tasks.wait()

    @override
    async def aclose(self) -> None:
        for flight in tuple(self._flights.values()):
            flight.task.cancel()
        await self.wait()  # clips that are complete are still written
        await self._source.aclose()

    def _start(self, key: str, text: str, voice: VoiceOverrides | None) -> "_Flight":
        shared = SharedUtterance(lambda: self._abandoned(flight), lambda error: self._ended(flight, error))
        flight = _Flight(key, shared)
        flight.task = self._tasks.start(self._run(flight, text, voice))
        # A task that is cancelled before its first step runs no `finally` of its own.
        flight.task.add_done_callback(lambda _: flight.shared.end(SpeechUnavailable("the speech source was closed")))
        return flight

    async def _run(self, flight: "_Flight", text: str, voice: VoiceOverrides | None) -> None:
        locked = False
        try:
            clip, locked = await self._clips.find_or_lock(flight.key)
            if clip is None and not locked:
                clip = await self._made_elsewhere(flight.key)
            if clip is not None:
                metrics.CLIPS.labels("disk").inc()
                for event in clip.events():
                    flight.shared.put(event)
                flight.shared.end()
                return
            metrics.CLIPS.labels("made").inc()
            await self._speak(flight, text, voice)
        except SpeechError as error:
            flight.shared.end(error)
        except Exception as error:  # the top of a task: the listeners must get an end
            log.exception("a prompt cannot be spoken")
            flight.shared.end(SpeechRejected(f"{type(error).__name__}: {error}"))
        finally:
            if locked:
                await self._clips.unlock(flight.key)

    async def _made_elsewhere(self, key: str) -> Clip | None:
        """Wait a little for the process that is making the clip."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._wait_seconds
        while loop.time() < until:
            await asyncio.sleep(POLL_SECONDS)
            if (clip := await self._clips.find(key)) is not None:
                return clip
        return None

    async def _speak(self, flight: "_Flight", text: str, voice: VoiceOverrides | None) -> None:
        """Have the text spoken to the flight's listeners, then write the clip."""
        flight.stream = stream = self._source.speak(text, voice=voice)
        try:
            stream.subscribe(flight.shared)
            await flight.ended.wait()
        finally:
            stream.clear()
        if flight.clip is not None:
            await self._clips.write(flight.key, flight.clip)

    @staticmethod
    def _abandoned(flight: "_Flight") -> None:
        """Nobody listens any more: have the source stop now, and the task that waits for it end."""
        if flight.stream is not None:
            flight.stream.clear()
        flight.task.cancel()
        flight.shared.end(SpeechUnavailable("nobody listens"))

    def _ended(self, flight: "_Flight", error: SpeechError | None) -> None:
        """Forget the flight, and hold its clip in memory: whoever requests the text from now on gets that."""
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
        if flight.stream is not None and error is None:
            flight.shared.substitute = flight.stream.substitute
            clip = _clip_of(flight.shared.events)
            if clip.audio and not flight.shared.substitute:
                self._clips.put_in_memory(flight.key, clip)
                flight.clip = clip
        flight.ended.set()


class _Flight:
    """A text being spoken for everybody who requested it.

    Attributes:
        key: Of its clip.
        shared: What is spoken, for all listeners.
        task: Finds the clip, or has it made and written.
        stream: The source's stream, unless a clip was found.
        clip: What was spoken, when it is to be cached.
        ended: Set when `shared` has ended.
    """

    task: asyncio.Task[None]

    def __init__(self, key: str, shared: SharedUtterance) -> None:
        self.key = key
        self.shared = shared
        self.stream: SpeechStream | None = None
        self.clip: Clip | None = None
        self.ended = asyncio.Event()


def _clip_of(events: Sequence[SpeechEvent]) -> Clip:
    audio: list[bytes] = []
    words: list[Word] = []
    for event in events:
        match event:
            case Audio(data):
                audio.append(data)
            case Words(more):
                words += more
    return Clip(b"".join(audio), tuple(words))


def _stream_of(clip: Clip) -> Utterance:
    utterance = Utterance()
    for event in clip.events():
        utterance.put(event)
    utterance.end()
    return utterance
