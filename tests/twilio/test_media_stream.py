import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.errors import LocalProtocolError, RemoteProtocolError
from telebridge.twilio.media_stream import (
    AudioQueued,
    AudioReceived,
    DigitPressed,
    MarkQueued,
    MarkReturned,
    MediaStream,
    PlaybackCleared,
    Side,
    StreamStarted,
    StreamStopped,
)

# The examples of Twilio's "WebSocket messages" page, with its kinds of values.
CONNECTED = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
START = {
    "event": "start",
    "sequenceNumber": "1",
    "streamSid": "MZ1",
    "start": {
        "streamSid": "MZ1",
        "accountSid": "AC1",
        "callSid": "CA1",
        "tracks": ["inbound"],
        "customParameters": {"FirstName": "Jane"},
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
    },
}
MEDIA = {
    "event": "media",
    "sequenceNumber": "3",
    "streamSid": "MZ1",
    "media": {"track": "inbound", "chunk": "1", "timestamp": "155", "payload": "//9/fw=="},
}
DTMF = {"event": "dtmf", "streamSid": "MZ1", "sequenceNumber": "5", "dtmf": {"track": "inbound_track", "digit": "1"}}
MARK = {"event": "mark", "sequenceNumber": "4", "streamSid": "MZ1", "mark": {"name": "u7-3"}}
STOP = {"event": "stop", "sequenceNumber": "9", "streamSid": "MZ1", "stop": {"accountSid": "AC1", "callSid": "CA1"}}


def streaming():
    stream = MediaStream(Side.BRIDGE)
    stream.receive_text(json.dumps(CONNECTED))
    stream.receive_text(json.dumps(START))
    return stream


def test_a_call_as_documented_gives_its_events():
    stream = MediaStream(Side.BRIDGE)
    heard = [stream.receive_text(json.dumps(message)) for message in (CONNECTED, START, MEDIA, DTMF, MARK, STOP)]
    assert heard == [
        [],
        [StreamStarted("MZ1", "CA1", "AC1", {"FirstName": "Jane"})],
        [AudioReceived(b"\xff\xff\x7f\x7f", 155)],
        [DigitPressed("1")],
        [MarkReturned("u7-3")],
        [StreamStopped()],
    ]


def test_numbers_may_come_as_numbers_and_unknown_fields_are_ignored():
    message = {
        **MEDIA,
        "sequenceNumber": 3,
        "news": {},
        "media": {**MEDIA["media"], "timestamp": 155, "chunk": 1, "x": []},
    }
    assert streaming().receive_text(json.dumps(message).encode()) == [AudioReceived(b"\xff\xff\x7f\x7f", 155)]


def test_the_format_may_come_as_text():
    start = {**START["start"], "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": "8000", "channels": "1"}}
    assert MediaStream(Side.BRIDGE).receive_text(json.dumps({**START, "start": start}))


def test_the_other_track_is_not_the_caller():
    message = {**MEDIA, "media": {**MEDIA["media"], "track": "outbound"}}
    assert streaming().receive_text(json.dumps(message)) == []


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
        ('"media"', "cannot be read"),
        ("{}", "cannot be read"),
        ('{"event":"surprise"}', "surprise"),
        ('{"event":"media","streamSid":"MZ1"}', "media"),
        ('{"event":"media","streamSid":"MZ1","media":{"payload":"not base64!"}}', "base64"),
        ('{"event":"media","streamSid":"MZ1","media":{"payload":7}}', "payload"),
        ('{"event":"media","streamSid":"MZ1","media":{"payload":"//8=","timestamp":"soon"}}', "timestamp"),
        ('{"event":"dtmf","streamSid":"MZ1","dtmf":"1"}', "dtmf"),
        ('{"event":"mark","streamSid":"MZ1","mark":{"name":null}}', "name"),
        (json.dumps({**MARK, "streamSid": "MZ2"}), "another stream"),
        (json.dumps({**MEDIA, "streamSid": "MZ2"}), "another stream"),
        (json.dumps(START), "'start' to a stream that is streaming"),
        (json.dumps(CONNECTED), "'connected' to a stream that is streaming"),
        (b'{"event":"mark\xff"}', "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        (json.dumps({**MARK, "mark": {"name": "x" * (1 << 20)}}), "over 1048576"),
    ],
)
def test_a_broken_message_is_refused_and_the_stream_goes_on(message, problem):
    stream = streaming()
    with pytest.raises(RemoteProtocolError, match=problem) as caught:
        stream.receive_text(message)
    assert len(str(caught.value)) < 600
    assert stream.receive_text(json.dumps(MARK)) == [MarkReturned("u7-3")]


def test_a_message_of_nearly_a_mebibyte_is_taken():
    payload = "////" * 250_000
    message = json.dumps({**MEDIA, "media": {**MEDIA["media"], "payload": payload}})
    [audio] = streaming().receive_text(message)
    assert len(audio.payload) == 750_000


@pytest.mark.parametrize("message", [MEDIA, DTMF, MARK, STOP])
def test_nothing_may_come_before_start_or_after_stop(message):
    stream = MediaStream(Side.BRIDGE)
    with pytest.raises(RemoteProtocolError, match="connecting"):
        stream.receive_text(json.dumps(message))
    stream = streaming()
    stream.receive_text(json.dumps(STOP))
    with pytest.raises(RemoteProtocolError, match="stopped"):
        stream.receive_text(json.dumps(message))


