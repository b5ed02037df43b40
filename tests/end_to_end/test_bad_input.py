"""What Twilio, or somebody who plays Twilio, can send: each gets a clear answer, and no other call notices."""

import asyncio
import json
from urllib.parse import urlsplit

import aiohttp
import pytest
from support.bridge import bridge, heard_by
from support.faults import fault
from support.speech import audio_of
from support.virtual_time import virtually

from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.setup.faults import CallbackFault, SimulatorFaults, StreamFaults
from telebridge.simulator.setup.options import AUTH_TOKEN
from telebridge.simulator.twiml.document import read_document
from telebridge.speech_server.options import SpeechServerFaults
from telebridge.twilio.media_stream import MediaStream, Side
from telebridge.twilio.request_signature import webhook_signature

SENTENCE = "We are open from Monday to Friday."
FLOW = f"""
flow: test
start: hours
nodes:
  hours: {{say: "{SENTENCE}", then: bye}}
  bye: {{hang_up: null}}
"""
CA1, CA3, CA404 = ("CA" + f"{number:032}" for number in (1, 3, 404))
ARRIVAL = {"CallSid": CA1, "From": "+15550001111", "To": "+15550002222", "Direction": "inbound", "FromCity": ""}


class Impostor:
    """Speaks to the bridge as Twilio does, only worse."""

    def __init__(self, session, url):
        self.session, self.url = session, url

    async def post(self, path, fields, *, signature="right"):
        url = self.url + path
        headers = {"X-Twilio-Signature": webhook_signature(AUTH_TOKEN, url, fields)} if signature == "right" else {}
        if signature == "wrong":
            headers = {"X-Twilio-Signature": "bm9ub25vbm9ub25vbm9ubw=="}
        async with self.session.post(url, data=fields, headers=headers) as answer:
            return answer.status, await answer.text()

    async def stream_url(self, fields=ARRIVAL):
        """The address of a media stream, as the webhook's answer has it."""
        status, document = await self.post("/twilio/voice", fields)
        assert status == 200
        return read_document(document.encode()).verbs[0].url

    async def open(self, url, *, signature="right"):
        headers = {"X-Twilio-Signature": webhook_signature(AUTH_TOKEN, url, {})} if signature == "right" else {}
        return await self.session.ws_connect(url, headers=headers)

    async def stream(self, call_sid=CA1, url=None):
        """A stream that has started."""
        socket = await self.open(url or await self.stream_url())
        twilio = MediaStream(Side.TWILIO)
        await socket.send_str(twilio.send_connected().decode())
        await socket.send_str(twilio.send_start("MZ1", call_sid, "AC1", {}).decode())
        return socket, twilio


@pytest.fixture
def impostor(tmp_path):
    """Run a test with a bridge and an impostor, on virtual time."""

    class Running:
        async def __aenter__(self):
            self.context = bridge(tmp_path, FLOW)
            self.stack = await self.context.__aenter__()
            self.session = aiohttp.ClientSession()
            return self.stack, Impostor(self.session, self.stack.url)

        async def __aexit__(self, *error):
            await self.session.close()
            await self.context.__aexit__(*error)

    return Running


async def audio_until_mark(socket, twilio):
    """Play what the bridge sends until its final mark, and give the audio."""
    audio = b""
    while True:
        message = await asyncio.wait_for(socket.receive(), 30)
        if message.type is not aiohttp.WSMsgType.TEXT:
            return audio
        for event in twilio.receive_text(message.data):
            audio += getattr(event, "payload", b"")
            if name := getattr(event, "name", None):
                await socket.send_str(twilio.send_mark_returned(name).decode())


@fault(
    "Somebody who is not Twilio sends webhooks.",
    caller="Nothing: no call begins.",
    operator='The answer 403 in one line; `telebridge_refused_total{endpoint="webhook"}` counts.',
    kept="The calls of Twilio.",
)
@pytest.mark.parametrize("signature", ["wrong", "missing"])
@virtually
async def test_a_webhook_without_the_right_signature_is_refused(impostor, signature):
    async with impostor() as (stack, twilio):
        for path in ("/twilio/voice", "/twilio/next", "/twilio/status", "/twilio/stream-status"):
            status, words = await twilio.post(path, ARRIVAL, signature=signature)
            assert status == 403
            assert "X-Twilio-Signature is missing or does not fit" in words
        assert len(stack.calls) == 0


