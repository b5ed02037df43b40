"""The bridge's Rime client and the local Rime, over real sockets on loopback and on virtual time."""

import asyncio
import itertools

import pytest
from support.speech import SYSTEMS, audio_of, heard, local_rime, rime_speech
from support.virtual_time import virtually

from telebridge.errors import SpeechRejected, SpeechUnavailable
from telebridge.rime.parameters import speech_parameters
from telebridge.speech.source import Audio
from telebridge.speech_server.options import SpeechServerFaults

TEXT = "The quick brown fox jumps over the lazy dog."


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@pytest.mark.parametrize("chunk_bytes", [0, pytest.param(1, marks=pytest.mark.slow), 7, 160, 4096, 65536])
@virtually
async def test_every_byte_comes_once_and_in_order_whatever_the_chunks(protocol, model, chunk_bytes):
    async with (
        local_rime(faults=SpeechServerFaults(chunk_bytes=chunk_bytes)) as url,
        rime_speech(url, protocol, model) as source,
    ):
        audio, _ = await heard(source.speak(TEXT))
        assert audio == audio_of(TEXT)


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_utterances_follow_each_other_over_warm_connections(protocol, model):
    async with local_rime() as url, rime_speech(url, protocol, model) as source:
        source.start()
        for text in ("One.", "Two.", "Three."):
            assert (await heard(source.speak(text)))[0] == audio_of(text)


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_utterances_at_once_do_not_mix(protocol, model):
    async with local_rime() as url, rime_speech(url, protocol, model) as source:
        texts = [f"This is utterance number {number}." for number in range(8)]
        spoken = await asyncio.gather(*(heard(source.speak(text)) for text in texts))
        assert [audio for audio, _ in spoken] == [audio_of(text) for text in texts]


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_a_long_text_is_spoken_whole_within_the_limit(protocol, model):
    sentences = [f"Sentence number {number} has a few words." for number in range(40)]
    async with local_rime(max_characters=500) as url, rime_speech(url, protocol, model) as source:
        audio, words = await heard(source.speak(" ".join(sentences)))
    assert audio == b"".join(audio_of(sentence) for sentence in sentences)
    if protocol != "ws":
        assert [word.text for word in words] == " ".join(sentences).split()
        assert all(one.end_ms <= two.start_ms + 0.01 for one, two in itertools.pairwise(words))
        assert words[-1].end_ms == pytest.approx(len(audio) / 8, abs=1)


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_tokens_are_spoken_as_they_come(protocol, model):
    async def tokens():
        for token in ("First ", "sentence. ", "Second", " sentence", ". ", "Third."):
            yield token
            await asyncio.sleep(0.9)  # after a second without a token, what there is would be spoken

    async with local_rime() as url, rime_speech(url, protocol, model) as source:
        stream = source.speak(tokens())
        began = asyncio.get_running_loop().time()
        first = await anext(stream)
        assert asyncio.get_running_loop().time() - began < 2, "the first sentence does not wait for the last"
        audio, _ = await heard(stream)
    expected = b"".join(audio_of(text) for text in ("First sentence.", "Second sentence.", "Third."))
    assert first.data + audio == expected


