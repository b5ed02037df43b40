"""Clips on disk: found by every process, bounded, and never the reason that a call fails."""

import asyncio
import errno
import os
import threading
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from telebridge.speech.cache.clip import Clip, clip_key, encode
from telebridge.speech.cache.folder import COUNT_AGAIN_AFTER, OLD_DRAFT_SECONDS
from telebridge.speech.cache.store import ClipStore
from telebridge.speech.source import Word

CLIP = Clip(b"a" * 1000, (Word("Hello", 0.0, 125.0),))
SIZE = len(encode(CLIP))


def key(name):
    return clip_key(str(name), {}, maker="test")


def store(tmp_path, *, clips=100, **options):
    return ClipStore(tmp_path / "prompts", max_bytes=clips * SIZE, **options)


def file_of(clips, name):
    return clips.folder / key(name)[:2] / f"{key(name)}.clip"


def used(clips, name, seconds):
    os.utime(file_of(clips, name), (seconds, seconds))


async def test_what_one_process_wrote_another_finds(tmp_path):
    assert await store(tmp_path).write(key("hello"), CLIP)
    other = store(tmp_path)
    assert other.in_memory(key("hello")) is None
    assert await other.find(key("hello")) == CLIP
    assert other.in_memory(key("hello")) == CLIP, "once read, it is in memory"


async def test_a_folder_that_is_slow_is_as_good_as_empty(tmp_path, monkeypatch):
    clips, answered = store(tmp_path, memory_bytes=0), threading.Event()
    await clips.write(key("hello"), CLIP)
    monkeypatch.setattr("telebridge.speech.cache.store.READ_SECONDS", 0.01)
    monkeypatch.setattr(Path, "read_bytes", lambda _: answered.wait(10))
    with capture_logs() as told:
        assert await clips.find(key("hello")) is None
    answered.set()
    assert len(told) == 1


@pytest.mark.parametrize("seconds", [0.01, 60.0])
async def test_a_lock_that_nobody_waits_for_any_more_is_released(tmp_path, monkeypatch, seconds):
    clips, goes_on, acquired = store(tmp_path), threading.Event(), []
    read_or_lock = clips._folder.read_or_lock

    def slowly(name):
        goes_on.wait(10)
        found = read_or_lock(name)
        acquired.append(found[1])
        return found

    monkeypatch.setattr("telebridge.speech.cache.store.READ_SECONDS", seconds)
    monkeypatch.setattr(clips._folder, "read_or_lock", slowly)
    asking = asyncio.create_task(clips.find_or_lock(key("hello")))
    await asyncio.sleep(0.05)
    asking.cancel()  # unless it has timed out before
    await asyncio.wait([asking])
    goes_on.set()
    async with asyncio.timeout(10):
        while not acquired or list(tmp_path.rglob("*.making")):  # noqa: ASYNC110 - threads do it
            await asyncio.sleep(0.01)
    assert acquired == [True]


async def test_a_folder_that_can_only_be_read_is_read(tmp_path, monkeypatch):
    clips = store(tmp_path, memory_bytes=0)
    await clips.write(key("hello"), CLIP)

    def refused(_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "utime", refused)
    assert await clips.find(key("hello")) == CLIP


async def test_what_nobody_wrote_is_not_there(tmp_path):
    assert await store(tmp_path).find(key("hello")) is None


async def test_a_clip_just_written_is_in_memory(tmp_path):
    clips = store(tmp_path)
    await clips.write(key("hello"), CLIP)
    assert clips.in_memory(key("hello")) is CLIP


async def test_the_clip_that_was_not_used_for_longest_goes_first(tmp_path):
    clips = store(tmp_path, clips=10)
    for name in range(10):
        await clips.write(key(name), CLIP)
        used(clips, name, 1000 + name)
    await store(tmp_path).find(key(0))  # used now
    await clips.write(key("new"), CLIP)
    kept = {each.key for each in await clips.files()}
    assert kept == {key(name) for name in (0, 3, 4, 5, 6, 7, 8, 9, "new")}


async def test_a_hot_clip_counts_as_used_though_its_file_is_not_read(tmp_path, monkeypatch):
    clips = store(tmp_path)
    await clips.write(key("hello"), CLIP)
    used(clips, "hello", 1000)
    monkeypatch.setattr("telebridge.speech.cache.memory.TOUCH_SECONDS", 0.0)
    assert clips.in_memory(key("hello")) is CLIP
    await clips.files()  # behind it in the queue of threads
    for _ in range(100):
        [kept] = await clips.files()
        if kept.used_ns > 1000 * 10**9:
            break
    assert kept.used_ns > 1000 * 10**9


