"""Clips in memory: bounded, and the one that was not used for longest goes first."""

from telebridge.speech.cache.clip import Clip
from telebridge.speech.cache.memory import MemoryCache

CLIP = Clip(b"a" * 1000)
COST = CLIP.cost_bytes


def test_the_clip_that_was_not_used_for_longest_goes_first():
    clips = MemoryCache(2 * COST)
    clips.put("one", CLIP, now=0)
    clips.put("two", CLIP, now=0)
    assert clips.find("one") is CLIP
    clips.put("three", CLIP, now=0)
    assert [clips.find(key) for key in ("one", "two", "three")] == [CLIP, None, CLIP]


def test_a_clip_that_alone_is_too_large_is_not_held_and_costs_no_other():
    clips = MemoryCache(2 * COST)
    clips.put("one", CLIP, now=0)
    clips.put("large", Clip(b"a" * 5000), now=0)
    assert (clips.find("one"), clips.find("large")) == (CLIP, None)


def test_a_clip_put_twice_is_counted_once():
    clips = MemoryCache(2 * COST)
    for key in ("one", "one", "two"):
        clips.put(key, CLIP, now=0)
    assert len(clips) == 2


def test_a_file_is_marked_as_used_once_a_minute():
    clips = MemoryCache(COST)
    clips.put("one", CLIP, now=0)
    assert [clips.touch_due("one", now=now) for now in (59.9, 60.0, 61.0, 119.9, 120.0)] == [
        False, True, False, False, True,
    ]  # fmt: skip


def test_what_is_not_held_is_not_marked():
    clips = MemoryCache(COST)
    clips.put("one", CLIP, now=0)
    clips.clear()
    assert not clips.touch_due("one", now=1000)
    assert len(clips) == 0
