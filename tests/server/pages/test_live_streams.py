"""Streams of pages: many readers cost one look, and one that takes nothing costs none."""

import asyncio
from types import SimpleNamespace

from support.virtual_time import virtually

from telebridge.server.pages import live
from telebridge.server.pages.live import EVERY_SECONDS, WRITE_SECONDS, LiveStreams, PageState


class Reader:
    """The answer to a reader, who takes what is written until it stops."""

    def __init__(self):
        self.takes, self.written, self.aborted = asyncio.Event(), [], False
        self.takes.set()

    async def prepare(self, _request):
        pass

    async def write(self, text):
        self.written.append(text)
        await self.takes.wait()

    def abort(self):
        self.aborted = True


class Page:
    """A page that changes whenever it is looked at."""

    def __init__(self):
        self.looks = 0

    async def look(self):
        self.looks += 1
        await asyncio.sleep(0.01)
        return PageState({"looks": self.looks})


def read(streams, page, monkeypatch, *, address="/calls/stream", **options):
    """A new reader of a page, and the task that writes to it."""
    reader = Reader()
    monkeypatch.setattr(live, "event_stream", lambda _headers: reader)
    visit = SimpleNamespace(request=SimpleNamespace(path_qs=address, transport=reader))
    return reader, asyncio.create_task(streams.send(visit, page.look, **options))


async def ended(streams, *tasks):
    await streams.close(None)
    await asyncio.gather(*tasks)


@virtually
async def test_a_reader_that_takes_nothing_is_not_looked_for_and_is_closed(monkeypatch):
    streams, page = LiveStreams(), Page()
    reader, task = read(streams, page, monkeypatch)
    await asyncio.sleep(3)
    reader.takes.clear()
    await asyncio.sleep(EVERY_SECONDS + 0.1)
    looks, written = page.looks, len(reader.written)
    await asyncio.sleep(WRITE_SECONDS - 2 * EVERY_SECONDS)
    assert (page.looks, len(reader.written)) == (looks, written)
    await task
    assert reader.aborted
    assert len(streams) == 0


@virtually
async def test_readers_of_the_same_page_share_its_looks(monkeypatch):
    streams, page = LiveStreams(), Page()
    first, *tasks = read(streams, page, monkeypatch)
    others = []
    for at in range(30):
        await asyncio.sleep(0.013 * (at % 3))
        reader, task = read(streams, page, monkeypatch)
        others.append(reader)
        tasks.append(task)
    await asyncio.sleep(10)
    assert page.looks <= 10 / EVERY_SECONDS * 1.3 + 2
    assert all(len(reader.written) >= 10 for reader in (first, *others))
    assert any(text is first.written[-1] for reader in others for text in reader.written)  # made once for all
    await ended(streams, *tasks)


@virtually
async def test_a_reader_that_takes_nothing_keeps_no_other_from_the_page(monkeypatch):
    streams, page = LiveStreams(), Page()
    stuck, stuck_task = read(streams, page, monkeypatch)
    reader, task = read(streams, page, monkeypatch)
    await asyncio.sleep(1)
    stuck.takes.clear()
    before = len(reader.written)
    await asyncio.sleep(5)
    assert len(reader.written) >= before + 8
    await ended(streams, task)
    stuck.takes.set()
    await stuck_task


@virtually
async def test_other_addresses_and_readers_that_see_something_else_share_nothing(monkeypatch):
    streams, pages, tasks = LiveStreams(), [Page() for _ in range(4)], []
    given = [{}, {"address": "/calls/stream?q=5"}, {"for_one": True}, {"for_one": True}]
    for page, options in zip(pages, given, strict=True):
        _, task = read(streams, page, monkeypatch, **options)
        tasks.append(task)
    await asyncio.sleep(3)
    assert all(page.looks >= 5 for page in pages)
    await ended(streams, *tasks)
