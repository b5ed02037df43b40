"""When a server's garbage is collected, on virtual time."""

import asyncio
import gc
import weakref

import pytest
from support.virtual_time import virtually

from telebridge.cli.process.garbage import (
    LOOKS_EVERY_SECONDS,
    MOST_NEW_OBJECTS,
    MUCH,
    SELDOM_SECONDS,
    SELDOMEST_SECONDS,
    SHARE,
    GarbageCollection,
    pause_after,
)


@pytest.fixture
def collected(monkeypatch):
    """When all objects were looked at. Nothing is collected or frozen for real."""
    times = []
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(gc, "collect", lambda: times.append(asyncio.get_running_loop().time()) or 0)
    monkeypatch.setattr(gc, "get_count", lambda: (MOST_NEW_OBJECTS, 0, 0))
    yield times
    gc.enable()


@virtually
async def running(collected, seconds):
    began, garbage = asyncio.get_running_loop().time(), GarbageCollection()
    garbage.start()
    assert not gc.isenabled()
    await asyncio.sleep(seconds)
    garbage.stop()
    assert gc.isenabled()
    await asyncio.sleep(2 * SELDOM_SECONDS)
    return [time - began for time in collected]


def test_the_less_is_found_the_more_rarely_all_is_looked_at(collected):
    first, second, third = running(collected, 8 * SELDOM_SECONDS)
    assert first == pytest.approx(SELDOM_SECONDS, abs=LOOKS_EVERY_SECONDS)
    assert second - first == pytest.approx(2 * SELDOM_SECONDS, abs=LOOKS_EVERY_SECONDS)
    assert third - second == pytest.approx(4 * SELDOM_SECONDS, abs=LOOKS_EVERY_SECONDS)


def test_while_a_process_grows_its_new_objects_are_looked_at(collected, monkeypatch):
    looked_at = []
    monkeypatch.setattr(gc, "get_count", lambda: (0 if looked_at else MOST_NEW_OBJECTS + 1, 0, 0))
    monkeypatch.setattr(gc, "collect", looked_at.append)
    assert running(collected, SELDOM_SECONDS / 2) == []
    assert looked_at == [0], "the youngest generation, and once"


def test_a_circle_of_new_objects_is_freed_without_a_look_at_all(monkeypatch):
    class Thing:
        pass

    monkeypatch.setattr(gc, "freeze", lambda: None)

    @virtually
    async def freed():
        garbage = GarbageCollection()
        garbage.start()
        thing = Thing()
        thing.itself = thing
        seen = weakref.ref(thing)
        del thing
        kept = [[] for _ in range(MOST_NEW_OBJECTS + 1)]
        await asyncio.sleep(1.5 * LOOKS_EVERY_SECONDS)
        garbage.stop()
        return seen() is None and len(kept) > MOST_NEW_OBJECTS

    assert freed()


@pytest.mark.parametrize(
    ("before", "freed", "took", "pause"),
    [
        (SELDOM_SECONDS, 0, 0.03, 2 * SELDOM_SECONDS),
        (SELDOMEST_SECONDS, MUCH, 0.03, SELDOMEST_SECONDS),
        (SELDOMEST_SECONDS, MUCH + 1, 0.03, SELDOM_SECONDS),
        (SELDOM_SECONDS, MUCH + 1, 0.1, 0.1 / SHARE),
        (SELDOM_SECONDS, 0, 0.5, 0.5 / SHARE),
    ],
)
def test_much_that_is_found_brings_the_next_look_nearer_and_a_long_look_puts_it_off(before, freed, took, pause):
    assert pause_after(before, freed=freed, took_seconds=took) == pytest.approx(pause)


def test_what_is_a_circle_is_counted_while_the_collector_is_off():
    """Without it no process that grows would be seen."""
    before = gc.get_count()[0]
    gc.disable()
    try:
        kept = [[] for _ in range(5000)]
        assert gc.get_count()[0] >= before + len(kept) - gc.get_threshold()[0]
    finally:
        gc.enable()
