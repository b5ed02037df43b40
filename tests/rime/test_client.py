"""The client against servers that only this file knows: what Rime's documents show, and every way to break it."""

import asyncio
import http
import itertools
import json
from base64 import b64encode
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from support.faults import fault
from support.garbage import garbage
from support.virtual_time import virtually
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from telebridge.audio.tones import sine
from telebridge.errors import SpeechRejected, SpeechUnavailable
from telebridge.rime.client import RimeSpeech
from telebridge.rime.connection import RimeConnection
from telebridge.rime.parameters import RimeOptions
from telebridge.speech.failover import Provider
from telebridge.speech.failover_source import FailoverSpeech
from telebridge.speech.source import Audio, Word, Words

AUDIO = sine(440, 500)
STALE = b"\x01" * 999
PROTOCOLS = ["ws", "ws3"]


class ScriptedRime:
    """Serves each connection by a script, and keeps what it saw."""

    def __init__(self, script, refusals=()):
        self.script = script
        self.refusals = list(refusals)
        self.requests = []  # one for each handshake
        self.frames = []  # what came over each connection
        self.open = 0

    async def answer(self, connection, request):
        self.requests.append(request)
        if self.refusals:
            status, words = self.refusals.pop(0)
            if not status:
                await asyncio.sleep(60)
            return connection.respond(http.HTTPStatus(status), words)
        return None

    async def talk(self, connection):
        frames = []
        self.frames.append(frames)
        self.open += 1
        try:
            await self.script(Talk(connection, len(self.frames), frames))
            await connection.wait_closed()
        except ConnectionClosed:
            pass
        finally:
            self.open -= 1


class Talk:
    """One connection, from Rime's end."""

    def __init__(self, connection, number, frames):
        self.connection, self.number, self.frames = connection, number, frames

    async def hear(self):
        """The text of the next request, in whichever protocol, and its context id."""
        text, context_id = "", None
        while True:
            frame = await self.connection.recv()
            self.frames.append(frame)
            if frame == "<EOS>":
                return text, None
            message = json.loads(frame) if frame.startswith("{") else {"text": frame}
            if message.get("operation") == "flush":
                return text, context_id
            text, context_id = text + message.get("text", ""), message.get("contextId", context_id)

    async def say(self, data, context_id=None):
        if context_id is None:
            await self.connection.send(data)
        else:
            chunk = {"type": "chunk", "data": b64encode(data).decode(), "contextId": context_id}
            await self.connection.send(json.dumps(chunk))

    async def time(self, words, starts, ends, context_id):
        times = {"words": words, "start": starts, "end": ends}
        await self.connection.send(
            json.dumps({"type": "timestamps", "word_timestamps": times, "contextId": context_id})
        )

    async def finish(self, context_id=None):
        if context_id is None:
            await self.connection.close()
        else:
            await self.connection.send(json.dumps({"type": "done", "contextId": context_id}))


async def speaks(talk):
    while True:
        _, context_id = await talk.hear()
        await talk.say(AUDIO, context_id)
        await talk.finish(context_id)


@asynccontextmanager
async def rime(script=speaks, *, protocol="ws3", refusals=(), **options):
    """A scripted Rime and a client of it."""
    scripted = ScriptedRime(script, refusals)
    async with serve(scripted.talk, "127.0.0.1", 0, process_request=scripted.answer) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        values = {"warm_sockets": 0, "first_audio_seconds": 1.0, "between_audio_seconds": 0.5, **options}
        source = RimeSpeech(RimeOptions(url=url, protocol=protocol, api_key="secret", **values))
        try:
            yield scripted, source
        finally:
            await source.aclose()


async def heard(stream):
    events = [event async for event in stream]
    return b"".join(event.data for event in events if isinstance(event, Audio))


@virtually
async def test_plain_is_spoken_as_the_documents_show():
    async with rime(protocol="ws") as (scripted, source):
        assert await heard(source.speak("Hello there.")) == AUDIO
        await heard(source.speak("Next."))
    assert scripted.frames == [["Hello there.", "<EOS>"], ["Next.", "<EOS>"]]
    assert scripted.requests[0].headers["Authorization"] == "Bearer secret"
    address = urlsplit(scripted.requests[0].path)
    query = parse_qs(address.query)
    assert (address.path, query["audioFormat"], query["samplingRate"]) == ("/ws", ["mulaw"], ["8000"])


