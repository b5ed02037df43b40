"""A recording on its own: when it is over, and what of it is kept."""

import pytest

from telebridge.call.session.audio.message import MessageRecording
from telebridge.flows.steps import Record, RecordingEnd

FRAME = b"\x10" * 160
SECOND = 50


def heard(recording, seconds, *, speaking):
    """Let so much pass; gives why it ended and after how many frames."""
    for frame in range(round(seconds * SECOND)):
        ending = recording.append(FRAME, speaking=speaking)
        if ending is not None:
            return ending, frame + 1
    return None


def test_silence_after_words_ends_it_and_hardly_any_of_that_silence_is_kept():
    recording = MessageRecording(Record(silence_seconds=3.0))
    assert heard(recording, 2.0, speaking=True) is None
    assert heard(recording, 9.0, speaking=False) == (RecordingEnd.SILENCE, 3 * SECOND)
    assert len(recording.audio()) == 3 * 8000, "two seconds of words and one of silence"


def test_a_pause_shorter_than_the_silence_is_kept_whole():
    recording = MessageRecording(Record(silence_seconds=3.0))
    for speaking in (True, False, True):
        assert heard(recording, 2.5, speaking=speaking) is None
    assert len(recording.audio()) == 7.5 * 8000


def test_who_says_nothing_leaves_no_recording():
    recording = MessageRecording(Record(silence_seconds=3.0))
    assert heard(recording, 9.0, speaking=False) == (RecordingEnd.SILENCE, 3 * SECOND)
    assert not recording.spoken
    assert recording.audio() == b""


def test_it_is_never_longer_than_its_longest():
    recording = MessageRecording(Record(longest_seconds=1.01))
    assert heard(recording, 9.0, speaking=True) == (RecordingEnd.LONGEST, 51)
    assert len(recording.audio()) == 1.01 * 8000, "cut within a frame"


@pytest.mark.parametrize(("finish", "pressed", "ends"), [("#", "#", True), ("#", "1", False), ("", "#", False)])
def test_only_its_own_key_ends_it(finish, pressed, ends):
    recording = MessageRecording(Record(finish_on_key=finish))
    assert recording.press(pressed) is (RecordingEnd.FINISH_KEY if ends else None)


def test_what_was_said_until_now_can_be_had_at_any_time():
    recording = MessageRecording(Record())
    heard(recording, 1.0, speaking=True)
    assert len(recording.audio()) == 8000
