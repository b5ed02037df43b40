"""A claim holds off others while its owner lives, and never for long."""

import os
import subprocess
import sys

from telebridge.speech.cache.folder import ABANDONED_SECONDS, ClaimFile


def claims(tmp_path):
    path = tmp_path / "ab" / "clip.making"
    return ClaimFile(path), ClaimFile(path), path


def dead_process():
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_what_is_claimed_is_not_claimed_again_until_it_is_released(tmp_path):
    ours, theirs, _ = claims(tmp_path)
    assert ours.take()
    assert not theirs.take()
    ours.release()
    assert theirs.take()


def test_the_claim_of_a_dead_process_does_not_count(tmp_path):
    ours, theirs, path = claims(tmp_path)
    assert ours.take()
    host, _, _ = path.read_text().partition(" ")
    path.write_text(f"{host} {dead_process()}")
    assert theirs.take()
    assert path.read_text() == f"{host} {os.getpid()}"


def test_a_process_of_another_host_is_believed_to_live_until_it_took_too_long(tmp_path):
    _, theirs, path = claims(tmp_path)
    path.parent.mkdir()
    path.write_text(f"elsewhere.example {dead_process()}")
    assert not theirs.take()
    told = path.stat().st_mtime - ABANDONED_SECONDS - 1
    os.utime(path, (told, told))
    assert theirs.take()


def test_a_claim_that_says_nothing_yet_holds(tmp_path):
    _, theirs, path = claims(tmp_path)
    path.parent.mkdir()
    path.touch()
    assert not theirs.take()


def test_where_no_file_can_be_made_everybody_goes_on_by_himself(tmp_path):
    (tmp_path / "ab").write_text("a file where the folder should be")
    ours, theirs, _ = claims(tmp_path)
    assert ours.take()
    assert theirs.take()


def test_a_release_of_nothing_does_no_harm(tmp_path):
    ours, _, _ = claims(tmp_path)
    ours.release()