@virtually
async def test_json_is_spoken_as_the_documents_show():
    async with rime() as (scripted, source):
        assert await heard(source.speak("Hello there.")) == AUDIO
    [frames] = scripted.frames
    text, flush = map(json.loads, frames)
    assert text["text"] == "Hello there."
    assert text["contextId"]
    assert flush == {"operation": "flush"}
    assert urlsplit(scripted.requests[0].path).path == "/ws3"


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("sizes", [[1], [1, 159, 161, 3], [1023, 7], [4000]])
@virtually
async def test_odd_sizes_of_chunks_lose_nothing(protocol, sizes):
    async def script(talk):
        _, context_id = await talk.hear()
        position = 0
        for size in itertools.cycle(sizes):
            if position >= len(AUDIO):
                break
            await talk.say(AUDIO[position : position + size], context_id)
            position += size
        await talk.finish(context_id)

    async with rime(script, protocol=protocol) as (_, source):
        assert await heard(source.speak("Hello.")) == AUDIO


@fault(
    "Rime sends audio, word times and `done` of a context that was never asked for, or of none.",
    caller="The text that was asked for, and nothing else.",
    operator="Nothing unusual.",
    kept="The audio and the end of the own context.",
)
@virtually
async def test_what_bears_another_context_id_is_not_heard():
    async def script(talk):
        _, context_id = await talk.hear()
        for foreign in ("u0", "", f"{context_id}0"):
            await talk.connection.send(json.dumps({"type": "chunk", "data": "AQEB", "contextId": foreign}))
            await talk.time(["stale"], [0], [1], foreign)
            await talk.finish(foreign) if foreign else None
        await talk.connection.send('{"type":"chunk","data":"AQEB","contextId":null}')
        await talk.connection.send('{"type":"news"}')
        await talk.say(AUDIO, context_id)
        await talk.finish(context_id)

    async with rime(script) as (_, source):
        assert [event async for event in source.speak("Hello.")] == [Audio(AUDIO)]


@virtually
async def test_word_times_count_from_the_start_of_the_utterance():
    async def script(talk):
        while True:
            text, context_id = await talk.hear()
            await talk.say(AUDIO, context_id)
            await talk.time([text.strip()], [0.0], [0.5], context_id)
            await talk.finish(context_id)

    async with rime(script, max_characters=6) as (_, source):
        events = [event async for event in source.speak("One. Two.")]
    words = [word for event in events if isinstance(event, Words) for word in event.words]
    assert words == [Word("One.", 0, 500), Word("Two.", 500, 1000)]


@virtually
async def test_word_times_count_the_audio_before_them_although_it_had_none():
    async def script(talk):
        while True:
            text, context_id = await talk.hear()
            await talk.say(AUDIO, context_id)
            if text == "Two.":
                await talk.time(["Two."], [0.0], [0.5], context_id)
            await talk.finish(context_id)

    async with rime(script, max_characters=6) as (_, source):
        events = [event async for event in source.speak("One. Two.")]
    assert [event for event in events if isinstance(event, Words)] == [Words((Word("Two.", 500, 1000),))]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@virtually
async def test_a_clear_is_sent_and_what_rime_still_says_is_not_heard(protocol):
    async def goes_on(talk):
        text, context_id = await talk.hear()
        if text == "Next.":
            await talk.say(AUDIO, context_id)
            await talk.finish(context_id)
            return
        while True:
            await talk.say(STALE, context_id)
            await asyncio.sleep(0.01)
            if talk.connection.recv_messages.frames:  # what came is looked at once, and not obeyed
                talk.frames.append(await talk.connection.recv())

    async with rime(goes_on, protocol=protocol) as (scripted, source):
        stream = source.speak("Long.")
        await anext(stream)
        stream.clear()
        assert [event async for event in stream] == []
        assert await heard(source.speak("Next.")) == AUDIO
        await asyncio.sleep(0.1)
    assert scripted.frames[0][-1] == ("<CLEAR>" if protocol == "ws" else '{"operation":"clear"}')
    assert len(scripted.frames) == 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
