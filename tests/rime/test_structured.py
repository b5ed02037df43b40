import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.errors import LocalProtocolError, RemoteProtocolError
from telebridge.rime.messages import (
    ChunkReceived,
    ClearReceived,
    DoneReceived,
    Ended,
    EosReceived,
    ErrorReceived,
    FlushReceived,
    Malformed,
    Side,
    TextReceived,
    TimestampsReceived,
    Unrecognised,
)
from telebridge.rime.structured import Edition, StructuredConnection, WordClock

TIMES = {"words": ["Hello", "there."], "start": [0.0, 0.3], "end": [0.3, 0.8]}


@pytest.fixture
def bridge():
    return StructuredConnection(Side.BRIDGE, Edition.WS3)


@pytest.fixture(params=list(Edition))
def rime(request):
    return StructuredConnection(Side.RIME, request.param)


# What Rime's "WebSockets JSON" page shows.


def test_text_and_operations_are_sent_as_documented(bridge):
    assert json.loads(bridge.send_text("Hello. ", "u1")) == {"text": "Hello. ", "contextId": "u1"}
    assert json.loads(bridge.send_clear()) == {"operation": "clear"}
    assert json.loads(bridge.send_flush()) == {"operation": "flush"}
    assert json.loads(bridge.send_eos()) == {"operation": "eos"}


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ({"type": "chunk", "data": "/38=", "contextId": None}, ChunkReceived(b"\xff\x7f")),
        ({"type": "chunk", "data": "/38=", "contextId": "u1", "more": 1}, ChunkReceived(b"\xff\x7f", "u1")),
        (
            {"type": "timestamps", "word_timestamps": TIMES, "contextId": "u1"},
            TimestampsReceived(("Hello", "there."), (0.0, 0.3), (0.3, 0.8), "u1"),
        ),
        (
            {"type": "timestamps", "wordTimestamps": TIMES},
            TimestampsReceived(("Hello", "there."), (0.0, 0.3), (0.3, 0.8)),
        ),
        ({"type": "done", "contextId": "u1"}, DoneReceived("u1")),
        ({"type": "done", "contextId": None, "done": True}, DoneReceived()),
        ({"type": "error", "message": "what?"}, ErrorReceived("what?")),
    ],
)
def test_what_rime_says_is_understood(bridge, message, event):
    assert bridge.receive_text(json.dumps(message)) == event


@pytest.mark.parametrize(
    "message",
    [
        "",
        "{",
        "[]",
        '{"type":7}',
        '{"data":"/38="}',
        '{"type":"chunk"}',
        '{"type":"chunk","data":"?"}',
        '{"type":"chunk","data":1}',
        '{"type":"timestamps","word_timestamps":{"words":["a"],"start":[],"end":[1]}}',
        "[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_a_protocol_error(bridge, message):
    with pytest.raises(RemoteProtocolError):
        bridge.receive_text(message)


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ('{"text":"Hi","contextId":"u1"}', TextReceived("Hi", "u1")),
        ('{"text":"Hi"}', TextReceived("Hi")),
        ('{"text":"Hi","inlineSpeedAlpha":"0.5","contextId":""}', TextReceived("Hi", "")),
        ('{"operation":"clear"}', ClearReceived()),
        ('{"operation":"flush","contextId":"u1"}', FlushReceived()),
        ('{"operation":"eos"}', EosReceived()),
        ('{"operation":"stop"}', Malformed("unknown operation: stop")),
        ("{}", Malformed("text is required")),
    ],
)
def test_what_clients_say_is_understood(rime, message, event):
    assert rime.receive_text(message) == event


@given(st.text() | st.binary())
def test_a_client_can_send_anything(data):
    event = StructuredConnection(Side.RIME, Edition.WS3).receive_text(data)
    assert isinstance(event, Malformed | TextReceived | ClearReceived | FlushReceived | EosReceived)


