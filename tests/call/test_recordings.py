"""Recordings have a file each, whatever was kept before."""

import wave

import pytest

from telebridge.call.recordings import Recordings


def frames(file):
    with wave.open(str(file)) as opened:
        return opened.getnframes()


def test_a_number_under_which_something_is_kept_is_passed_over(tmp_path):
    recordings = Recordings(tmp_path / "recordings")
    first = recordings.file("CA1", 1)
    recordings.keep(first, b"a" * 800)
    second = recordings.file("CA1", 1)
    recordings.keep(second, b"b" * 80)
    assert [file.name for file in (first, second)] == ["CA1-1.wav", "CA1-2.wav"]
    assert [frames(file) for file in (first, second)] == [800, 80]


def test_what_is_kept_is_never_overwritten(tmp_path):
    recordings = Recordings(tmp_path)
    file = recordings.file("CA1", 1)
    recordings.keep(file, b"a" * 800)
    with pytest.raises(FileExistsError):
        recordings.keep(file, b"b" * 80)
    assert frames(file) == 800
    assert list(tmp_path.iterdir()) == [file]
