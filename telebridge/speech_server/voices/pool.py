"""A pool of worker processes that implements the `Synthesizer` protocol with espeak-ng.

Phrases wait in one queue, and the next free process takes the next phrase. A socket requests one phrase at a time, so
sockets that speak at once take turns. A process is free again when its phrase is complete, however slowly the client
reads it.

One rule: when a process dies, another one synthesizes its phrase again, and skips the audio that was already sent.
"""

import asyncio
import importlib.util
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import msgspec
from typing_extensions import override

from telebridge.logs import logger
from telebridge.speech_server.voices.espeak_names import ESPEAK_VOICES, variant_of
from telebridge.speech_server.voices.messages import (
    LENGTH,
    PhraseFailed,
    PhraseFinished,
    PhraseSamples,
    SayPhrase,
    WorkerMessage,
    WorkerReady,
    decode_message,
    encode,
)
from telebridge.speech_server.voices.voice import (
    Pcm,
    Phrase,
    SpokenWords,
    Synthesizer,
    VoiceEvent,
    VoiceFailed,
    WordStart,
    spoken_words,
)

log = logger(__name__)

NORMAL_WORDS_PER_MINUTE = 170
ATTEMPTS = 3
START_SECONDS = 30.0
PHRASE_SECONDS = 20.0
STOP_SECONDS = 2.0
RESTART_SECONDS = 1.0
_NEEDED = ("espeakng_loader", "numpy", "soxr")
_DEATHS = (OSError, asyncio.IncompleteReadError, TimeoutError, msgspec.MsgspecError)


def missing_packages() -> list[str]:
    """Return the packages of the extra `telebridge[voice]` that are missing for this synthesizer."""
    return [name for name in _NEEDED if importlib.util.find_spec(name) is None]


def request_of(phrase: Phrase) -> SayPhrase:
    """Convert a phrase to the parameters of espeak-ng."""
    variant, pitch = variant_of(phrase.speaker)
    return SayPhrase(
        text=phrase.text,
        voice=f"{ESPEAK_VOICES.get(phrase.lang, ESPEAK_VOICES['eng'])}+{variant}",
        words_per_minute=round(NORMAL_WORDS_PER_MINUTE * phrase.speed),
        pitch=pitch,
        sample_rate=phrase.sample_rate,
        phonetic=phrase.phonetic,
        pause_after=phrase.pause_after,
    )


@dataclass(eq=False, slots=True)
class _Job:
    """A phrase that a client waits for.

    Attributes:
        messages: The worker's messages; None when no process could synthesize the phrase.
        abandoned: The client is gone.
        attempts: How many processes have tried.
        given_bytes: How much audio was sent to the client.
    """

    request: SayPhrase
    messages: asyncio.Queue[PhraseSamples | PhraseFinished | PhraseFailed | None] = field(default_factory=asyncio.Queue)
    abandoned: bool = False
    attempts: int = 0
    given_bytes: int = 0