@virtually
async def test_what_the_author_of_the_text_raises_ends_the_utterance():
    async def tokens():
        yield "Fine so far. "
        raise ValueError("the model is gone")

    async with local_rime() as url, rime_speech(url) as source:
        with pytest.raises(SpeechRejected, match="the model is gone"):
            await heard(source.speak(tokens()))


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_after_a_clear_nothing_stale_is_heard_although_the_server_goes_on(protocol, model):
    faults = SpeechServerFaults(stale_seconds=10, pace=1, chunk_bytes=333)
    async with local_rime(faults=faults) as url, rime_speech(url, protocol, model) as source:
        stream = source.speak(TEXT)
        assert isinstance(await anext(stream), Audio)
        stream.clear()
        assert [event async for event in stream] == []
        audio, _ = await heard(source.speak("Next."))
        assert audio == audio_of("Next.")


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_text_is_never_a_command(protocol, model):
    async with local_rime(lenient_commands=True) as url, rime_speech(url, protocol, model) as source:
        audio, _ = await heard(source.speak("<EOS>"))
        assert audio


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, SpeechRejected, "Rime refuses the API key: invalid api key; check rime.api_key or RIME_API_KEY"),
        (429, SpeechUnavailable, "cannot take the connection: invalid api key"),
        (500, SpeechUnavailable, "cannot take the connection: invalid api key"),
    ],
)
@virtually
async def test_a_refused_connection_says_why(protocol, model, status, error, words):
    faults = SpeechServerFaults(refuse_status=status, refuse_words="invalid api key")
    async with local_rime(faults=faults) as url, rime_speech(url, protocol, model) as source:
        source.start()
        with pytest.raises(error, match=words) as caught:
            await heard(source.speak(TEXT))
        assert caught.value.status == status


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_a_close_with_an_error_after_audio_keeps_what_came_and_tells_the_rest(protocol, model):
    async with (
        local_rime(faults=SpeechServerFaults(close_after_bytes=5000)) as url,
        rime_speech(url, protocol, model) as source,
    ):
        stream, audio = source.speak(TEXT), b""
        with pytest.raises(SpeechUnavailable, match="internal error"):  # noqa: PT012 - what came before counts too
            async for event in stream:
                audio += event.data
        assert audio
        assert audio_of(TEXT).startswith(audio)


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_a_connection_that_breaks_off_is_an_error(protocol, model):
    async with (
        local_rime(faults=SpeechServerFaults(cut_after_bytes=5000)) as url,
        rime_speech(url, protocol, model) as source,
    ):
        with pytest.raises(SpeechUnavailable, match="lost"):
            await heard(source.speak(TEXT))


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@virtually
async def test_a_server_that_takes_text_and_says_nothing_is_dead_by_deadline(protocol, model):
    async with local_rime(faults=SpeechServerFaults(silent=True)) as url, rime_speech(url, protocol, model) as source:
        began = asyncio.get_running_loop().time()
        with pytest.raises(SpeechUnavailable, match="took the text and sent nothing for 5 s"):
            await heard(source.speak(TEXT))
        assert asyncio.get_running_loop().time() - began == pytest.approx(10, abs=0.1), "tried twice, five seconds each"


@pytest.mark.parametrize(("protocol", "model"), SYSTEMS)
@pytest.mark.parametrize("chunk_bytes", [0, 1, 65536])
@virtually
async def test_a_wav_header_is_told_and_nothing_of_it_is_heard(protocol, model, chunk_bytes):
    faults = SpeechServerFaults(wav_instead=True, chunk_bytes=chunk_bytes)
    async with local_rime(faults=faults) as url, rime_speech(url, protocol, model) as source:
        stream, audio = source.speak(TEXT), b""
        with pytest.raises(SpeechRejected, match="WAV file where mu-law was asked for"):  # noqa: PT012 - as above
            async for event in stream:
                audio += event.data
        assert audio == b""


@virtually
async def test_text_where_audio_should_be_is_told():
    async with (
        local_rime(faults=SpeechServerFaults(text_on_plain='{"error":"x"}')) as url,
        rime_speech(url, "ws") as source,
    ):
        with pytest.raises(SpeechRejected, match="sent text where audio was expected"):
            await heard(source.speak(TEXT))


@virtually
async def test_nobody_there_is_an_error():
    async with local_rime() as url:
        pass
    async with rime_speech(url) as source:
        with pytest.raises(SpeechUnavailable, match="no connection to Rime"):
            await heard(source.speak(TEXT))


@virtually
async def test_an_utterances_own_voice_is_checked_and_used():
    async with local_rime() as url, rime_speech(url) as source:
        audio, _ = await heard(source.speak("Hola.", voice={"lang": "spa", "speaker": "celestino"}))
        assert audio == audio_of("Hola.")
        with pytest.raises(SpeechRejected, match=r"voice\.temperature"):
            await heard(source.speak("Hello.", voice={"temperature": 7}))


@virtually
async def test_closing_the_source_ends_what_is_being_said():
    async with local_rime(faults=SpeechServerFaults(pace=0.1)) as url, rime_speech(url) as source:
        stream = source.speak(TEXT)
        await anext(stream)
        await source.aclose()
        with pytest.raises(SpeechUnavailable, match="closed"):
            await heard(stream)


@virtually
async def test_a_dead_spare_is_replaced_without_anybody_noticing():
    async with local_rime(idle_seconds=3) as url, rime_speech(url, "ws") as source:
        source.start()
        for _ in range(5):
            await asyncio.sleep(2.9)
            assert (await heard(source.speak("Still there?")))[0] == audio_of("Still there?")


def test_the_default_voice_is_known_to_rime():
    assert speech_parameters({}).warnings() == []
