"""The end of a call, without a session: what is sent, what is saved, and what the record says."""

import pytest
from support.call_parts import CallParts
from support.line import HELLO

from telebridge.call.session.announcements import Announcement
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.effects import CloseStream, ReleaseCall, ReportAnnouncement
from telebridge.call.session.stream_phase import Phase, PhaseInput

FLOW = "flow: test\nstart: a\nnodes:\n  a: {set: {pin: '12'}, then: b}\n  b: {hang_up: Goodbye.}"


@pytest.fixture
def parts():
    return CallParts().live()


def test_a_flow_that_is_over_closes_the_stream_after_the_checkpoint(parts):
    saved, closed = parts.ending.close("flow ended", now=1.0)
    assert Checkpoint.decode(saved.checkpoint).over
    assert closed == CloseStream()
    assert (parts.phases.phase, parts.record.end_reason) == (Phase.CLOSING, "flow ended")


@pytest.mark.parametrize("happened", [PhaseInput.STREAM_LOST, PhaseInput.STREAM_STOPPED])
def test_without_a_stream_the_call_is_over_at_once(parts, happened):
    parts.phases.handle(happened, now=1.0)
    assert parts.ending.close("flow ended", now=1.0) == [ReleaseCall()]
    assert parts.phases.phase is Phase.OVER


def test_an_apology_is_saved_for_the_process_that_twilio_asks_what_follows(parts):
    [saved, _] = parts.ending.close("speech failed", now=1.0, apology=True)
    assert Checkpoint.decode(saved.checkpoint).apology


def test_the_first_reason_is_recorded(parts):
    parts.ending.close("flow ended", now=1.0)
    parts.ending.end("call completed", now=2.0)
    assert parts.record.end_reason == "flow ended"


def test_a_goodbye_is_saved_as_the_end_of_the_flow(parts):
    assert not parts.ending.leaving
    assert Checkpoint.decode(parts.ending.leave(now=1.0).checkpoint).over
    assert parts.ending.leaving
    assert parts.phases.phase is Phase.LIVE, "until the goodbye was heard"


def test_the_end_cuts_off_what_is_being_said_and_cancels_announcements(parts):
    parts.dialogue.begin(HELLO, now=0.0)
    parts.dialogue.announcements.announce(Announcement(7, HELLO), now=0.0)
    effects = parts.ending.end("caller hung up", now=1.0)
    assert [each.number for each in effects if isinstance(each, ReportAnnouncement)] == [7]
    assert effects[-1] == ReleaseCall()
    assert len(parts.record.utterances) == 1


def test_the_record_has_the_result_of_a_flow_file():
    parts = CallParts(FLOW).live()
    parts.flow.start()
    parts.ending.end("caller hung up", now=1.0)
    assert parts.record.result == {"pin": "12"}