def test_other_audio_than_telephone_mulaw_is_refused_at_the_start():
    start = {**START["start"], "mediaFormat": {"encoding": "audio/x-l16", "sampleRate": 16000, "channels": 1}}
    with pytest.raises(RemoteProtocolError, match="audio/x-l16 at 16000 Hz"):
        MediaStream(Side.BRIDGE).receive_text(json.dumps({**START, "start": start}))


def test_binary_messages_are_refused():
    with pytest.raises(RemoteProtocolError, match="binary"):
        streaming().receive_binary(b"\x00")


@pytest.mark.parametrize(
    "send", [lambda s: s.send_media(b"\xff"), lambda s: s.send_mark("m"), lambda s: s.send_clear()]
)
def test_nothing_is_sent_before_start_or_after_stop(send):
    with pytest.raises(LocalProtocolError, match="connecting"):
        send(MediaStream(Side.BRIDGE))
    stream = streaming()
    stream.receive_text(json.dumps(STOP))
    with pytest.raises(LocalProtocolError, match="stopped"):
        send(stream)


@pytest.mark.parametrize("stream_sid", ["MZ1", 'a "b"\u00e9%s'])
def test_the_media_message_is_the_same_to_the_byte(stream_sid):
    stream = MediaStream(Side.BRIDGE)
    stream.receive_text(
        json.dumps({**START, "streamSid": stream_sid, "start": {**START["start"], "streamSid": stream_sid}})
    )
    name = json.dumps(stream_sid, ensure_ascii=False).encode()
    for payload, text in ((b"", b""), (b"\xff\x7f", b"/38="), (b"\x00" * 3, b"AAAA")):
        message = b'{"event":"media","streamSid":' + name + b',"media":{"payload":"' + text + b'"}}'
        assert stream.send_media(payload) == message


def test_what_is_sent_has_exactly_the_documented_fields():
    stream = streaming()
    assert json.loads(stream.send_media(b"\xff\x7f")) == {
        "event": "media",
        "streamSid": "MZ1",
        "media": {"payload": "/38="},
    }
    assert json.loads(stream.send_mark('a "b"\n')) == {"event": "mark", "streamSid": "MZ1", "mark": {"name": 'a "b"\n'}}
    assert json.loads(stream.send_clear()) == {"event": "clear", "streamSid": "MZ1"}


def test_twilios_side_writes_numbers_as_strings_and_counts():
    twilio = MediaStream(Side.TWILIO)
    assert json.loads(twilio.send_connected()) == CONNECTED
    assert json.loads(twilio.send_start("MZ1", "CA1", "AC1", {"FirstName": "Jane"})) == START
    assert json.loads(twilio.send_audio(b"\xff\xff\x7f\x7f", 155)) == {**MEDIA, "sequenceNumber": "2"}
    assert json.loads(twilio.send_mark_returned("u7-3")) == {**MARK, "sequenceNumber": "3"}
    assert json.loads(twilio.send_audio(b"\xff", 175))["media"]["chunk"] == "2"
    assert json.loads(twilio.send_digit("1")) == DTMF
    assert json.loads(twilio.send_stop()) == {**STOP, "sequenceNumber": "6"}


def test_each_side_sends_only_its_own_messages():
    with pytest.raises(LocalProtocolError, match="not for the twilio"):
        MediaStream(Side.TWILIO).send_clear()
    with pytest.raises(LocalProtocolError, match="not for the bridge"):
        streaming().send_stop()


@given(payload=st.binary(), name=st.text(), parameters=st.dictionaries(st.text(), st.text()))
def test_the_two_sides_understand_each_other(payload, name, parameters):
    bridge, twilio = MediaStream(Side.BRIDGE), MediaStream(Side.TWILIO)
    assert bridge.receive_text(twilio.send_connected()) == []
    start = bridge.receive_text(twilio.send_start("MZ1", "CA1", "AC1", parameters))
    assert start == [StreamStarted("MZ1", "CA1", "AC1", parameters)]
    assert bridge.receive_text(twilio.send_audio(payload, 20)) == [AudioReceived(payload, 20)]
    assert bridge.receive_text(twilio.send_digit("#")) == [DigitPressed("#")]
    assert bridge.receive_text(twilio.send_mark_returned(name)) == [MarkReturned(name)]
    assert twilio.receive_text(bridge.send_media(payload)) == [AudioQueued(payload)]
    assert twilio.receive_text(bridge.send_mark(name)) == [MarkQueued(name)]
    assert twilio.receive_text(bridge.send_clear()) == [PlaybackCleared()]
    late = bridge.send_clear()
    assert bridge.receive_text(twilio.send_stop()) == [StreamStopped()]
    assert twilio.receive_text(late) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["event", "media", "start", "payload", "streamSid"]), inner)
    ),
)


@pytest.mark.slow
@given(data=st.binary() | st.text() | JSON.map(json.dumps))
def test_reading_anything_gives_events_or_a_protocol_error(data):
    for stream in (streaming(), MediaStream(Side.BRIDGE), MediaStream(Side.TWILIO)):
        with contextlib.suppress(RemoteProtocolError):
            assert isinstance(stream.receive_text(data), list)
