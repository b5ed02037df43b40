"""Speech that ends, stalls or goes on as no speech of the text would.

One rule: whether a text was spoken is judged by the audio that came for it, never by the marker of its end.
"""

import asyncio
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs
from support.faults import fault
from support.speech import KnownVoice, audio_of, heard, local_rime
from support.virtual_time import virtually
from websockets.asyncio.server import serve
from websockets.protocol import State

from telebridge import metrics
from telebridge.rime.client import RimeSpeech
from telebridge.rime.connections import Connections
from telebridge.rime.parameters import RimeOptions
from telebridge.speech.cache.cached_source import CachedSpeech
from telebridge.speech.cache.clip import clip_key
from telebridge.speech.cache.store import ClipStore
from telebridge.speech.failover import Provider
from telebridge.speech.failover_source import FailoverSpeech
from telebridge.speech.source import Audio
from telebridge.speech_server.options import SpeechServerFaults

TEXT = "Thank you for calling, your appointment is on Monday at ten in the morning, please be early."
PROTOCOLS = ["ws", "ws3"]
STALL_SECONDS = 5.0


class Counting(KnownVoice):
    """Counts the texts that it is to speak."""

    def __init__(self):
        self.texts = []

    async def say(self, phrase):
        self.texts.append(phrase.text)
        async for event in super().say(phrase):
            yield event


@asynccontextmanager
async def rime_then_other(protocol="ws3", **faults):
    """Rime with faults, then a host without; gives the source and the texts that each of the two spoke."""
    first, second = Counting(), Counting()
    async with (
        local_rime(voice=first, faults=SpeechServerFaults(**faults)) as broken,
        local_rime(voice=second) as good,
    ):
        providers = []
        for name, url in (("rime", broken), ("other", good)):
            options = RimeOptions(
                url=url, protocol=protocol, api_key="key", warm_sockets=0, between_audio_seconds=STALL_SECONDS
            )
            providers.append(Provider(name, RimeSpeech(options), 3.0, STALL_SECONDS))
        source = FailoverSpeech(providers)
        try:
            yield source, second.texts
        finally:
            await source.aclose()


def now():
    return asyncio.get_running_loop().time()


def failures(logged):
    return [line for line in logged if line["log_level"] != "info" and line["log_level"] != "debug"]


