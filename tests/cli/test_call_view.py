"""The live view shows the latest events of a call that matter to a reader, and the latest texts."""

from types import SimpleNamespace
from typing import get_args

from rich.console import Console

from telebridge.cli.call_view import QUIET, SHOWN_EVENTS, STEPS, WORDS, CallView
from telebridge.simulator.caller.caller import CallerStep, HangUpStep, Press
from telebridge.simulator.media.recording import DualChannelRecording, EventKind


def shown(recording, *texts):
    record = SimpleNamespace(utterances=[SimpleNamespace(text=text) for text in texts]) if texts else None
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(CallView(SimpleNamespace(recording=recording), lambda: record))
    return capture.get()


def test_every_kind_of_event_is_worded_or_hidden_but_a_whisper_which_is_its_text():
    assert set(EventKind) - set(WORDS) - QUIET == {EventKind.WHISPER}
    assert not set(WORDS) & QUIET


def test_events_are_worded_and_media_is_hidden():
    recording = DualChannelRecording(0.0)
    recording.note(EventKind.KEY, "5", now=1.25)
    recording.note(EventKind.MEDIA, "160", now=1.3)
    view = shown(recording)
    assert "1.25 s  caller pressed 5" in view
    assert "160" not in view


def test_what_the_caller_does_is_told_in_words_and_once():
    told = {step.__name__ for step in get_args(CallerStep)} - {Press.__name__, HangUpStep.__name__}
    assert set(STEPS) == told
    recording = DualChannelRecording(0.0)
    for detail in ("WaitForPrompt", "Speak good morning", "Press", "HangUp"):
        recording.note(EventKind.CALLER, detail, now=1.0)
    view = shown(recording)
    assert "caller waits for the voice" in view
    assert "caller speaks good morning" in view
    assert "Press" not in view
    assert "HangUp" not in view


def test_only_the_latest_events_and_texts_are_shown():
    recording = DualChannelRecording(0.0)
    for number in range(SHOWN_EVENTS + 5):
        recording.note(EventKind.KEY, f"<{number}>", now=float(number))
    view = shown(recording, "first", "second", "third")
    assert "<4>" not in view
    assert "<5>" in view
    assert "said: first" not in view
    assert "said: third" in view


def test_events_stand_in_the_order_of_their_times_and_marks_that_came_back_together_once():
    recording = DualChannelRecording(0.0)
    recording.note(EventKind.STREAM_STARTED, "", now=0.02)
    recording.note(EventKind.STATUS, "in-progress", now=-0.001)
    for mark in ("u1-1", "u1-2", "u1-3"):
        recording.note(EventKind.MARK_RETURNED, mark, now=1.5)
    recording.note(EventKind.MARK_RETURNED, "u1-4", now=1.9)
    lines = [line.strip(" │") for line in shown(recording).splitlines()[1:-1]]
    assert lines == [
        "0.00 s  call is in-progress",
        "0.02 s  media stream opened",
        "1.50 s  heard up to mark u1-3",
        "1.90 s  heard up to mark u1-4",
    ]
