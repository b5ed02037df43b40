"""When a server's garbage is collected, on virtual time."""

import asyncio
import gc

import pytest
from support.virtual_time import virtually

from telebridge.cli.process.garbage import (
    LOOKS_EVERY_SECONDS,
    MOST_NEW_OBJECTS,
    SELDOM_SECONDS,
    SHARE,
    GarbageCollection,
    pause_after,
)


@pytest.fixture
def collected(monkeypatch):
    """When a collection was made. Nothing is collected or frozen for real."""
    times = []
    monkeypatch.setattr(gc, "freeze", lambda: None)
    monkeypatch.setattr(gc, "collect", lambda: times.append(asyncio.get_running_loop().time()))
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


def test_it_is_collected_once_in_a_while(collected):
    first, second, third = running(collected, 3.5 * SELDOM_SECONDS)
    assert first == pytest.approx(SELDOM_SECONDS, abs=LOOKS_EVERY_SECONDS)
    assert second - first == pytest.approx(SELDOM_SECONDS, abs=LOOKS_EVERY_SECONDS)
    assert third - second == pytest.approx(SELDOM_SECONDS, abs=LOOKS_EVERY_SECONDS)


def test_a_process_that_grows_is_collected_at_once(collected, monkeypatch):
    monkeypatch.setattr(gc, "get_count", lambda: (0 if collected else MOST_NEW_OBJECTS + 1, 0, 0))
    [once] = running(collected, SELDOM_SECONDS)
    assert once == pytest.approx(LOOKS_EVERY_SECONDS)


@pytest.mark.parametrize(("took", "pause"), [(0.0, SELDOM_SECONDS), (0.03, SELDOM_SECONDS), (0.1, 0.1 / SHARE)])
def test_the_longer_it_takes_the_less_often_it_comes(took, pause):
    assert pause_after(took) == pytest.approx(pause)


def test_what_is_a_circle_is_counted_while_the_collector_is_off():
    """Without it no process that grows would be seen."""
    before = gc.get_count()[0]
    gc.disable()
    try:
        kept = [[] for _ in range(5000)]
        assert gc.get_count()[0] >= before + len(kept) - gc.get_threshold()[0]
    finally:
        gc.enable()
