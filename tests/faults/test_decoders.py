"""Messages, files and values that no decoder expects, a clock that jumps, a network that breaks in every phase."""

import copy
import io
import json
import struct
from datetime import UTC, datetime, timedelta

import pytest
import structlog
from support.api import PlayedCalls, record
from support.bridge import bridge
from support.faults import fault
from support.virtual_time import virtually

from telebridge.audio import wav
from telebridge.call.flows.python.registry import Bridge
from telebridge.call.runner.feed import Watch
from telebridge.call.session.events import StreamLost
from telebridge.call.session.stream_phase import Phase
from telebridge.errors import ConfigurationError, RemoteProtocolError, SpeechUnavailable, TwilioAPIError
from telebridge.flows.loading import check_flow
from telebridge.logs import configure_logs
from telebridge.rime.messages import Side as RimeSide
from telebridge.rime.structured import Edition, StructuredConnection
from telebridge.twilio.media_stream import AudioReceived, MediaStream, Side
from telebridge.twilio.signed_urls import StreamTokenError, StreamTokens

ODD = [None, True, -1, 0, 1e308, 10**400, "", "\0", "\ud83d", "x" * 10_000, [], {}, [[]], {"a": None}]
FROM_TWILIO = [
    {"event": "connected", "protocol": "Call", "version": "1.0.0"},
    {
        "event": "start",
        "streamSid": "MZ1",
        "start": {
            "streamSid": "MZ1",
            "callSid": "CA1",
            "accountSid": "AC1",
            "customParameters": {"a": "b"},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        },
    },
    {"event": "media", "streamSid": "MZ1", "media": {"track": "inbound", "timestamp": "20", "payload": "//8="}},
    {"event": "dtmf", "streamSid": "MZ1", "dtmf": {"track": "inbound_track", "digit": "1"}},
    {"event": "mark", "streamSid": "MZ1", "mark": {"name": "m1"}},
    {"event": "stop", "streamSid": "MZ1", "stop": {"callSid": "CA1"}},
]
TIMES = {"words": ["Hi"], "start": [0.0], "end": [0.3]}
FROM_RIME = [
    {"type": "chunk", "data": "//8=", "contextId": "c1"},
    {"type": "timestamps", "word_timestamps": TIMES, "contextId": "c1"},
    {"type": "timestamps", "wordTimestamps": TIMES, "contextId": "c1"},
    {"type": "done", "done": True, "contextId": "c1"},
    {"type": "error", "message": "no"},
]


def fields_of(value, path=()):
    """The path of every field of a message, and of every part of it."""
    if path:
        yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inside in parts:
        yield from fields_of(inside, (*path, name))


def changed(message, path, value):
    """The message with another value in one field; without the field where the value is `...`."""
    result = copy.deepcopy(message)
    inner = result
    for name in path[:-1]:
        inner = inner[name]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return json.dumps(result)


def every_change(messages):
    return [changed(each, path, odd) for each in messages for path in fields_of(each) for odd in [*ODD, ...]]


def one_line(error):
    assert str(error).isprintable()
    assert len(str(error)) < 2000


@fault(
    "A message of the stream has another type, or nothing, in any one of its fields.",
    caller="The audio before and after it.",
    operator="One warning; `telebridge_bad_messages_total` counts.",
    kept="The stream: a message that is refused changes nothing.",
)
def test_every_field_of_the_stream_may_hold_anything():
    taken = 0
    for message in every_change(FROM_TWILIO):
        stream = MediaStream(Side.BRIDGE)
        stream.receive_text(json.dumps(FROM_TWILIO[0]))
        if '"start":' not in message:
            stream.receive_text(json.dumps(FROM_TWILIO[1]))
        before = stream.state, stream.stream_sid
        try:
            taken += bool(stream.receive_text(message))
        except RemoteProtocolError as error:
            one_line(error)
            assert (stream.state, stream.stream_sid) == before
    assert taken > 50, "what nobody needs is let through"


