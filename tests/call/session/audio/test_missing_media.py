"""Silence in place of media that does not come."""

import pytest
from support.call_parts import CallParts

from telebridge.call.session.audio.missing_media import FILL_SECONDS, FRAME_OF_SILENCE, MISSING_SECONDS, MissingMedia
from telebridge.call.session.stream_phase import PhaseInput
from telebridge.twilio.media_stream import AudioReceived


class Muted:
    """A live call whose frames all come from `MissingMedia`."""

    def __init__(self):
        self.parts = CallParts().live()
        self.missing = MissingMedia(self.parts.phases, self.parts.duplex)

    def fill(self, now):
        frames = []
        for frame in self.missing.frames(now=now):
            frames.append(frame)
            self.parts.duplex.receive_media(frame, now=now)
        return frames


@pytest.fixture
def muted():
    return Muted()


def test_media_counts_as_missing_after_a_second(muted):
    assert muted.missing.next_deadline() == MISSING_SECONDS
    assert muted.fill(MISSING_SECONDS - 0.01) == []


def test_all_that_is_missing_is_filled_in_and_then_a_little_at_a_time(muted):
    frames = muted.fill(1.0)
    assert len(frames) == 50
    assert {frame.payload for frame in frames} == {FRAME_OF_SILENCE}
    assert [frame.timestamp_ms for frame in frames] == [20 * number for number in range(50)], "media time goes on"
    assert muted.missing.next_deadline() == pytest.approx(1.0 + FILL_SECONDS)
    assert len(muted.fill(1.2)) == 10
    assert muted.fill(1.2) == [], "silence counts once"


def test_a_frame_of_the_callers_ends_it(muted):
    muted.fill(1.0)
    muted.parts.phases.last_media_at = 1.1
    muted.parts.duplex.receive_media(AudioReceived(FRAME_OF_SILENCE, 1000), now=1.1)
    assert muted.missing.next_deadline() == pytest.approx(1.1 + MISSING_SECONDS)
    assert muted.fill(1.5) == []


def test_without_a_stream_nothing_is_missing(muted):
    muted.parts.phases.handle(PhaseInput.STREAM_LOST, now=0.5)
    assert muted.missing.next_deadline() is None
    assert muted.fill(5.0) == []