@given(st.binary(), st.text() | st.none())
def test_the_two_sides_understand_each_other(data, context_id):
    bridge = StructuredConnection(Side.BRIDGE, Edition.WS2)
    for older_spelling in (False, True):
        rime = StructuredConnection(Side.RIME, Edition.WS2, older_spelling=older_spelling)
        assert bridge.receive_text(rime.send_chunk(data, context_id)) == ChunkReceived(data, context_id)
        times = rime.send_timestamps(["a"], [0.0], [0.5], context_id)
        assert bridge.receive_text(times) == TimestampsReceived(("a",), (0.0,), (0.5,), context_id)
        assert bridge.receive_text(rime.send_done(context_id)) == DoneReceived(context_id)
        assert bridge.receive_text(rime.send_error("no")) == ErrorReceived("no")


def test_the_two_editions_differ_in_done():
    assert json.loads(StructuredConnection(Side.RIME, Edition.WS2).send_done("u1"))["done"] is True
    assert "done" not in json.loads(StructuredConnection(Side.RIME, Edition.WS3).send_done("u1"))


def test_each_side_sends_only_its_own(bridge, rime):
    with pytest.raises(LocalProtocolError):
        bridge.send_done("u1")
    with pytest.raises(LocalProtocolError):
        rime.send_flush()
    with pytest.raises(LocalProtocolError, match="no text"):
        bridge.send_text("  ", "u1")


def test_a_close_tells_the_error(bridge):
    assert bridge.receive_close(1011, "").error == "Rime closed the connection: no reason given"
    assert bridge.receive_close(1000, "") == Ended()


def test_a_kind_of_message_that_rime_adds_does_no_harm(bridge):
    assert bridge.receive_text('{"type":"news","data":7}') == Unrecognised("news")


@given(st.text() | st.binary())
def test_the_bridge_reads_anything_or_says_that_it_cannot(data):
    with contextlib.suppress(RemoteProtocolError):
        StructuredConnection(Side.BRIDGE, Edition.WS3).receive_text(data)


KNOWN = [
    "type",
    "data",
    "contextId",
    "word_timestamps",
    "words",
    "start",
    "end",
    "message",
    "chunk",
    "timestamps",
    "done",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text() | st.sampled_from(KNOWN),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KNOWN), inner, max_size=5),
    max_leaves=12,
)


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(KNOWN), JSON), st.sampled_from(["chunk", "timestamps", "done", "error"]))
def test_the_bridge_reads_any_json_or_says_that_it_cannot(message, kind):
    with contextlib.suppress(RemoteProtocolError):
        StructuredConnection(Side.BRIDGE, Edition.WS3).receive_text(json.dumps({**message, "type": kind}))


# Word times on the axis of the utterance.


def times(*words):
    names, starts, ends = zip(*words, strict=True)
    return TimestampsReceived(names, starts, ends)


def test_words_of_the_first_synthesis_are_where_they_say():
    [hello, there] = WordClock().words(times(("Hello", 0.0, 0.3), ("there.", 0.3, 0.8)), received_ms=800)
    assert (hello.start_ms, hello.end_ms) == (0, 300)
    assert (there.start_ms, there.end_ms) == (300, 800)


def test_words_of_the_next_request_follow_the_audio_of_the_one_before():
    clock = WordClock()
    clock.words(times(("One.", 0.0, 0.5)), received_ms=600)
    clock.synthesis_over(600)
    [word] = clock.words(times(("Two.", 0.0, 0.4)), received_ms=1000)
    assert (word.start_ms, word.end_ms) == (600, 1000)


def test_a_clock_that_goes_back_begins_a_new_synthesis_after_the_audio_of_the_last():
    clock = WordClock()
    clock.words(times(("One.", 0.0, 0.5)), received_ms=600)
    [word] = clock.words(times(("Two.", 0.0, 0.4)), received_ms=1000)
    assert word.start_ms == 600


def test_more_words_of_the_same_synthesis_go_on():
    clock = WordClock()
    clock.words(times(("One", 0.0, 0.5)), received_ms=500)
    [word] = clock.words(times(("two.", 0.5, 0.9)), received_ms=900)
    assert word.start_ms == 500