@fault(
    "A message of Rime's has another type, or nothing, in any one of its fields.",
    caller="The text, if need be by the next provider.",
    operator="The error 'Rime sent …' where it cannot be understood.",
    kept="The call.",
)
@pytest.mark.parametrize("side", RimeSide)
def test_every_field_of_rime_may_hold_anything(side):
    connection = StructuredConnection(side, Edition.WS3)
    messages = FROM_RIME if side is RimeSide.BRIDGE else [{"text": "Hi", "contextId": "c1", "operation": "flush"}]
    understood = 0
    for message in every_change(messages):
        try:
            connection.receive_text(message)
            understood += 1
        except RemoteProtocolError as error:
            assert side is RimeSide.BRIDGE, "what a client sends is answered"
            one_line(error)
    assert understood


@fault(
    "A frame says that it is from before the stream, or from a time with 400 digits.",
    caller="The call, as usual: the frame is left out.",
    operator="`telebridge_bad_messages_total` counts.",
    kept="The stream; no number ends its reader.",
)
@pytest.mark.parametrize("time", ["-5", "99999999999999999999", "9" * 400])
@pytest.mark.parametrize("quote", ["", '"'])
def test_media_time_is_the_time_of_a_call(time, quote):
    stream = MediaStream(Side.BRIDGE)
    for message in FROM_TWILIO[:2]:
        stream.receive_text(json.dumps(message))
    media = json.dumps(FROM_TWILIO[2])
    with pytest.raises(RemoteProtocolError, match="timestamp"):
        stream.receive_text(media.replace('"20"', f"{quote}{time}{quote}"))
    assert stream.receive_text(media) == [AudioReceived(b"\xff\xff", 20)]


@fault(
    "A peer, or an author, puts line breaks, escape sequences or half characters where an error quotes them.",
    caller="Nothing of it.",
    operator="One line, in which they are written as escapes.",
    kept="The log and the terminal: no line is forged, and nothing is executed.",
)
@pytest.mark.parametrize("text", ["a\nlevel=error forged", "\x1b]0;title\x07", "half \ud83d", "\u2028", "\u202eevil"])
def test_an_error_is_one_line_whatever_it_quotes(text):
    errors = [
        ConfigurationError(text, text, text),
        RemoteProtocolError("Twilio", "sent", text),
        SpeechUnavailable(text, status=1011),
        TwilioAPIError(400, 21211, text),
    ]
    for error in errors:
        one_line(error)
        str(error).encode()


@fault(
    "A Python flow leaves a result that no JSON can have: one that contains itself, NaN, a key that is no text.",
    caller="The call to its end.",
    operator="The log line 'call over' and the event `call-ended`, without the result.",
    kept="The record, the outcome of the campaign, and the feed of events.",
)
@pytest.mark.parametrize("odd", [{"nan": float("nan")}, {(1, 2): 3}, "itself"])
@virtually
async def test_a_result_that_cannot_be_told_ends_no_feed(tmp_path, odd):
    led = Bridge()

    @led.flow("test")
    async def flow(call):
        call.result["odd"] = call.result if odd == "itself" else odd

    lines = io.StringIO()
    configure_logs(json=True, stream=lines)
    try:
        async with bridge(tmp_path, None, python=led) as stack:
            watcher = stack.calls.feed.watch(Watch(), lambda: None)
            _, ended = await stack.call("listen 60s")
            events = {event.kind: event.as_text().decode() for event in watcher.take()}
    finally:
        structlog.reset_defaults()
    assert ended.end_reason == "flow ended"
    [log_line] = [line for line in lines.getvalue().splitlines() if '"call over"' in line]
    for text in (log_line, events["call-ended"].partition("data: ")[2]):
        told = json.loads(text)
        assert (told["end_reason"], told["call_sid"]) == ("flow ended", ended.call_sid)
        assert "result" not in told


