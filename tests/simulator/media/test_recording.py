"""A recording has both legs on one time axis, and its events relative to the opening of the line."""

from telebridge.audio.mulaw import silence
from telebridge.simulator.media.playout import HeardAudio
from telebridge.simulator.media.recording import DualChannelRecording, EventKind, TimelineEvent


def test_events_before_the_line_opened_have_negative_times():
    recording = DualChannelRecording(100.0)
    recording.note(EventKind.STATUS, "ringing", now=101.0)
    recording.open(103.0)
    recording.note(EventKind.KEY, "1", now=103.5)
    assert recording.events == [
        TimelineEvent(-2000.0, EventKind.STATUS, "ringing"),
        TimelineEvent(500.0, EventKind.KEY, "1"),
    ]


def test_a_watcher_is_called_with_each_event():
    seen = []
    recording = DualChannelRecording(0.0, on_event=seen.append)
    recording.note(EventKind.CLEAR, now=1.0)
    assert seen == recording.events


def test_events_are_found_by_their_kinds_in_order():
    recording = DualChannelRecording(0.0)
    for kind in (EventKind.KEY, EventKind.MARK, EventKind.CLEAR):
        recording.note(kind, now=0.0)
    assert [event.kind for event in recording.of_kind(EventKind.CLEAR, EventKind.KEY)] == [
        EventKind.KEY,
        EventKind.CLEAR,
    ]


def test_the_legs_are_equally_long_and_gaps_are_silent():
    recording = DualChannelRecording(10.0)
    recording.caller += b"\x01" * 800
    recording.heard = [HeardAudio(10.01, b"\x02" * 80), HeardAudio(10.09, b"\x03" * 800)]
    leg = recording.bridge_leg()
    assert len(leg) == len(recording.caller_leg()) == 800
    assert leg == silence(10) + b"\x02" * 80 + silence(70) + b"\x03" * 80
    assert recording.duration_ms == 100
