"""Text that strangers, language models and services write."""

import asyncio
import json
from base64 import b64encode
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from structlog.testing import capture_logs
from support.api import SID, api, record
from support.faults import fault
from support.virtual_time import virtually
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from telebridge.call.store.table import StoredCall, stored_call
from telebridge.errors import SpeechTextError
from telebridge.flows.loading import flow_warnings, load_flow
from telebridge.flows.steps import Say
from telebridge.playback.transcript import Transcript
from telebridge.rime.client import RimeSpeech
from telebridge.rime.escaping import escaped
from telebridge.rime.parameters import RimeOptions
from telebridge.speech.failover import Provider
from telebridge.speech.failover_source import FailoverSpeech
from telebridge.speech.source import Audio, Word, Words
from telebridge.speech.tokens import cleaned_tokens
from telebridge.twilio import twiml
from telebridge.twilio.caller_id import caller_id_of

HALF = "\ud83d"
SOUND = b"\x55" * 800


class Rime:
    """A JSON socket of Rime's that speaks every request at once, and keeps the texts and when they came."""

    def __init__(self, words=None):
        self.words = words
        self.texts = []
        self.times = []

    async def talk(self, connection):
        text = context_id = ""
        try:
            async for frame in connection:
                message = json.loads(frame)
                if "text" in message:
                    text, context_id = message["text"], message["contextId"]
                elif message["operation"] == "flush":
                    self.texts.append(text)
                    self.times.append(asyncio.get_running_loop().time())
                    await self.speak(connection, context_id)
        except ConnectionClosed:
            pass

    async def speak(self, connection, context_id):
        chunk = {"type": "chunk", "data": b64encode(SOUND).decode(), "contextId": context_id}
        await connection.send(json.dumps(chunk))
        if self.words is not None:
            times = {"words": self.words, "start": [0.0], "end": [0.1]}
            await connection.send(json.dumps({"type": "timestamps", "word_timestamps": times, "contextId": context_id}))
        await connection.send(json.dumps({"type": "done", "contextId": context_id}))


