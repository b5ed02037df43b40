"""Twilio's end of a stream plays what is documented, and warns once of what is not."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.simulator.media.playout import PlayoutBuffer
from telebridge.simulator.media.recording import DualChannelRecording, EventKind
from telebridge.simulator.media.stream import StreamLeg, shape_problem
from telebridge.twilio.media_stream import MediaStream, Side

SID = "MZ1"


def leg(**options):
    stream = StreamLeg(SID, PlayoutBuffer(), DualChannelRecording(0.0), **options)
    stream.open(call_sid="CA1", account_sid="AC1", parameters={})
    return stream


def media(payload="/////w==", **extra):
    return json.dumps({"event": "media", "streamSid": SID, "media": {"payload": payload, **extra}})


def mark(name):
    return json.dumps({"event": "mark", "streamSid": SID, "mark": {"name": name}})


def warnings(stream):
    return [event.detail[:5] for event in stream._recording.of_kind(EventKind.WARNING)]


def test_a_stream_opens_with_connected_and_start():
    stream = StreamLeg(SID, PlayoutBuffer(), DualChannelRecording(0.0))
    bridge = MediaStream(Side.BRIDGE)
    messages = stream.open(call_sid="CA1", account_sid="AC1", parameters={"token": "t"})
    assert [json.loads(message)["event"] for message in messages] == ["connected", "start"]
    assert [event for message in messages for event in bridge.receive_text(message.decode())]


def test_frames_begin_where_captures_do_and_are_twenty_milliseconds_apart():
    stream = leg()
    stamps = [json.loads(stream.send_frame(b"\xff" * 160))["media"]["timestamp"] for _ in range(3)]
    assert stamps == ["155", "175", "195"]


def test_a_mark_comes_back_after_its_audio_and_a_clear_returns_it_at_once():
    stream = leg()
    assert stream.receive_text(media(), now=0.0) == []
    assert stream.receive_text(mark("a"), now=0.0) == []
    [returned] = stream.receive_text(json.dumps({"event": "clear", "streamSid": SID}), now=0.0)
    assert json.loads(returned)["mark"]["name"] == "a"


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        (media(), None),
        (mark("a"), None),
        (json.dumps({"event": "clear", "streamSid": SID}), None),
        (media(track="outbound"), "extra field track"),
        (json.dumps({"event": "clear"}), "no streamSid"),
        (json.dumps({"event": "media", "streamSid": SID, "media": {}}), "no payload"),
        (json.dumps({"event": "media", "streamSid": SID, "media": 5}), "media is not an object"),
        (json.dumps({"event": "dtmf", "streamSid": SID}), "unknown event dtmf"),
        (json.dumps(["media"]), "no event"),
        ("{", "not JSON"),
    ],
)
def test_a_message_is_as_documented_or_has_a_problem(message, problem):
    assert shape_problem(message) == problem


@pytest.mark.parametrize(("accepted", "heard"), [(False, 0), (True, 4)])
def test_an_extra_field_is_a_warning_and_the_audio_is_played_only_where_that_is_chosen(accepted, heard):
    stream = leg(accept_extra_fields=accepted)
    stream.receive_text(media(track="outbound"), now=0.0)
    assert stream._playout.queued_bytes(now=0.0) == heard
    assert warnings(stream) == ["31951"]


def test_each_warning_is_given_once():
    stream = leg()
    for _ in range(3):
        stream.receive_text("{", now=0.0)
        stream.receive_binary(b"x", now=0.0)
    assert warnings(stream) == ["31951", "31950"]


def test_audio_past_ten_minutes_is_discarded_with_a_warning():
    stream = StreamLeg(SID, PlayoutBuffer(capacity_bytes=6), DualChannelRecording(0.0))
    stream.open(call_sid="CA1", account_sid="AC1", parameters={})
    stream.receive_text(media(), now=0.0)
    stream.receive_text(media(), now=0.0)
    assert warnings(stream) == ["31931"]
    assert stream._playout.queued_bytes(now=0.0) == 6


@pytest.mark.slow
@given(st.text() | st.recursive(st.none() | st.text(), lambda each: st.dictionaries(st.text(), each)).map(json.dumps))
def test_no_message_ends_the_stream(text):
    leg().receive_text(text, now=0.0)
