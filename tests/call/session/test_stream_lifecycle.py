"""The streams of a call, without a session: what follows when one starts, breaks, stops or stays away."""

import pytest
from support.call_parts import CallParts
from support.callers import felt
from support.line import HELLO, begun

from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.effects import ClearSpeech, CloseStream, ReleaseCall, SaveCheckpoint
from telebridge.call.session.events import CallOver, StreamLost, StreamRequested
from telebridge.call.session.stream_lifecycle import StreamLifecycle
from telebridge.call.session.stream_phase import MAX_FAILED_STARTS, Phase, PhaseInput
from telebridge.twilio.media_stream import StreamStarted, StreamStopped

STARTED = StreamStarted("MZ1", "CA1", "AC1", {})


class Streams:
    """The lifecycle of a call's streams, and the parts it acts on."""

    def __init__(self):
        self.parts = parts = CallParts()
        parts.phases.start(now=0.0)
        self.lifecycle = StreamLifecycle(parts.phases, parts.speaking, parts.dialogue, parts.checkpointer, parts.ending)

    @property
    def phase(self):
        return self.parts.phases.phase

    def tell(self, event, now=1.0):
        return self.lifecycle.handle(event, now=now)

    def saying(self):
        self.tell(STARTED)
        self.parts.dialogue.begin(HELLO, now=1.0)
        return self


@pytest.fixture
def streams():
    return Streams()


def test_a_stream_that_starts_makes_the_call_live(streams):
    assert streams.tell(STARTED) == []
    assert (streams.phase, streams.parts.speaking.stream_open) == (Phase.LIVE, True)


def test_a_stream_that_comes_after_the_beginning_of_a_transfer_is_closed(streams):
    streams.parts.phases.handle(PhaseInput.TRANSFER, now=0.5)
    assert streams.tell(STARTED) == [CloseStream()]


def test_what_a_lost_stream_cut_is_requested_at_once(streams):
    closed, cleared, again = streams.saying().tell(StreamLost())
    assert (closed, type(cleared)) == (CloseStream(), ClearSpeech)
    assert again.say.text == HELLO.text
    assert streams.phase is Phase.WAITING


def test_what_a_stopped_stream_cut_is_requested_once_the_call_is_brought_back(streams):
    cleared, saved, closed = streams.saying().tell(StreamStopped())
    assert (type(cleared), closed) == (ClearSpeech, CloseStream())
    assert not Checkpoint.decode(saved.checkpoint).over
    assert streams.phase is Phase.HELD
    assert begun(streams.tell(StreamRequested())).say.text == HELLO.text


def test_a_stream_that_stops_or_breaks_twice_has_no_effect(streams):
    streams.saying().tell(StreamStopped())
    assert streams.tell(StreamStopped()) == []
    assert streams.tell(StreamLost()) == []


def test_streams_that_never_start_end_the_call_with_an_apology(streams):
    for _ in range(MAX_FAILED_STARTS - 1):
        assert streams.tell(StreamRequested()) == []
    assert streams.tell(StreamRequested()) == [ReleaseCall()]
    assert streams.parts.checkpointer.apology
    assert streams.parts.record.end_reason == "the media stream cannot be kept up"


@pytest.mark.parametrize(
    ("status", "held", "reason"),
    [("completed", True, "caller hung up"), ("completed", False, "call completed"), ("busy", True, "call busy")],
)
def test_the_end_that_twilio_reports_ends_the_call(streams, status, held, reason):
    streams.tell(STARTED)
    if held:
        streams.tell(StreamStopped())
    assert felt(streams.tell(CallOver(status))) == [ReleaseCall()]
    assert (streams.phase, streams.parts.record.end_reason) == (Phase.OVER, reason)


def test_nothing_follows_before_the_phase_has_lasted_too_long(streams):
    assert streams.lifecycle.handle_timeout(now=29.9) == []


def test_a_stream_that_never_comes_ends_the_call(streams):
    assert streams.lifecycle.handle_timeout(now=30.0) == [ReleaseCall()]
    assert streams.parts.record.end_reason == "the media stream never came"


def test_a_stream_that_gives_no_sign_of_life_counts_as_lost(streams):
    streams.tell(STARTED)
    assert streams.lifecycle.handle_timeout(now=11.0) == [CloseStream()]
    assert streams.phase is Phase.WAITING


def test_a_caller_who_is_not_brought_back_has_hung_up(streams):
    streams.tell(STARTED)
    assert [type(each) for each in streams.tell(StreamStopped())] == [SaveCheckpoint, CloseStream]
    assert streams.lifecycle.handle_timeout(now=61.0) == [ReleaseCall()]
    assert streams.parts.record.end_reason == "caller hung up"


def test_a_stream_that_we_closed_is_not_waited_for_any_longer(streams):
    streams.tell(STARTED)
    streams.parts.ending.close("flow ended", now=1.0)
    assert streams.lifecycle.handle_timeout(now=11.0) == [ReleaseCall()]
    assert streams.parts.record.end_reason == "flow ended"