@fault(
    "A signed webhook lacks its call, or names a status that Twilio does not have.",
    caller="Nothing.",
    operator="The answer 400 in one line that says what is missing.",
    kept="The calls that live.",
)
@virtually
async def test_a_webhook_without_a_call_says_what_it_is_for(impostor):
    async with impostor() as (_, twilio):
        status, words = await twilio.post("/twilio/voice", {"Hello": "you"})
        assert (status, words) == (400, "CallSid is missing: this address is for Twilio's webhooks.\n")
        status, words = await twilio.post("/twilio/status", {"CallSid": CA1, "CallStatus": "gone"})
        assert (status, words) == (400, "Twilio sent an unknown CallStatus: gone\n")


@fault(
    "A stream is opened without a signature, with a token that was used, or with one that was made up.",
    caller="Nothing; their own stream goes on.",
    operator="The answer 403 to the handshake.",
    kept="A call has one stream, and it is Twilio's.",
)
@virtually
async def test_a_stream_without_signature_or_with_a_token_used_before_is_refused(impostor):
    async with impostor() as (_, twilio):
        url = await twilio.stream_url()
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await twilio.open(url, signature="missing")
        await (await twilio.open(url)).close()
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await twilio.open(url)
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await twilio.open(url[:-3] + "abc")


@fault(
    "A stream with a good token names another call in `start`.",
    caller="Nothing of the other call.",
    operator="The socket is closed with 1008.",
    kept="No call is heard or spoken to by another's stream.",
)
@virtually
async def test_the_token_of_another_call_opens_nothing(impostor):
    async with impostor() as (_, twilio):
        socket, _ = await twilio.stream(call_sid="CA2")
        message = await asyncio.wait_for(socket.receive(), 5)
        assert message.type is aiohttp.WSMsgType.CLOSE
        assert message.data == aiohttp.WSCloseCode.POLICY_VIOLATION
        await socket.close()


BROKEN = [
    "{",
    "[]",
    '{"event":"surprise"}',
    '{"event":"media"}',
    '{"event":"media","streamSid":"MZ1","media":{"payload":5}}',
    '{"event":"media","streamSid":"MZ1","media":{"payload":"?"}}',
    '{"event":"media","streamSid":"MZ9","media":{"payload":"//8="}}',
    '{"event":"start","streamSid":"MZ1","start":{"streamSid":"MZ1","callSid":"CA1","accountSid":"AC1"}}',
    '{"event":"mark","streamSid":"MZ1","mark":{}}',
    '{"event":"mark","streamSid":"MZ1","mark":{"name":"never sent"}}',
    '{"event":"dtmf","streamSid":"MZ1","dtmf":{"digit":"\\u00e9"}}',
    '{"event":"media","streamSid":"MZ1","media":{"payload":"//8=","timestamp":20,"chunk":2}}',
]


@pytest.mark.slow
@fault(
    "A message of the stream is cut short, of another type, with wrong base64, or of another stream.",
    caller="The sentence, whole.",
    operator="One warning; `telebridge_bad_messages_total` counts.",
    kept="The stream and its audio.",
)
@pytest.mark.parametrize("message", [*BROKEN, b"\x00\x01"])
@virtually
async def test_a_broken_message_disturbs_nothing(impostor, message):
    async with impostor() as (_, twilio):
        socket, stream = await twilio.stream()
        await (socket.send_bytes(message) if isinstance(message, bytes) else socket.send_str(message))
        assert await audio_until_mark(socket, stream) == audio_of(SENTENCE)
        await socket.close()


@fault(
    "Audio comes before `start`.",
    caller="The sentence, whole.",
    operator="`telebridge_bad_messages_total` counts.",
    kept="The stream, which starts afterwards.",
)
@virtually
async def test_media_before_start_is_not_the_end(impostor):
    async with impostor() as (_, twilio):
        socket = await twilio.open(await twilio.stream_url())
        await socket.send_str('{"event":"media","streamSid":"MZ1","media":{"payload":"//8="}}')
        stream = MediaStream(Side.TWILIO)
        await socket.send_str(stream.send_connected().decode())
        await socket.send_str(stream.send_start("MZ1", CA1, "AC1", {}).decode())
        assert await audio_until_mark(socket, stream) == audio_of(SENTENCE)
        await socket.close()


@virtually
async def test_nothing_but_broken_messages_is_the_end(impostor):
    async with impostor() as (_, twilio):
        socket, _ = await twilio.stream()
        for _ in range(20):
            await socket.send_str("{")
        closed = None
        while closed is None:
            message = await asyncio.wait_for(socket.receive(), 5)
            closed = message.data if message.type is aiohttp.WSMsgType.CLOSE else None
        assert closed == aiohttp.WSCloseCode.POLICY_VIOLATION
        await socket.close()


