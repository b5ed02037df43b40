"""The timeline of a recording: its waveforms, also while it grows, and what happened."""

import wave
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telebridge.server.pages.shown.timeline import read_timeline
from telebridge.server.pages.shown.waveform import HEIGHT, MOST_COLUMNS, Waveforms


def stereo(seconds, left=0, right=0):
    return array("h", [left, right] * int(8000 * seconds)).tobytes()


def recorded(path, *parts):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(parts))


def test_the_columns_are_as_high_as_each_side_is_loud(tmp_path):
    recorded(tmp_path / "a.wav", stereo(1, 8192), stereo(1, 0, 32767))
    wave_ = Waveforms().read(tmp_path / "a.wav")
    assert wave_.length_ms == 2000
    half = len(wave_.caller) // 2
    assert set(wave_.caller[:half]) == {HEIGHT // 2}
    assert set(wave_.bridge[half:]) == {HEIGHT}
    assert not any((*wave_.caller[half:], *wave_.bridge[:half]))
    assert wave_.path((0, 10)) == f"M1.5 {HEIGHT - 10}V{HEIGHT + 10}"


@settings(max_examples=15)
@given(parts=st.lists(st.tuples(st.floats(0, 12), st.integers(-32768, 32767)), min_size=1, max_size=4))
def test_a_growing_recording_is_read_as_it_is_when_it_is_whole(tmp_path_factory, parts):
    path, growing = tmp_path_factory.mktemp("wave") / "a.wav", Waveforms()
    recorded(path)
    for seconds, level in parts:
        with path.open("ab") as file:
            file.write(stereo(seconds, level, 100))
        last = growing.read(path)
    assert last == Waveforms().read(path)
    assert len(last.caller) <= MOST_COLUMNS
    assert last.length_ms == pytest.approx(1000 * sum(seconds for seconds, _ in parts), abs=4 * last.column_ms)


def test_a_recording_that_is_gone_or_new_is_read_anew(tmp_path):
    waveforms = Waveforms()
    recorded(tmp_path / "a.wav", stereo(1))
    assert waveforms.read(tmp_path / "a.wav").length_ms == 1000
    recorded(tmp_path / "a.wav", stereo(0.5))
    assert waveforms.read(tmp_path / "a.wav").length_ms == 500
    (tmp_path / "a.wav").unlink()
    assert waveforms.read(tmp_path / "a.wav") is None


def test_what_happened_lies_on_the_axis_and_half_a_line_is_left_out(tmp_path):
    recorded(tmp_path / "a.wav", stereo(2))
    (tmp_path / "a.jsonl").write_text(
        '{"at_ms": 0, "kind": "node", "node": "menu"}\n{"at_ms": 500, "kind": "speak", "text": "Press one."}\n'
        '{"at_ms": 1000, "kind": "utterance", "text": "Press one.", "interrupted_by": "key"}\n'
        '{"at_ms": 1000, "kind": "key", "key": "1"}\n{"at_ms": 1500, "kind": ["odd"]}\nnull\n{"at_ms": "x"}\n{"at_'
    )
    timeline = read_timeline(tmp_path / "a.wav", Waveforms(), live=False)
    told = [(span.kind, timeline.x(span.at_ms), timeline.x(span.until_ms), span.text) for span in timeline.spans]
    assert [(span.text, x, room) for span, x, room in timeline.moments] == [("1", 50, 50)]
    assert told == [
        ("said", 25, 50, "Press one."),
        ("cut", 50, 50, "key"),
        ("key", 50, 50, "1"),
        ("node", 0, 100, "menu"),
    ]
    assert read_timeline(tmp_path / "a.wav", Waveforms(), live=True).axis_ms == 15_000
    assert read_timeline(tmp_path / "none.wav", Waveforms(), live=True) is None
