"""One-way streams run beside the verbs that follow them."""

import base64
import json

import pytest
from aiohttp import WSMsgType, web
from support.two_calls import account
from support.virtual_time import virtually

from telebridge.simulator.caller.voices import speech
from telebridge.simulator.media.recording import EventKind

GATHER = "<Gather action='/digits' numDigits='1' timeout='4'><Say>Press a key, please.</Say></Gather>"


def document(attributes, after=GATHER):
    stream = (
        f"<Stream name='s' url='/media' statusCallback='URL/told' {attributes}><Parameter name='a' value='b'/></Stream>"
    )
    return f"<Response><Start>{stream}</Start>{after}</Response>"


async def streamed(voice, script, *, answers=None):
    """What a server received over a one-way stream, the call, and the application."""
    received = []

    async def media(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if answers is not None:
            await socket.send_str(answers)
        received.extend([json.loads(message.data) async for message in socket if message.type is WSMsgType.TEXT])
        return socket

    async with account({}) as twilio:
        twilio.application.documents["media"] = media
        twilio.application.documents["voice"] = voice.replace("URL", twilio.url)
        [placed] = await twilio.calls((0, "voice", script))
    return received, placed, twilio.application


@virtually
async def test_a_stream_carries_both_tracks_while_a_gather_goes_on():
    voice = document("track='both_tracks'")
    received, _, application = await streamed(voice, "listen 1s; speak 1s; press 5; listen 3s")
    assert application.fields("digits")[0]["Digits"] == "5"
    connected, start, *media, stop = received
    assert (connected["event"], stop["event"]) == ("connected", "stop")
    assert (start["start"]["tracks"], start["start"]["customParameters"]) == (["inbound", "outbound"], {"a": "b"})
    assert [int(message["sequenceNumber"]) for message in received[1:]] == list(range(1, len(received)))
    audio = {"inbound": b"", "outbound": b""}
    for message in media:
        audio[message["media"]["track"]] += base64.b64decode(message["media"]["payload"])
    assert speech(1000) in audio["inbound"]
    assert len(audio["outbound"].strip(b"\xff")) > 4000
    chunks = [int(message["media"]["chunk"]) for message in media if message["media"]["track"] == "inbound"]
    assert chunks == list(range(1, len(chunks) + 1))
    assert [fields["StreamEvent"] for fields in application.fields("told")] == ["stream-started", "stream-stopped"]


@virtually
async def test_a_stream_is_stopped_by_its_name():
    after = "<Pause length='2'/><Stop><Stream name='s'/></Stop><Pause length='3'/>"
    received, placed, _ = await streamed(document("", after), "listen 60s")
    assert len(received) == pytest.approx(2 * 50 + 3, abs=3)
    assert placed.record.duration_seconds == 5


@virtually
async def test_a_server_that_speaks_on_a_one_way_stream_ends_it():
    _, placed, application = await streamed(document(""), "listen 9s", answers="{}")
    assert [event.detail[:5] for event in placed.recording.of_kind(EventKind.WARNING)] == ["31924"]
    told = application.fields("told")
    assert [fields["StreamEvent"] for fields in told] == ["stream-started", "stream-stopped", "stream-error"]
    assert told[-1]["StreamErrorCode"] == "31924"


@virtually
async def test_a_stream_that_cannot_be_connected_does_not_hold_up_the_call():
    async with account({}) as twilio:
        twilio.application.documents["voice"] = document("").replace("URL", twilio.url)
        [placed] = await twilio.calls((0, "voice", "listen 1s; press 1; listen 1s"))
        assert twilio.application.fields("digits")[0]["Digits"] == "1"
        assert twilio.application.fields("told")[0]["StreamErrorCode"] == "31920"
    assert placed.record.status.value == "completed"
