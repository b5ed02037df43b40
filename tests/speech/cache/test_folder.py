"""A lock file holds off other processes while its owner lives, and never for long."""

import os
import subprocess
import sys

from telebridge.speech.cache.folder import ABANDONED_SECONDS, LockFile


def locks(tmp_path):
    path = tmp_path / "ab" / "clip.making"
    return LockFile(path), LockFile(path), path


def dead_process():
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_what_is_locked_is_not_locked_again_until_it_is_released(tmp_path):
    ours, theirs, _ = locks(tmp_path)
    assert ours.acquire()
    assert not theirs.acquire()
    ours.release()
    assert theirs.acquire()


def test_the_lock_of_a_dead_process_does_not_count(tmp_path):
    ours, theirs, path = locks(tmp_path)
    assert ours.acquire()
    host, _, _ = path.read_text().partition(" ")
    path.write_text(f"{host} {dead_process()}")
    assert theirs.acquire()
    assert path.read_text() == f"{host} {os.getpid()}"


def test_a_process_of_another_host_is_believed_to_live_until_it_took_too_long(tmp_path):
    _, theirs, path = locks(tmp_path)
    path.parent.mkdir()
    path.write_text(f"elsewhere.example {dead_process()}")
    assert not theirs.acquire()
    told = path.stat().st_mtime - ABANDONED_SECONDS - 1
    os.utime(path, (told, told))
    assert theirs.acquire()


def test_a_lock_that_says_nothing_yet_holds(tmp_path):
    _, theirs, path = locks(tmp_path)
    path.parent.mkdir()
    path.touch()
    assert not theirs.acquire()


def test_where_no_file_can_be_made_everybody_goes_on_by_himself(tmp_path):
    (tmp_path / "ab").write_text("a file where the folder should be")
    ours, theirs, _ = locks(tmp_path)
    assert ours.acquire()
    assert theirs.acquire()


def test_a_release_of_nothing_does_no_harm(tmp_path):
    ours, _, _ = locks(tmp_path)
    ours.release()