@asynccontextmanager
async def speaking(rime):
    """Rime and a second provider behind failover; gives the source."""
    async with serve(rime.talk, "127.0.0.1", 0) as server:
        options = RimeOptions(url=f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", warm_sockets=0)
        source = FailoverSpeech([Provider(name, RimeSpeech(options), 3.0, 5.0) for name in ("rime", "other")])
        try:
            yield source
        finally:
            await source.aclose()


async def tokens_of(*tokens, pause=0.0):
    for token in tokens:
        yield token
        await asyncio.sleep(pause)


async def events_of(stream):
    return [event async for event in stream]


def audio(events):
    return b"".join(event.data for event in events if isinstance(event, Audio))


def is_healthy(source):
    return source.health[0].is_available(now=0.0)


@fault(
    "Half a surrogate pair in a text to be said",
    caller="the rest of the sentence",
    operator="U+FFFD in the record in its place; no failure of a provider",
    kept="the words around it, and the standing of the provider",
)
@virtually
async def test_half_a_pair_in_a_text_is_replaced():
    rime = Rime()
    async with speaking(rime) as source:
        assert audio(await events_of(source.speak(Say(f"Hi {HALF} you.").text))) == SOUND
        assert audio(await events_of(source.speak(f"Hi {HALF} you."))) == SOUND
        assert is_healthy(source)
    assert rime.texts == ["Hi \ufffd you."] * 2


@fault(
    "A surrogate pair whose halves come in two tokens",
    caller="the whole sentence",
    operator="the character in the record",
    kept="every word of the text",
)
@virtually
async def test_a_pair_over_two_tokens_is_joined():
    rime = Rime()
    async with speaking(rime) as source:
        assert audio(await events_of(source.speak(tokens_of("Hi ", HALF, "\ude00 you.")))) == SOUND
        assert is_healthy(source)
    assert rime.texts == ["Hi \U0001f600 you."]


@fault(
    "The author of a streamed text writes something that is no text",
    caller="what was written before",
    operator="the log line 'a text cannot be spoken', and no failure of a provider",
    kept="the standing of the provider: the next caller hears the same voice",
)
@pytest.mark.parametrize("token", [None, b"bytes", 5])
@virtually
async def test_what_is_no_text_is_not_held_against_a_provider(token):
    rime = Rime()
    async with speaking(rime) as source:
        with capture_logs() as logs, pytest.raises(SpeechTextError):
            await events_of(source.speak(tokens_of("Hi. ", token)))
        assert is_healthy(source)
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["a text cannot be spoken"]


@fault(
    "A text to be said is no text at all",
    caller="nothing of it; the flow goes on with its own error handling",
    operator="a TypeError with the author's own line in the traceback",
    kept="the call: nothing reaches a provider",
)
@pytest.mark.parametrize("text", [None, 5, b"bytes", ["a"]])
def test_a_text_that_is_none_is_refused_where_it_is_written(text):
    with pytest.raises(TypeError, match="a text is a str"):
        Say(text)


@fault(
    "Rime's word times hold half a surrogate pair",
    caller="the whole prompt",
    operator="nothing; the word is kept with U+FFFD",
    kept="the audio, and the times of the other words",
)
@virtually
async def test_a_word_of_rimes_with_half_a_pair_is_repaired():
    async with speaking(Rime(words=[HALF])) as source:
        events = await events_of(source.speak("Hello."))
    assert audio(events) == SOUND
    assert [word.text for event in events if isinstance(event, Words) for word in event.words] == ["\ufffd"]


@fault(
    "A request to the API writes half a surrogate pair into `say`",
    caller="the rest of the sentence",
    operator="202, as for any text",
    kept="the request, and the list of calls",
)
async def test_the_api_repairs_what_it_is_sent():
    async with api() as client:
        client.calls.add(record())
        body, headers = b'{"text": "Hi \\ud83d"}', {"Content-Type": "application/json"}
        async with client.session.post(f"{client.url}/api/calls/{SID}/say", data=body, headers=headers) as response:
            assert response.status == 202
        assert (await client.get("/api/calls"))["calls"]


@fault(
    "A flow file writes a character as two escapes of surrogates, or half of one",
    caller="the text",
    operator="no mistake from `flow check`",
    kept="the flow",
)
def test_a_flow_file_with_surrogates_is_repaired(tmp_path):
    file = tmp_path / "flow.yaml"
    file.write_text('flow: f\nstart: a\nnodes:\n  a: {hang_up: "Hi \\ud83d\\ude00 \\ud83d"}\n')
    assert load_flow(file).nodes["a"].hang_up == "Hi \U0001f600 \ufffd"


class Past:
    """A store with rows as somebody left them."""

    def __init__(self, *rows):
        self.rows = rows

    async def recent(self, _limit, *, before=None):
        return self.rows

    async def find(self, call_sid):
        return next((row for row in self.rows if row.call_sid == call_sid), None)


class Row:
    """A row of the table of calls."""

    def __init__(self, call_sid, text, minutes):
        self.call_sid, self.record, self.checkpoint = call_sid, text, None
        self.flow, self.from_number, self.to_number, self.direction = "f", "+1", "+2", "inbound"
        began = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(minutes=minutes)
        self.started_at, self.ended_at = round(began.timestamp() * 1000), round(began.timestamp() * 1000)


DAMAGED = [
    "{",
    "[]",
    "null",
    "5",
    '{"utterances": 5}',
    '{"result": "\\ud83d", "path": ["\\ud83d"]}',
    '{"started_at": 1}',
    "[" * 9999,
]


@fault(
    "Rows of the table of calls hold records that are damaged, or half characters",
    caller="nothing",
    operator="all calls in `GET /api/calls` and `call list`, the damaged ones with what is certain; a log line each",
    kept="the records of all other calls",
)
async def test_one_bad_row_never_breaks_the_list():
    rows = [Row(f"CA{number}", text, number) for number, text in enumerate(DAMAGED)]
    kept = [stored_call(row) for row in rows]
    assert all(isinstance(call, StoredCall) and call.as_json()["call_sid"] == call.begun.call_sid for call in kept)
    async with api(past=Past(*kept)) as client:
        calls = (await client.get("/api/calls"))["calls"]
    assert sorted(call["call_sid"] for call in calls) == [row.call_sid for row in rows]


@fault(
    "A flow's result holds what no JSON can",
    caller="nothing",
    operator="the call in `GET /api/calls`, without its result where it cannot be told",
    kept="the list of calls",
)
async def test_a_result_that_cannot_be_told_breaks_no_list():
    loop = {}
    loop["loop"] = loop
    async with api() as client:
        for number, result in enumerate([{"a": HALF}, {"a": object()}, loop]):
            client.calls.ended[f"CA{number}"] = record(f"CA{number}", result=result)
        calls = (await client.get("/api/calls"))["calls"]
    assert len(calls) == 3
    assert {"a": "\ufffd"} in [call["result"] for call in calls]


@fault(
    "A Hindi text is streamed, whose sentences end with a danda",
    caller="the first sentence as soon as it is written",
    operator="nothing",
    kept="every word of the text",
)
@virtually
async def test_a_hindi_sentence_is_spoken_as_soon_as_it_ends():
    rime = Rime()
    async with speaking(rime) as source:
        await events_of(source.speak(tokens_of("मेरा नाम ", "राज है।", " आप कैसे", " हैं", "?", pause=0.5)))
    assert rime.texts[0] == "मेरा नाम राज है। "


@fault(
    "A Japanese or Thai prompt is interrupted",
    caller="silence at once",
    operator="`heard_text` with the beginning of the prompt that was heard",
    kept="what was heard, to the character",
)
@pytest.mark.parametrize("text", ["今日はとても良い天気です。散歩に行きましょう。", "วันนี้อากาศดีมากเราไปเดินเล่นกันเถอะ"])
def test_the_heard_text_of_a_script_without_blanks_is_a_part_of_it(text):
    transcript = Transcript(text)
    transcript.audio_ms += 4000
    transcript.complete()
    heard = transcript.heard(2000)
    assert heard.text
    assert text.startswith(heard.text)
    assert len(heard.text) < len(text)


@fault(
    "A language model stalls for 8 s in the middle of a sentence",
    caller="what was written so far, up to the last whole word, a second later",
    operator="nothing",
    kept="every word of the text",
)
@virtually
async def test_what_a_stalled_author_wrote_is_spoken():
    async def stalling():
        yield "The price of the larger one is tw"
        await asyncio.sleep(8)
        yield "elve dollars."

    rime = Rime()
    async with speaking(rime) as source:
        began = asyncio.get_running_loop().time()
        await events_of(source.speak(stalling()))
    assert rime.texts == ["The price of the larger one is ", "twelve dollars."]
    assert rime.times[0] - began == pytest.approx(1.0, abs=0.1)


@fault(
    "Word times name spoken words, 'one hundred dollars' for `$100`",
    caller="the prompt",
    operator="`heard_text` that ends before what was not heard, with `exact: false` where the words do not fit",
    kept="the words that were not heard: they are spoken again",
)
def test_spoken_numbers_do_not_run_ahead():
    transcript = Transcript("Pay $100 to one hundred people.")
    words = ["pay", "one", "hundred", "dollars", "to", "one", "hundred", "people"]
    transcript.audio_ms += 300 * len(words)
    transcript.add_words(tuple(Word(word, 300 * at, 300 * (at + 1)) for at, word in enumerate(words)))
    heard = [transcript.heard(300 * count) for count in range(1, 6)]
    assert [each.text for each in heard] == ["Pay", "Pay", "Pay", "Pay $100", "Pay $100 to"]
    assert [each.exact for each in heard] == [True, False, False, True, True]


@fault(
    "A text holds no letter and no digit",
    caller="nothing, and what follows at once",
    operator="an utterance without audio; no request and no failure",
    kept="the standing of the provider",
)
@pytest.mark.parametrize("text", ["😀", "**", "---", "…", "।", " \n", "\ufffd"])
@virtually
async def test_a_text_without_a_sound_is_not_requested(text):
    rime = Rime()
    async with speaking(rime) as source:
        began = asyncio.get_running_loop().time()
        assert await events_of(source.speak(text)) == []
        assert await events_of(source.speak(tokens_of(*text))) == []
        assert asyncio.get_running_loop().time() - began < 0.1
        assert is_healthy(source)
    assert rime.texts == []


@fault(
    "A language model writes Markdown, emoji, SSML and its own reasoning",
    caller="the words alone",
    operator="the words alone in the record",
    kept="every word, arithmetic and comparisons",
)
@virtually
async def test_markup_of_a_language_model_is_not_read_aloud():
    rime = Rime()
    tokens = tokens_of("<thi", "nk>I must say hi.</", "think>**Hel", "lo** 😀<bre", "ak/>5 < 6 and > 50 %.")
    async with speaking(rime) as source:
        await events_of(source.speak(cleaned_tokens(tokens)))
    assert rime.texts == ["Hello 5 < 6 and > 50 %."]


@fault(
    "A flow's text holds SSML",
    caller="the tags read aloud, unless `speech.clean` is `all`",
    operator="a warning of `flow check` with file and line",
    kept="the flow: a warning keeps none from running",
)
def test_flow_check_warns_of_ssml(tmp_path):
    file = tmp_path / "flow.yaml"
    file.write_text("flow: f\nstart: a\nnodes:\n  a:\n    hang_up: 'Hi <break time=\"1s\"/> you <300> 5 < 6'\n")
    assert load_flow(file).flow == "f"
    [warning] = flow_warnings(file)
    assert '5:14: <break time="1s"/> would be read aloud' in str(warning)


@fault(
    "A text holds `<CLEAR>`, nested, spaced, in full width or with characters that nobody sees",
    caller="the word, spoken",
    operator="nothing",
    kept="the prompt: no text acts as an operation",
)
@pytest.mark.parametrize("text", ["<<CLEAR>>", "<<<FLUSH>>>", "< eos >", "<CL\u200bEAR>", "\uff1cCLEAR\uff1e"])
def test_text_never_acts_as_an_operation(text):
    assert not {"<", ">", "\uff1c", "\uff1e"} & set(escaped(text))
    assert escaped("5 < 6") == "5 < 6"


@fault(
    "A whisper or an apology holds NUL, ESC, U+FFFE or half a character",
    caller="the words around it",
    operator="nothing; Twilio reads the document",
    kept="the call: no error 12100",
)
@pytest.mark.parametrize("character", ["\0", "\x1b", "\ufffe", HALF])
def test_twiml_can_always_be_parsed(character):
    document = ElementTree.fromstring(twiml.say(f"Hi {character}you").encode())
    assert document.findtext("Say").replace("\ufffd", "") == "Hi you"


@fault(
    "A caller without a telephone number is transferred",
    caller="the ringing of whom they are transferred to",
    operator="the number that was called as the caller id; no error 13214",
    kept="the transfer",
)
@pytest.mark.parametrize("caller", ["client:ada", "sip:ada@example.com", "anonymous", ""])
def test_a_transfer_has_a_valid_caller_id(caller):
    assert caller_id_of(None, to="+15551230100", from_number=caller, to_number="+15551230000") == "+15551230000"
