"""A source that speaks what it has spoken before from clips, and everything else once for all who ask at the same time.

A text is made by one task, whoever listens: those who ask while it is under way hear what has come so far, and the rest
as it comes. A clip in memory is had within the same turn of the event loop.

What all listeners have cleared is made to its end when it is short: the next caller hears the same prompt, and one that
everybody interrupts would otherwise never be kept. A long text, or one too many of them, is let go; speech costs money
and a connection.

One rule: only what was asked for is kept, whole. A text that broke off, or was spoken by a voice that stood in, is not.
"""

import asyncio
from collections.abc import AsyncIterable, Callable

from typing_extensions import override

from telebridge import metrics
from telebridge.errors import ConfigurationError, SpeechError, SpeechRejected, SpeechUnavailable
from telebridge.logs import logger
from telebridge.speech.cache.clip import Clip
from telebridge.speech.cache.store import ClipStore
from telebridge.speech.source import Audio, SpeechEvent, SpeechSource, SpeechStream, Voice, Word, Words
from telebridge.speech.utterance import Utterance, is_substitute

log = logger(__name__)

LONGEST_CHARACTERS = 2000
"""A longer text is hardly ever said twice."""
SHORT_CHARACTERS = 450
"""About thirty seconds of speech."""
MOST_UNHEARD = 4
WAIT_SECONDS = 0.3
"""How long a caller waits for another process that is making the same clip."""
LOOK_AGAIN_SECONDS = 0.05

Key = Callable[[str, Voice | None], str]
"""The name of the clip of a text and an utterance's own parameters; `ConfigurationError` where these are wrong."""


class CachedSpeech(SpeechSource):
    """Speaks from clips, and through `source` what there is no clip of. Token streams go straight through.

    Args:
        source: Speaks; closed with this.
        clips: Keeps what it spoke.
        key: Names clips.
        wait_seconds: How long to wait for another process that is making the same clip.
    """

    def __init__(self, source: SpeechSource, clips: ClipStore, key: Key, *, wait_seconds: float = WAIT_SECONDS) -> None:
        self._source = source
        self._clips = clips
        self._key = key
        self._wait = wait_seconds
        self._making: dict[str, _Making] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @override
    def speak(self, text: str | AsyncIterable[str], *, voice: Voice | None = None) -> SpeechStream:
        if not isinstance(text, str) or len(text) > LONGEST_CHARACTERS or not text.strip():
            return self._source.speak(text, voice=voice)
        try:
            key = self._key(text, voice)
        except ConfigurationError:
            return self._source.speak(text, voice=voice)  # which knows how to refuse it
        if (clip := self._clips.hot(key)) is not None:
            metrics.CLIPS.labels("memory").inc()
            return _spoken(clip)
        making = self._making.get(key)
        if making is None:
            making = self._making[key] = self._make(key, text, voice)
        else:
            metrics.CLIPS.labels("shared").inc()
        return making.listen()

    async def is_kept(self, text: str, *, voice: Voice | None = None) -> bool:
        """Whether there is a clip of a text.

        Raises:
            ConfigurationError: The parameters are wrong.
        """
        return await self._clips.find(self._key(text, voice)) is not None

    async def settled(self) -> None:
        """Wait until everything under way is spoken, and written as far as that can be done."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @override
    async def aclose(self) -> None:
        for making in self._making.values():
            making.cancel()
        await self.settled()  # what is complete is still written
        await self._source.aclose()

    def _make(self, key: str, text: str, voice: Voice | None) -> "_Making":
        making = _Making(lambda: self._unheard(key, text, making))
        making.task = task = asyncio.get_running_loop().create_task(self._run(making, key, text, voice))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before its first step never gets to say so itself.
        task.add_done_callback(lambda _: self._over(key, making, SpeechUnavailable("the speech source was closed")))
        return making

    def _unheard(self, key: str, text: str, making: "_Making") -> None:
        """Nobody listens any more: let it go, or have it made to its end."""
        unheard = sum(not each.heard for each in self._making.values())
        if len(text) > SHORT_CHARACTERS or unheard > MOST_UNHEARD:
            making.cancel()
            self._over(key, making)

    def _over(self, key: str, making: "_Making", error: SpeechError | None = None) -> None:
        """Who asks from now on finds a clip, or has it made anew."""
        if self._making.get(key) is making:
            del self._making[key]
        making.end(error)

    async def _run(self, making: "_Making", key: str, text: str, voice: Voice | None) -> None:
        claimed = False
        try:
            clip, claimed = await self._clips.find_or_claim(key)
            if clip is None and not claimed:
                clip = await self._made_elsewhere(key)
            if clip is not None:
                metrics.CLIPS.labels("disk").inc()
                for event in clip.events():
                    making.put(event)
                self._over(key, making)
                return
            metrics.CLIPS.labels("made").inc()
            await self._speak(making, key, text, voice)
        except SpeechError as error:
            self._over(key, making, error)
        except Exception as error:  # the top of a task: whoever listens must learn of it
            log.exception("a prompt could not be spoken")
            self._over(key, making, SpeechRejected(f"{type(error).__name__}: {error}"))
        finally:
            if claimed:
                await self._clips.release(key)

    async def _made_elsewhere(self, key: str) -> Clip | None:
        """Wait a little for the process that is making the clip."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._wait
        while loop.time() < until:
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            if (clip := await self._clips.find(key)) is not None:
                return clip
        return None

    async def _speak(self, making: "_Making", key: str, text: str, voice: Voice | None) -> None:
        stream = self._source.speak(text, voice=voice)
        try:
            async for event in stream:
                making.put(event)
        finally:
            stream.clear()
        making.substitute = is_substitute(stream)
        clip = making.clip()
        kept = bool(clip.audio) and not making.substitute
        if kept:
            self._clips.hold(key, clip)
        self._over(key, making)
        if kept:
            await self._clips.keep(key, clip)


class _Making:
    """One text being spoken, and all who listen.

    Args:
        unheard: Told when the last of them has cleared.

    Attributes:
        task: Speaks it.
        substitute: Whether another voice stood in.
    """

    def __init__(self, unheard: Callable[[], None]) -> None:
        self.task: asyncio.Task[None] | None = None
        self.substitute = False
        self._unheard = unheard
        self._events: list[SpeechEvent] = []
        self._listeners: list[Utterance] = []

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def listen(self) -> Utterance:
        """All of it, from the beginning."""
        listener = Utterance(lambda: self._left(listener))
        for event in self._events:
            listener.put(event)
        self._listeners.append(listener)
        return listener

    def put(self, event: SpeechEvent) -> None:
        """Hand on what was spoken."""
        self._events.append(event)
        for listener in self._listeners:
            listener.put(event)

    def cancel(self) -> None:
        """Stop speaking it."""
        if self.task is not None:
            self.task.cancel()

    def end(self, error: SpeechError | None = None) -> None:
        """There is no more."""
        for listener in self._listeners:
            listener.substitute = self.substitute
            listener.end(error)

    def clip(self) -> Clip:
        """What was spoken."""
        audio: list[bytes] = []
        words: list[Word] = []
        for event in self._events:
            match event:
                case Audio(data):
                    audio.append(data)
                case Words(more):
                    words += more
        return Clip(b"".join(audio), tuple(words))

    def _left(self, listener: Utterance) -> None:
        self._listeners.remove(listener)
        if not self._listeners:
            self._unheard()


def _spoken(clip: Clip) -> Utterance:
    utterance = Utterance()
    for event in clip.events():
        utterance.put(event)
    utterance.end()
    return utterance