@fault(
    "A message of the stream has a megabyte.",
    caller="The sentence; with more than a mebibyte Twilio asks what follows.",
    operator="The socket is closed with 1009 for more.",
    kept="The other calls.",
)
@virtually
async def test_a_message_of_a_mebibyte_is_taken_and_a_longer_one_closes_the_socket(impostor):
    async with impostor() as (_, twilio):
        socket, stream = await twilio.stream()
        media = {"event": "media", "streamSid": "MZ1", "media": {"payload": "////" * 260_000}}
        await socket.send_str(json.dumps(media))
        assert await audio_until_mark(socket, stream) == audio_of(SENTENCE)
        await socket.close()
        socket, _ = await twilio.stream(CA3, await twilio.stream_url({**ARRIVAL, "CallSid": CA3}))
        while json.loads((await asyncio.wait_for(socket.receive(), 5)).data)["event"] != "mark":
            pass  # a socket that is closed while much is unread is reset, and loses the close frame
        media["media"]["payload"] = "////" * 300_000
        await socket.send_str(json.dumps(media))
        while (message := await asyncio.wait_for(socket.receive(), 5)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert message.data == aiohttp.WSCloseCode.MESSAGE_TOO_BIG
        await socket.close()


@fault(
    "A stream's socket opens and never says `start`.",
    caller="Silence, until Twilio asks what follows.",
    operator="The record with 'the media stream never came'.",
    kept="The process: no call is live for ever.",
)
@pytest.mark.slow
@virtually
async def test_a_socket_that_says_nothing_is_closed_and_its_call_given_up(impostor):
    async with impostor() as (stack, twilio):
        socket = await twilio.open(await twilio.stream_url())
        message = await asyncio.wait_for(socket.receive(), 60)
        assert message.type is aiohttp.WSMsgType.CLOSE
        await asyncio.sleep(60)
        assert len(stack.calls) == 0
        assert stack.calls.record(CA1).end_reason == "the media stream never came"
        await socket.close()


@fault(
    "A stream falls silent: neither media, nor marks, nor keys.",
    caller="What follows when Twilio brings the call back.",
    operator="The record ends when nobody does.",
    kept="The bound of silence: `media_timeout`.",
)
@virtually
async def test_a_stream_that_falls_silent_is_closed_and_the_call_may_come_back(impostor):
    async with impostor() as (stack, twilio):
        socket, stream = await twilio.stream()
        assert await audio_until_mark(socket, stream)
        assert len(stack.calls) <= 1
        await asyncio.sleep(60)
        assert len(stack.calls) == 0
        await socket.close()


@fault(
    "The socket closes without `stop`, and Twilio asks what follows.",
    caller="The sentence from the word that was cut.",
    operator="The log line 'call brought back'.",
    kept="Every word of the sentence.",
)
@virtually
async def test_a_socket_that_closes_without_stop_lets_the_call_come_back_and_say_it_again(impostor):
    async with impostor() as (_, twilio):
        socket, _ = await twilio.stream()
        await asyncio.sleep(0.2)
        await socket.close()
        status, document = await twilio.post("/twilio/next", ARRIVAL)
        assert status == 200
        again, stream = await twilio.stream(url=read_document(document.encode()).verbs[0].url)
        assert await audio_until_mark(again, stream) == audio_of(SENTENCE)
        await again.close()


@fault(
    "Twilio asks what follows in a call that no process knows.",
    caller="The line is hung up.",
    operator="The answer is `<Hangup/>`, not an error.",
    kept="Other calls.",
)
@virtually
async def test_a_call_that_nobody_knows_is_hung_up(impostor):
    async with impostor() as (_, twilio):
        status, document = await twilio.post("/twilio/next", {"CallSid": CA404})
        assert status == 200
        assert "<Hangup" in document


@fault(
    "The voice webhook is delivered twice.",
    caller="One voice.",
    operator="One call in `GET /api/calls`.",
    kept="The call: it is not begun anew.",
)
@virtually
async def test_a_webhook_that_comes_twice_is_one_call(impostor):
    async with impostor() as (stack, twilio):
        await twilio.stream_url()
        await twilio.stream_url()
        assert len(stack.calls) == 1


@fault(
    "Five calls send nothing but broken messages while another is spoken to.",
    caller="The other caller: the sentence, byte for byte.",
    operator="Warnings for the five calls.",
    kept="Every call but the bad ones.",
)
@virtually
async def test_one_bad_call_never_disturbs_another(impostor):
    async with impostor() as (stack, twilio):
        good = asyncio.create_task(stack.call("listen 60s"))
        for index in range(5):
            fields = {**ARRIVAL, "CallSid": f"CA{index:032x}"}
            socket, _ = await twilio.stream(fields["CallSid"], await twilio.stream_url(fields))
            for message in BROKEN:
                await socket.send_str(message)
            await socket.close()
        placed, _ = await good
        assert b"".join(heard_by(placed)) == audio_of(SENTENCE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "faults",
    [
        SimulatorFaults(stream=StreamFaults(drop_after_seconds=1)),
        pytest.param(
            SimulatorFaults(stream=StreamFaults(hang_after_seconds=1)),
            marks=fault(
                "A stream hangs in the middle of a prompt: it neither carries anything nor closes.",
                caller="The prompt from the word that was cut.",
                operator="The whole prompt in the record.",
                kept="Every word of the prompt.",
            ),
        ),
        pytest.param(
            SimulatorFaults(stream=StreamFaults(garbage_after_seconds=1)),
            marks=fault(
                "A stream turns to bytes that are no messages in the middle of a prompt.",
                caller="The sentence, whole in the end.",
                operator="`telebridge_bad_messages_total` counts.",
                kept="Every word of the sentence.",
            ),
        ),
        SimulatorFaults(stream=StreamFaults(omit_stop=True)),
        SimulatorFaults(stream=StreamFaults(refuse=31901)),
        pytest.param(
            SimulatorFaults(callbacks=(CallbackFault(copies=3),)),
            marks=fault(
                "Every status callback comes three times.",
                caller="The sentence.",
                operator="One record.",
                kept="The call and its record.",
            ),
        ),
        pytest.param(
            SimulatorFaults(callbacks=(CallbackFault(lose=True),)),
            marks=fault(
                "Every status callback is lost.",
                caller="The sentence.",
                operator="The record all the same.",
                kept="The end of the call: it is not live for ever.",
            ),
        ),
        pytest.param(
            SimulatorFaults(callbacks=(CallbackFault(delay_seconds=5),)),
            marks=fault(
                "Every status callback comes five seconds late.",
                caller="The sentence.",
                operator="One record, which a late report does not change.",
                kept="The record.",
            ),
        ),
    ],
)
@virtually
async def test_whatever_twilio_does_the_sentence_is_heard_whole_in_the_end(tmp_path, faults):
    async with bridge(tmp_path, FLOW, twilio={"faults": faults}) as stack:
        placed, record = await stack.call("listen 120s; hang up", status_callback=f"{stack.url}/twilio/status")
        words = SENTENCE.split()
        rests = [audio_of(" ".join(words[said:])) for said in range(len(words))]
        heard = heard_by(placed)
        assert heard[-1] in rests
        again_from = rests.index(heard[-1])
        assert len(heard) == 1 or len(b"".join(heard)) >= len(rests[0])  # what was cut is said from the last word
        assert again_from == 0 or len(heard) > 1
        await asyncio.sleep(60)
        assert len(stack.calls) == 0
    assert record.utterances[-1].interruption is None


@fault(
    "More people call than `server.max_calls`.",
    caller="The busy tone; the others their sentence.",
    operator="The log line 'call refused: no room'; `telebridge_refused_total{reason=\"full\"}` counts.",
    kept="The calls that are live.",
)
@virtually
async def test_callers_beyond_the_limit_hear_busy(tmp_path):
    async with bridge(tmp_path, FLOW, server={"max_calls": 1}) as stack:
        first = asyncio.create_task(stack.call("listen 60s"))
        await asyncio.sleep(0.5)
        second, record = await stack.call("listen 60s")
        assert second.record.status.value == "busy"
        assert record is None
        placed, _ = await first
        assert heard_by(placed) == [audio_of(SENTENCE)]


@fault(
    "Rime answers 500 to every handshake, and there is no other provider.",
    caller="The apology, by Twilio's own voice.",
    operator="The record with 'speech failed: Rime cannot take the connection'.",
    kept="The line: no caller is left in silence.",
)
@virtually
async def test_speech_that_fails_is_told_the_caller_and_the_log(tmp_path):
    async with bridge(tmp_path, FLOW, rime={"faults": SpeechServerFaults(refuse_status=500)}) as stack:
        placed, record = await stack.call("listen 60s")
    assert record.end_reason.startswith("speech failed: Rime cannot take the connection")
    assert [event.detail for event in placed.recording.of_kind(EventKind.TWIML)][-2:] == ["Say", "hangup"]


@virtually
async def test_health_is_told_without_signature(tmp_path):
    async with bridge(tmp_path, FLOW) as stack, aiohttp.ClientSession() as session:
        for path in ("/healthz", "/readyz", "/metrics"):
            async with session.get(stack.url + path) as answer:
                assert answer.status == 200
        assert urlsplit(stack.url).hostname == "127.0.0.1"