@fault(
    "Rime ends a text as spoken without any audio",
    caller="the text, by the next provider, within a second",
    operator="log `a speech provider failed` once, after a second attempt: how long the text is, and 0.0 s of audio",
    kept="every word; the next caller is still offered Rime first",
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@virtually
async def test_an_end_without_audio(protocol):
    async with rime_then_other(protocol, no_audio=True) as (source, by_other):
        began = now()
        with capture_logs() as logged:
            audio, _ = await heard(source.speak(TEXT))
        assert audio == audio_of(TEXT)
        assert now() - began < 1.0
        [line] = failures(logged)
        assert (line["event"], line["provider"]) == ("a speech provider failed", "rime")
        assert "after 0.0 s of audio" in line["error"]
        assert line["error"].endswith("twice")
        assert by_other == [TEXT]
        assert source.order(now=now()) == [0, 1]


@fault(
    "Rime sends a tenth of a second of audio every four seconds",
    caller="the text, by the next provider, once five seconds of audio are missing in all",
    operator="log `a speech provider failed` with how much audio came in what time",
    kept="every word after the last one that was heard",
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@virtually
async def test_a_trickle_of_audio(protocol):
    async with rime_then_other(protocol, trickle=(0.1, 4.0)) as (source, by_other):
        began = now()
        with capture_logs() as logged:
            audio, _ = await heard(source.speak(TEXT))
        assert now() - began < STALL_SECONDS + 1
        [line] = failures(logged)
        assert "stalls: 0.2 s of audio came in 5.2 s" in line["error"]
        assert by_other == [TEXT]
        assert audio.endswith(audio_of(TEXT))


@fault(
    "Rime sends empty chunks, or chunks of another context, in place of audio",
    caller="the rest of the text, by the next provider, after `stall_seconds`",
    operator="log `a speech provider failed`",
    kept="every word after the last one that was heard",
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("before", [0, 16000])
@virtually
async def test_messages_without_audio(protocol, before):
    async with rime_then_other(protocol, empty_frames=0.5, empty_after_bytes=before) as (source, by_other):
        began = now()
        with capture_logs() as logged:
            audio, _ = await heard(source.speak(TEXT))
        assert now() - began < STALL_SECONDS + 1
        assert len(failures(logged)) == 1
        assert TEXT.endswith(by_other[0])
        assert audio.endswith(audio_of(by_other[0]))


@fault(
    "Rime closes `/ws` with code 1000 in the middle of a sentence",
    caller="the rest of the sentence from about the last word that was heard, by Rime again, then by the next provider",
    operator="log `a speech provider failed` for each time, with how much audio came",
    kept="every word",
)
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
@virtually
async def test_a_clean_close_in_mid_sentence(share):
    size = round(share * len(audio_of(TEXT)))
    async with rime_then_other("ws", clean_close_after_bytes=size) as (source, by_other):
        with capture_logs() as logged:
            audio, _ = await heard(source.speak(TEXT))
        assert {line["provider"] for line in failures(logged)} == {"rime"}
        assert 1 <= len(failures(logged)) <= 2
        spoken = audio[: len(audio) - len(audio_of(by_other[0]))] if by_other else audio
        assert spoken.startswith(audio_of(TEXT)[:size])
        if by_other:
            assert TEXT.endswith(by_other[0])
            assert audio.endswith(audio_of(by_other[0]))
        else:
            assert failures(logged), "Rime spoke the rest at its second attempt"


@fault(
    "Rime sends a hundred times the audio of a sentence",
    caller="the first of it, up to `rime.most_audio` times the most that the text can take; then the next prompt",
    operator="log `Rime sent far too much audio: cut` once for the text; metric `telebridge_speech_cut`",
    kept="no clip is made of it; Rime is sent `<CLEAR>`",
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@virtually
async def test_far_too_much_audio(protocol):
    before = metrics.SPEECH_CUT._value.get()
    async with rime_then_other(protocol, repeat=100) as (source, by_other):
        stream = source.speak(TEXT)
        with capture_logs() as logged:
            audio, _ = await heard(stream)
        assert len(audio_of(TEXT)) < len(audio) < 8 * len(audio_of(TEXT))
        [line] = failures(logged)
        assert line["event"] == "Rime sent far too much audio: cut"
        assert stream.substitute, "so that it is not cached"
        assert by_other == []
    assert metrics.SPEECH_CUT._value.get() == before + 1


class ListeningRime:
    """A plain Rime that speaks in real time for a minute, and keeps the frames that come."""

    def __init__(self):
        self.frames = []

    async def talk(self, connection):
        async def speak():
            for _ in range(600):
                await connection.send(b"\x55" * 800)
                await asyncio.sleep(0.1)

        speaking = asyncio.create_task(speak())
        try:
            async for frame in connection:
                self.frames.append(frame)
        finally:
            speaking.cancel()
            await asyncio.gather(speaking, return_exceptions=True)


@fault(
    "A caller interrupts a static prompt of any length",
    caller="silence at once",
    operator="`<CLEAR>` on the session that speaks, before it is closed",
    kept="the synthesis that another caller listens to, until that one has cleared as well",
)
@pytest.mark.parametrize("text", [TEXT, TEXT * 6])
@pytest.mark.parametrize("listeners", [1, 2])
@virtually
async def test_an_interruption_reaches_rime(tmp_path, text, listeners):
    rime = ListeningRime()
    async with serve(rime.talk, "127.0.0.1", 0) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        source = FailoverSpeech(
            [Provider("rime", RimeSpeech(RimeOptions(url=url, protocol="ws", warm_sockets=0)), 3.0, 5.0)]
        )
        clips = ClipStore(tmp_path, max_bytes=1 << 20)
        cached = CachedSpeech(source, clips, lambda text, _: clip_key(text, {}, maker="test"))
        streams = [cached.speak(text) for _ in range(listeners)]
        for stream in streams:
            assert isinstance(await anext(stream), Audio)
        for stream in streams:
            assert "<CLEAR>" not in rime.frames
            stream.clear()
            await asyncio.sleep(0.05)
        assert rime.frames[-1] == "<CLEAR>"
        await cached.aclose()


@fault(
    "Opening a spare connection to Rime fails with an error that nobody foresaw",
    caller="nothing; a prompt may begin a handshake later",
    operator="log `a connection to Rime cannot be opened` with the traceback, then `no spare connection to Rime`",
    kept="the spares: the next one is opened after the back-off",
)
@virtually
async def test_an_unforeseen_error_while_a_spare_is_opened():
    class Spare:
        state = State.OPEN

        async def close(self):
            pass

    errors = [RuntimeError("a library"), KeyError("another")]

    async def opener(_):
        if errors:
            raise errors.pop(0)
        return Spare()

    kept = Connections(RimeOptions(url="ws://rime", warm_sockets=1))
    kept._connect = opener
    with capture_logs() as logged:
        kept.keep_warm("ws://rime")
        await asyncio.sleep(10)
    assert isinstance(await kept.acquire("ws://rime"), Spare)
    assert [line["event"] for line in logged] == 2 * [
        "a connection to Rime cannot be opened",
        "no spare connection to Rime",
    ]
    await kept.aclose()