async def test_what_another_process_wrote_counts_before_long(tmp_path):
    ours, theirs = store(tmp_path, clips=80), store(tmp_path, clips=1000)
    await ours.write(key("first"), CLIP)
    for name in range(150):
        await theirs.write(key(name), CLIP)
    for name in range(COUNT_AGAIN_AFTER):
        await ours.write(key(f"ours {name}"), CLIP)
    assert sum(each.bytes for each in await ours.files()) <= 80 * SIZE


async def test_a_clip_larger_than_the_bound_is_not_written(tmp_path):
    clips = store(tmp_path, clips=1)
    assert not await clips.write(key("hello"), Clip(b"a" * 5000))
    assert await clips.files() == []


async def test_a_damaged_clip_is_told_removed_and_made_anew(tmp_path):
    clips = store(tmp_path, memory_bytes=0)
    await clips.write(key("hello"), CLIP)
    file_of(clips, "hello").write_bytes(encode(CLIP)[:-1])
    with capture_logs() as told:
        assert await clips.find(key("hello")) is None
    assert [line["event"] for line in told] == ["a cached prompt is damaged and is made again"]
    assert not file_of(clips, "hello").exists()
    await clips.write(key("hello"), CLIP)
    assert await clips.find(key("hello")) == CLIP


async def test_a_full_disk_is_told_once_and_costs_nothing_else(tmp_path, monkeypatch):
    clips = store(tmp_path)

    @contextmanager
    def full(path, mode):
        Path(path).write_bytes(b"the first")
        yield SimpleNamespace(write=no_space)

    def no_space(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("telebridge.speech.cache.folder.open_private", full)
    with capture_logs() as told:
        assert not await clips.write(key("one"), CLIP)
        assert not await clips.write(key("two"), CLIP)
    [line] = told
    assert line["problem"] == "the disk of prompts.cache_dir is full"
    assert clips.in_memory(key("one")) is CLIP
    assert [path for path in clips.folder.rglob("*") if path.is_file()] == []
    monkeypatch.undo()
    assert await clips.write(key("one"), CLIP)


async def test_a_folder_that_cannot_be_made_costs_nothing_else(tmp_path):
    (tmp_path / "prompts").write_text("a file")
    clips = store(tmp_path)
    with capture_logs() as told:
        assert not await clips.write(key("one"), CLIP)
        assert await clips.find(key("two")) is None
    assert len(told) == 1


async def test_no_reader_ever_sees_half_a_clip(tmp_path, monkeypatch):
    clips, seen = store(tmp_path), []
    replace = Path.replace

    def watched(draft, place):
        seen.append((place.exists(), draft.stat().st_size))
        return replace(draft, place)

    monkeypatch.setattr(Path, "replace", watched)
    await clips.write(key("hello"), CLIP)
    assert seen == [(False, SIZE)]


async def test_what_a_killed_process_left_is_swept_up_after_an_hour(tmp_path):
    clips = store(tmp_path)
    folder = clips.folder / "ab"
    folder.mkdir(parents=True)
    old, new = folder / "old.1.1.draft", folder / "new.1.1.draft"
    for draft in (old, new):
        draft.touch()
    told = old.stat().st_mtime - OLD_DRAFT_SECONDS - 1
    os.utime(old, (told, told))
    await clips.write(key("hello"), CLIP)
    assert (old.exists(), new.exists()) == (False, True)


async def test_a_lock_is_seen_by_another_process(tmp_path):
    ours, theirs = store(tmp_path), store(tmp_path)
    assert await ours.find_or_lock(key("hello")) == (None, True)
    assert await theirs.find_or_lock(key("hello")) == (None, False)
    await ours.unlock(key("hello"))
    assert await theirs.find_or_lock(key("hello")) == (None, True)


async def test_clear_removes_every_clip(tmp_path):
    clips = store(tmp_path)
    for name in range(3):
        await clips.write(key(name), CLIP)
    assert await clips.clear() == 3
    assert await clips.find(key(0)) is None


@pytest.mark.parametrize("memory_bytes", [0, 1 << 20])
async def test_two_stores_on_one_folder_may_write_the_same_clip(tmp_path, memory_bytes):
    ours, theirs = store(tmp_path, memory_bytes=memory_bytes), store(tmp_path, memory_bytes=memory_bytes)
    assert await ours.write(key("hello"), CLIP)
    assert await theirs.write(key("hello"), CLIP)
    assert await ours.find(key("hello")) == CLIP == await theirs.find(key("hello"))
    assert len(await ours.files()) == 1