@fault(
    'A value stands beside a tag of YAML that it does not fit, such as `!!timestamp` or `!!int ""`.',
    caller="Nothing: the last good version of the flow stays in service.",
    operator="One mistake of the flow file, with its line.",
    kept="The flows in service.",
)
@pytest.mark.parametrize("value", ["!!timestamp", "!!bool maybe", '!!int ""', "!!float x", "!!binary é", "!!omap 5"])
def test_a_tag_that_does_not_fit_is_a_mistake_of_the_file(tmp_path, value):
    file = tmp_path / "flow.yaml"
    file.write_text(f"flow: f\nstart: a\nnodes:\n  a: {{say: {value}, then: a}}\n")
    [error, *_] = check_flow(file)
    one_line(error)
    assert str(error).startswith(f"{file}:")


def wav_of(**odd):
    """A WAV file with odd numbers in its head."""
    head = {"channels": 1, "rate": 8000, "bits": 16, "chunk": 20, **odd}
    width = head["channels"] * (head["bits"] // 8)
    kind = struct.pack("<HHIIHH", 1, head["channels"], head["rate"], 8000, width % 65536, head["bits"])
    data = bytes(21)
    return (
        b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<I", 16) + kind
        + b"data" + struct.pack("<I", head["chunk"]) + data
    )  # fmt: skip


@fault(
    "A file for `<Play>` at the local Twilio is a WAV of odd widths, of no channel, or of one sample a second.",
    caller="What follows the file.",
    operator="The error of the file, in one line.",
    kept="The simulated call, and the memory of its process.",
)
@pytest.mark.parametrize(
    "odd",
    [{"rate": 1}, {"rate": 2**32 - 1}, {"bits": 40}, {"channels": 3}, {"channels": 0}, {"bits": 0}, {"rate": 0}],
)
def test_an_odd_wav_file_is_a_value_error(odd):
    with pytest.raises(ValueError, match=r"\w"):
        wav.read(io.BytesIO(wav_of(**odd)))


@pytest.mark.parametrize("chunk", [3, 19, 4000])
@fault(
    "A WAV file is cut short in the middle of a frame.",
    caller="What is there of it.",
    operator="Nothing.",
    kept="The whole frames.",
)
def test_a_wav_file_that_is_cut_short_is_played_as_far_as_it_goes(chunk):
    try:
        samples = wav.read(io.BytesIO(wav_of(chunk=chunk)))
    except ValueError as error:
        assert chunk == 4000
        one_line(error)
    else:
        assert len(samples) == min(chunk, 21) // 2


@fault(
    "The network between Twilio and the bridge breaks, in any phase of a call.",
    caller="What was cut, once the stream is back; another party, undisturbed.",
    operator="The phase in `GET /api/calls/{sid}`, and one record.",
    kept="The call: only one that was ending is over.",
)
@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.OVER])
async def test_the_network_breaks_in_every_phase(phase):
    call = PlayedCalls().add(record(), phase).runner
    call.deliver(StreamLost())
    call.deliver(StreamLost())
    after = {Phase.LIVE: Phase.WAITING, Phase.CLOSING: Phase.OVER}
    assert call.session.phase is after.get(phase, phase)
    call.abandon()


@fault(
    "The clock of the machine jumps, forward or back, while Twilio connects a stream.",
    caller="The call, at most a second later.",
    operator='`telebridge_refused_total{endpoint="media",reason="token"}` counts a token that a jump forward made old.',
    kept="The call: the next token is of the new time. No token is taken twice.",
)
@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=400), timedelta(seconds=-5)])
def test_a_clock_that_jumps_costs_one_stream_at_most(jump):
    tokens, before = StreamTokens("secret"), datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
    after = before + jump
    token = tokens.issue("CA1", {}, wallclock=before)
    if jump > timedelta():
        with pytest.raises(StreamTokenError, match="expired"):
            tokens.redeem(token, wallclock=after)
        token = tokens.issue("CA1", {}, wallclock=after)
    assert tokens.redeem(token, wallclock=after) == ("CA1", {})
    with pytest.raises(StreamTokenError, match="used before"):
        tokens.redeem(token, wallclock=after)