@virtually
async def test_a_clear_has_left_before_the_call_returns(protocol, monkeypatch):
    order, send_data = [], RimeConnection.send_data

    def noted(connection):
        order.append("sent")
        send_data(connection)

    async def speaks_on(talk):
        _, context_id = await talk.hear()
        while True:
            await talk.say(AUDIO, context_id)
            await asyncio.sleep(0.05)

    async with rime(speaks_on, protocol=protocol) as (_, source):
        stream = source.speak("Long.")
        await anext(stream)
        monkeypatch.setattr(RimeConnection, "send_data", noted)
        stream.clear()
        order.append("returned")
    assert order[:2] == ["sent", "returned"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@virtually
async def test_nobody_waits_for_a_cleared_connection_to_close(protocol):
    async def deaf(talk):
        text, context_id = await talk.hear()
        await talk.say(AUDIO, context_id)
        if text != "Next.":
            talk.connection.transport.pause_reading()  # the closing handshake is never answered
            await asyncio.sleep(30)
        await talk.finish(context_id)

    async with rime(deaf, protocol=protocol) as (_, source):
        stream = source.speak("Long.")
        await anext(stream)
        began = asyncio.get_running_loop().time()
        stream.clear()
        assert await heard(source.speak("Next.")) == AUDIO
        assert asyncio.get_running_loop().time() - began < 0.2


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("ends", ["complete", "cleared", "unread"])
@virtually
async def test_what_is_over_is_freed_without_the_garbage_collector(protocol, ends):
    """A collection stops every live call; and until it comes, all audio of what is over would be kept."""

    async def use(source):
        stream = source.speak("Long.")
        if ends != "unread":
            await anext(stream)
        if ends == "complete":
            await heard(stream)
        stream.clear()

    async with rime(protocol=protocol) as (_, source):
        speech = FailoverSpeech([Provider("rime", source, 3.0, 5.0, same_voice=True)])
        await use(speech)
        await asyncio.sleep(5)  # connections close
        with garbage() as found:
            await use(speech)
            await asyncio.sleep(5)
    assert not found


@fault(
    "Rime closes a connection just as a text is sent over it.",
    caller="The text, a handshake later.",
    operator="The log line 'Rime spoke at the second attempt'.",
    kept="Every word; it is requested once more, and no oftener.",
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("code", [1000, 1001, 1011])
@virtually
async def test_a_connection_given_up_just_as_text_comes_is_made_good(protocol, code):
    async def gone(talk):
        if talk.number == 1:
            await talk.hear()
            await talk.connection.close(code)
        else:
            await speaks(talk)

    async with rime(gone, protocol=protocol) as (scripted, source):
        assert await heard(source.speak("Hello.")) == AUDIO
    assert len(scripted.frames) == 2


@virtually
async def test_what_has_no_sound_is_not_requested():
    async def silent(talk):
        await talk.hear()
        await talk.finish()

    async with rime(silent, protocol="ws") as (scripted, source):
        assert await heard(source.speak("🙂")) == b""
    assert scripted.frames == []


@fault(
    "Rime sends four bytes that could begin a file, fails, and speaks at the second attempt.",
    caller="The text, without the bytes of the attempt that failed.",
    operator="The log line 'Rime spoke at the second attempt'.",
    kept="Every word.",
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@virtually
async def test_the_first_bytes_of_an_attempt_that_failed_are_not_heard(protocol):
    async def few_then_all(talk):
        _, context_id = await talk.hear()
        if talk.number == 1:
            await talk.say(b"RIFF", context_id)
            await talk.connection.close(1011, "internal error")
        await talk.say(AUDIO, context_id)
        await talk.finish(context_id)

    async with rime(few_then_all, protocol=protocol) as (_, source):
        assert await heard(source.speak("Hello.")) == AUDIO


@fault(
    "Rime closes with 1011 'internal error' in the middle of a text.",
    caller="What came of it, and the rest by the next provider.",
    operator="The error with Rime's reason and the code 1011.",
    kept="The words that came; none is requested twice.",
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@virtually
async def test_an_error_in_the_middle_keeps_what_came_and_is_not_tried_again(protocol):
    async def breaks(talk):
        _, context_id = await talk.hear()
        await talk.say(AUDIO, context_id)
        await talk.connection.close(1011, "internal error")

    async with rime(breaks, protocol=protocol) as (scripted, source):
        stream = source.speak("Hello.")
        assert await anext(stream) == Audio(AUDIO)
        with pytest.raises(SpeechUnavailable, match="internal error") as caught:
            await anext(stream)
    assert caught.value.status == 1011
    assert len(scripted.frames) == 1


@fault(
    "Rime refuses a text by a close: '400: text is too long'.",
    caller="The text by the next provider.",
    operator="The error with Rime's reason.",
    kept="Time: what would be refused again is not asked again.",
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@virtually
async def test_a_refusal_by_a_close_is_not_tried_again(protocol):
    async def refuses(talk):
        await talk.hear()
        await talk.connection.close(1011, "400: text is too long")

    async with rime(refuses, protocol=protocol) as (scripted, source):
        with pytest.raises(SpeechRejected, match="400: text is too long"):
            await heard(source.speak("Hello."))
    assert len(scripted.frames) == 1


@fault(
    "Rime refuses the handshake with 401, 400, 429 or 500.",
    caller="The text by the next provider.",
    operator="Rime's reason; of a 401 that `rime.api_key` is to be checked. Only a 500 is tried a second time.",
    kept="The limit of requests: a 429 is not answered with another attempt.",
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("status", "words", "error", "told", "handshakes"),
    [
        (401, "empty apikey", SpeechRejected, "refuses the API key: empty apikey; check rime.api_key", 1),
        (400, "speaker is required", SpeechRejected, "refuses the connection: speaker is required", 1),
        (429, "Currently at websocket limit", SpeechUnavailable, "Currently at websocket limit", 1),
        (500, "internal error", SpeechUnavailable, "internal error", 2),
    ],
)
@virtually
async def test_a_refused_handshake_says_why(protocol, status, words, error, told, handshakes):
    async with rime(protocol=protocol, refusals=[(status, words)] * 9) as (scripted, source):
        with pytest.raises(error, match=told) as caught:
            await heard(source.speak("Hello."))
    assert caught.value.status == status
    assert len(scripted.requests) == handshakes


@fault(
    "Rime answers one handshake with 503.",
    caller="The text, a handshake later.",
    operator="Nothing unusual.",
    kept="Every word.",
)
@virtually
async def test_a_handshake_that_failed_once_is_made_good():
    async with rime(refusals=[(503, "later")]) as (_, source):
        assert await heard(source.speak("Hello.")) == AUDIO


@fault(
    "Rime sends text where audio is expected, bytes where JSON is, or JSON that is none.",
    caller="The text by the next provider.",
    operator="The error 'Rime sent …' with the beginning of what it sent.",
    kept="The other calls; the connection is not used again.",
)
@pytest.mark.parametrize(("protocol", "frame"), [("ws", "oops"), ("ws3", b"\xff"), ("ws3", "oops"), ("ws3", "[]")])
@virtually
async def test_frames_of_the_wrong_kind_are_told(protocol, frame):
    async def wrong(talk):
        await talk.hear()
        await talk.connection.send(frame)

    async with rime(wrong, protocol=protocol) as (_, source):
        with pytest.raises(SpeechRejected, match="Rime sent"):
            await heard(source.speak("Hello."))


@fault(
    "Rime answers a message with an error message.",
    caller="The text by the next provider.",
    operator="The error with Rime's words.",
    kept="The next text.",
)
@virtually
async def test_an_error_message_is_told():
    async def complains(talk):
        await talk.hear()
        await talk.connection.send('{"type":"error","message":"text must be a string"}')

    async with rime(complains) as (_, source):
        with pytest.raises(SpeechRejected, match="text must be a string"):
            await heard(source.speak("Hello."))


@fault(
    "Rime sends a WAV file, in pieces of any size, where bare audio was asked for.",
    caller="The text by the next provider; not a click of the file.",
    operator="The error 'Rime sent a WAV file where mu-law was asked for'.",
    kept="The caller's ear.",
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("size", [1, 5, 400])
@virtually
async def test_not_a_byte_of_a_file_is_heard(protocol, size):
    async def wav(talk):
        _, context_id = await talk.hear()
        file = b"RIFF\xff\xff\xff\xffWAVEfmt " + bytes(400)
        for start in range(0, len(file), size):
            await talk.say(file[start : start + size], context_id)
        await talk.finish(context_id)

    async with rime(wav, protocol=protocol) as (_, source):
        stream = source.speak("Hello.")
        with pytest.raises(SpeechRejected, match="WAV file where mu-law was asked for"):
            await anext(stream)


@fault(
    "Rime takes a text and sends nothing, twice.",
    caller="The text by the next provider, after the time-outs.",
    operator="The error 'took the text and sent nothing for … s'.",
    kept="The bound of the wait.",
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
@virtually
async def test_a_connection_that_takes_text_and_gives_nothing_is_dead_by_deadline(protocol):
    async def silent(talk):
        await talk.connection.wait_closed()

    async with rime(silent, protocol=protocol) as (scripted, source):
        began = asyncio.get_running_loop().time()
        with pytest.raises(SpeechUnavailable, match="took the text and sent nothing for 1 s"):
            await heard(source.speak("Hello."))
        assert asyncio.get_running_loop().time() - began == pytest.approx(2, abs=0.1)
    assert len(scripted.frames) == 2


@pytest.mark.parametrize("protocol", PROTOCOLS)
@virtually
async def test_audio_that_stops_coming_ends_the_utterance(protocol):
    async def stalls(talk):
        _, context_id = await talk.hear()
        await talk.say(AUDIO, context_id)
        await talk.connection.wait_closed()

    async with rime(stalls, protocol=protocol) as (scripted, source):
        stream = source.speak("Hello.")
        assert await anext(stream) == Audio(AUDIO)
        with pytest.raises(SpeechUnavailable, match=r"sent nothing for 0\.5 s"):
            await anext(stream)
    assert len(scripted.frames) == 1


@virtually
async def test_no_more_than_the_limit_is_outstanding():
    said = []

    async def strict(talk):
        text, context_id = await talk.hear()
        said.append(text)
        while True:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(talk.hear(), 0.3)  # nothing more comes before this is done
            await talk.say(AUDIO, context_id)
            await talk.finish(context_id)
            text, context_id = await talk.hear()
            said.append(text)

    async with rime(strict, max_characters=10) as (_, source):
        assert await heard(source.speak("One one. Two two. Three.")) == AUDIO * 3
    assert said == ["One one. ", "Two two. ", "Three."]


@virtually
async def test_json_utterances_one_after_another_share_connections():
    async with rime(warm_sockets=2) as (scripted, source):
        source.start()
        await asyncio.sleep(1)
        for _ in range(20):
            assert await heard(source.speak("Hello.")) == AUDIO
    assert len(scripted.requests) == 3


@virtually
async def test_plain_utterances_find_their_connection_open():
    async with rime(protocol="ws", warm_sockets=2) as (scripted, source):
        source.start()
        await asyncio.sleep(1)
        assert len(scripted.requests) == 2
        assert await heard(source.speak("Hello.")) == AUDIO
        await asyncio.sleep(1)
        assert len(scripted.requests) == 3, "the spare that was used is replaced"


@virtually
async def test_closing_leaves_no_connection_whichever_way_they_were_opened():
    async with rime(warm_sockets=2) as (scripted, source):
        await heard(source.speak("Hello."))  # before the start: has spares of its own
        await asyncio.sleep(1)
        source.start()
        source.start()
        await heard(source.speak("Hello."))
        await asyncio.sleep(1)
        await source.aclose()
        await asyncio.sleep(1)
        assert scripted.open == 0


@virtually
async def test_closing_before_an_utterance_has_begun_ends_it():
    async with rime() as (_, source):
        stream = source.speak("Hello.")
        await source.aclose()
        with pytest.raises(SpeechUnavailable, match="closed"):
            await anext(stream)


@fault(
    "The process stops while handshakes with Rime are never answered.",
    caller="Nothing.",
    operator="The process ends at once.",
    kept="The bound of the stop; no task is left.",
)
@virtually
async def test_closing_gives_up_handshakes_under_way():
    async with rime(refusals=[(0, "never answered")] * 2, warm_sockets=2) as (scripted, source):
        source.start()
        await asyncio.sleep(0.1)
        assert len(scripted.requests) == 2
        began = asyncio.get_running_loop().time()
        await source.aclose()
        assert asyncio.get_running_loop().time() - began < 0.1
        assert "Connections._open_spare" not in {task.get_coro().__qualname__ for task in asyncio.all_tasks()}


@fault(
    "`rime.url` names a host that cannot be.",
    caller="The apology, or the next provider.",
    operator="The error 'no connection to Rime at' that host.",
    kept="The line.",
)
async def test_a_host_with_an_impossible_name_is_told():
    source = RimeSpeech(RimeOptions(url="ws://a..b", warm_sockets=0))
    with pytest.raises(SpeechUnavailable, match=r"no connection to Rime at a\.\.b"):
        await heard(source.speak("Hello."))
    await source.aclose()