class EspeakWorkers(Synthesizer):
    """Runs espeak-ng in worker processes.

    Args:
        count: The number of processes; more than there are cores is of no use.
    """

    def __init__(self, *, count: int) -> None:
        self._count = count
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._processes: dict[int, int] = {}

    @property
    def process_ids(self) -> list[int]:
        """The ids of the running processes."""
        return list(self._processes.values())

    @override
    async def start(self) -> None:
        """Start the processes, and wait until each is ready.

        Raises:
            VoiceFailed: A process could not be started.
        """
        started = [asyncio.get_running_loop().create_future() for _ in range(self._count)]
        self._tasks = [
            asyncio.create_task(self._work(number, future), name=f"voice {number}")
            for number, future in enumerate(started)
        ]
        try:
            await asyncio.gather(*started)
        except VoiceFailed:
            await self.aclose()
            raise

    @override
    async def aclose(self) -> None:
        """Stop all processes and wait for them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        self._fail_queued_jobs()

    def _fail_queued_jobs(self) -> None:
        """Fail the queued jobs when no process is left and none can be started."""
        while not self._processes and not self._jobs.empty():
            self._jobs.get_nowait().messages.put_nowait(None)

    @override
    async def say(self, phrase: Phrase) -> AsyncIterator[VoiceEvent]:
        """Synthesize `phrase` when a process is free."""
        if not self._tasks:
            msg = "the voice is closed"
            raise VoiceFailed(msg)
        job = _Job(request_of(phrase))
        self._jobs.put_nowait(job)
        try:
            while True:
                match await job.messages.get():
                    case PhraseSamples(data=data):
                        yield Pcm(data)
                    case PhraseFinished(starts=starts, duration_seconds=duration_seconds):
                        places = [WordStart(character, seconds) for character, seconds in starts]
                        text = "" if phrase.phonetic else phrase.text
                        yield SpokenWords(spoken_words(text, places, duration_seconds=duration_seconds))
                        return
                    case PhraseFailed(problem=problem):
                        raise VoiceFailed(problem)
                    case None:
                        msg = "no voice process could say the phrase"
                        raise VoiceFailed(msg)
        finally:
            job.abandoned = True

    async def _work(self, number: int, started: "asyncio.Future[None]") -> None:
        """Keep one process alive and give it phrases, until cancelled."""
        job: _Job | None = None
        try:
            while True:
                job = await self._with_a_process(number, job, started)
        finally:
            if job is not None:
                job.messages.put_nowait(None)
            if not started.done():
                started.cancel()

    async def _with_a_process(self, number: int, job: _Job | None, started: "asyncio.Future[None]") -> _Job | None:
        """Start a process and use it until it dies. The phrase it died with is the answer, if it may be tried again."""
        process: _Process | None = None
        try:
            process = await _Process.start()
            self._processes[number] = process.pid
            if not started.done():
                started.set_result(None)
            while True:
                job = job if job is not None else await self._jobs.get()
                if not job.abandoned:
                    await _say(process, job)
                job = None
        except _DEATHS as error:
            log.warning("a voice process ended and is started again", worker=number, error=repr(error))
            if not started.done():
                started.set_exception(VoiceFailed(f"the voice does not start: {error!r}"))
            if process is None:
                self._fail_queued_jobs()
                await asyncio.sleep(RESTART_SECONDS)
            return _still_wanted(job)
        finally:
            self._processes.pop(number, None)
            if process is not None:
                await process.stop()


def _still_wanted(job: _Job | None) -> _Job | None:
    if job is None or job.abandoned:
        return None
    if job.attempts < ATTEMPTS:
        return job
    job.messages.put_nowait(None)
    return None


async def _say(process: "_Process", job: _Job) -> None:
    """Synthesize the phrase of `job` in `process`, and skip the audio that an earlier process has already sent."""
    job.attempts += 1
    to_skip = job.given_bytes
    async with asyncio.timeout(PHRASE_SECONDS):
        await process.send(job.request)
        while True:
            match await process.receive():
                case PhraseSamples(data=data):
                    fresh = data[to_skip:]
                    to_skip -= len(data) - len(fresh)
                    job.given_bytes += len(fresh)
                    if fresh:
                        job.messages.put_nowait(PhraseSamples(fresh))
                case (PhraseFinished() | PhraseFailed()) as last:
                    job.messages.put_nowait(last)
                    return
                case WorkerReady():
                    pass


class _Process:
    """One worker process and its two pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise AssertionError  # Both were asked for.
        self._process = process
        self._requests = process.stdin
        self._messages = process.stdout

    @classmethod
    async def start(cls) -> "_Process":
        """Start a process, and wait until it is ready.

        Raises:
            OSError: The process cannot be started.
            asyncio.IncompleteReadError: The process ended at once.
            TimeoutError: The process does not become ready in time.
        """
        # The process must import this package from the same place, installed or not.
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        started = cls(
            await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "telebridge.speech_server.voices.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=environment,
                limit=1 << 20,
            )
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                await started.receive()
        except BaseException:
            await started.stop()
            raise
        return started

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def send(self, request: SayPhrase) -> None:
        """Send the next phrase."""
        self._requests.write(encode(request))
        await self._requests.drain()

    async def receive(self) -> WorkerMessage:
        """Return the next message of the process."""
        (length,) = LENGTH.unpack(await self._messages.readexactly(LENGTH.size))
        return decode_message(await self._messages.readexactly(length))

    async def stop(self) -> None:
        """Stop the process and close both pipes."""
        self._requests.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                # Its remaining messages are read and dropped: it may be waiting for room in the pipe.
                await self._messages.read()
                await self._process.wait()
        except TimeoutError:
            if self._process.returncode is None:
                self._process.kill()
            await self._messages.read()
            await self._process.wait()
        try:
            await self._requests.wait_closed()
        except OSError:
            # The pipe broke with its process, so it is closed.
            return
