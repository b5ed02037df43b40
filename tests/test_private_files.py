"""Files and folders that only their owner can read."""

import os
import stat

import pytest

from telebridge.private_files import make_private, make_private_folder, open_private


@pytest.fixture(autouse=True)
def everybody_may_read():
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_folder_and_the_missing_ones_above_it_are_private(tmp_path):
    tmp_path.chmod(0o755)
    make_private_folder(tmp_path / "a" / "b")
    assert (mode(tmp_path), mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o755, 0o700, 0o700)
    make_private_folder(tmp_path / "a" / "b")


def test_a_file_in_the_way_of_a_folder_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"Not a directory|exists"):
        make_private_folder(tmp_path / "file" / "folder")


@pytest.mark.parametrize("how", ["w", "a", "x"])
def test_a_file_that_is_made_is_private(tmp_path, how):
    with open_private(tmp_path / "file", how, encoding="utf-8") as file:
        file.write("words")
    assert (mode(tmp_path / "file"), (tmp_path / "file").read_text()) == (0o600, "words")


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o600), (0o660, 0o600), (0o400, 0o400), (0o755, 0o700)])
def test_the_rights_of_others_are_taken_away(tmp_path, before, after):
    file = tmp_path / "file"
    file.write_text("")
    file.chmod(before)
    make_private(file)
    assert mode(file) == after


def test_what_is_not_there_is_left_so(tmp_path):
    make_private(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
