"""Measures the pages: first paint with 10,000 ended calls, script and style of each page, and the cost of watchers.

measure_pages.py [SECONDS]    SECONDS is how long watchers are measured; 20 without it
measure_pages.py paint        first paint alone
measure_pages.py watch        watchers alone
measure_pages.py cpu          the processor time of each page alone
"""

import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice
from pathlib import Path

import aiohttp
from aiohttp import web

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import opened_browser  # noqa: E402 - pytest adds tests/ by itself, this program does not
from support.scene import scene  # noqa: E402
from support.speech import KnownVoice, serving  # noqa: E402
from telebridge.server.pages.calls import MOST_LIVE, CallListPages  # noqa: E402
from telebridge.server.pages.live import EVERY_SECONDS, PageState, _change  # noqa: E402
from telebridge.server.pages.shown.elsewhere import CallsElsewhere  # noqa: E402
from telebridge.server.pages.visits import PageRouter  # noqa: E402

ENDED, LIVE, FEW, WATCHERS, TIMES = 10_000, 500, 3, 3, 9
WINDOW_SECONDS = 2.0
PAINT = """[performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
  performance.getEntriesByType("navigation")[0].responseEnd]"""
EMPTY = "<!doctype html><html lang=en><title>Empty</title><h1>Empty</h1>"
"""What the browser needs for a page that costs nothing: the floor below which no page is painted."""
FETCHED = """performance.getEntriesByType("resource").filter((each) => /static.*[.](js|css)/.test(each.name))
  .reduce((sum, each) => sum + each.decodedBodySize, 0)"""


def say(text):
    sys.stdout.write(f"{text}\n")


async def paints(stack):
    """Print when each page is painted first, when it had come, and how much script and style it has."""
    call = f"/calls/{next(iter(stack.calls.live_records())).call_sid}"
    async with opened_browser() as browser, empty_page() as empty:
        page = await browser.new_page()
        await page.goto(f"{stack.url}/campaigns")
        campaign = await page.get_attribute("tbody a", "href")
        paths = ["/calls", "/calls?q=555", call, "/phone", "/flows", "/flows/front-desk", "/campaigns", campaign]
        for url in (empty, *(stack.url + path for path in paths)):
            times = []
            for _ in range(TIMES):
                await page.goto(url, wait_until="load")
                await page.wait_for_timeout(150)
                times.append(await page.evaluate(PAINT))
            fresh = await browser.new_page()
            await fresh.goto(url, wait_until="load")
            size = await fresh.evaluate(FETCHED)
            await fresh.close()
            painted, come = zip(*times, strict=True)
            shown = url.removeprefix(stack.url).replace(campaign, "/campaigns/ID").replace(call, "/calls/SID")
            say(
                f"{shown[-24:]:24} first paint {statistics.median(painted):4.0f} ms (least {min(painted):4.0f}),"
                f" page had come after {statistics.median(come):3.0f} ms (least {min(come):3.0f}),"
                f" script and style {size / 1000:.1f} kB"
            )


@asynccontextmanager
async def empty_page():
    """The address of a page that is nothing but a title."""

    async def answer(_request):
        return web.Response(text=EMPTY, content_type="text/html")

    app = web.Application()
    app.router.add_get("/empty", answer)
    async with serving(app) as url:
        yield f"{url}/empty"


async def used(seconds):
    """The share of a core that this process takes."""
    began, cpu = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    return (time.process_time() - cpu) / (time.monotonic() - began)


async def watchers(stack, seconds):
    """Print what watchers cost; they are programs of their own.

    Short times with and without them alternate, and medians are compared, because 500 calls that ask again at once take
    far more in one second than watchers do in a minute.
    """
    for path in ("/calls/stream", "/flows/front-desk/stream"):
        without, watched = [], []
        for _ in range(int(seconds / WINDOW_SECONDS)):
            without.append(await used(WINDOW_SECONDS))
            async with AsyncExitStack() as cleanup:
                for _ in range(WATCHERS):
                    program = await asyncio.create_subprocess_exec(
                        "curl", "-sN", f"{stack.url}{path}", stdout=asyncio.subprocess.DEVNULL
                    )
                    cleanup.push_async_callback(program.wait)
                    cleanup.callback(program.kill)
                await asyncio.sleep(0.5)
                watched.append(await used(WINDOW_SECONDS))
            await asyncio.sleep(0.5)
        more = statistics.median(watched) - statistics.median(without)
        say(
            f"{LIVE} live calls, {WATCHERS} watchers of {path}: {100 * more:.2f} % of a core more"
            f" ({100 * statistics.median(without):.2f} % without, {100 * statistics.median(watched):.2f} % with them;"
            f" medians of {len(watched)} times {WINDOW_SECONDS:.0f} seconds)"
        )


async def processor_time(stack):
    """Print the processor time of each page, and of looking at the live calls for one watcher."""
    paths = ["/calls", "/calls?q=555", "/phone", "/flows", "/flows/front-desk", "/campaigns"]
    async with aiohttp.ClientSession() as session:
        for path in paths:
            times = []
            for _ in range(TIMES):
                began = time.process_time()
                async with session.get(stack.url + path) as answer:
                    size = len(await answer.read())
                times.append(1000 * (time.process_time() - began))
            say(f"{path:20} {statistics.median(times):5.1f} ms of processor time, {size / 1000:.0f} kB")
    elsewhere = CallsElsewhere(stack.calls, NoOthers())
    listed = CallListPages(stack.calls, elsewhere, None, None, PageRouter(web.Application(), None, None))
    times, before = [], None
    for _ in range(50):
        began = time.process_time()
        others = await elsewhere.all()
        rows = {row["sid"]: row for row in islice(listed._live_rows(others, "", ""), MOST_LIVE)}
        state = PageState({**rows, "total": len(stack.calls)})
        _change(before, state)
        before = state.values
        times.append(1000 * (time.process_time() - began))
        await asyncio.sleep(0.01)
    each = statistics.median(times)
    share = each * WATCHERS / EVERY_SECONDS / 10
    say(f"one look at {len(stack.calls)} live calls: {each:.2f} ms; {WATCHERS} watchers: {share:.2f} % of a core")


class NoOthers:
    """No other process has calls."""

    async def live(self, limit, *, since):
        return []


@asynccontextmanager
async def settled_scene(live):
    """A bridge with live calls that are past their beginning, and with all the ended ones."""
    with tempfile.TemporaryDirectory(prefix="telebridge-") as folder:
        async with scene(Path(folder), live=live, ended=ENDED, voice=KnownVoice(), calls={"record": False}) as stack:
            await asyncio.sleep(5)
            yield stack


async def main(wanted):
    if wanted == "cpu":
        async with settled_scene(LIVE) as stack:
            await processor_time(stack)
        return
    if wanted != "watch":
        async with settled_scene(FEW) as stack:
            await paints(stack)
    if wanted != "paint":
        async with settled_scene(LIVE) as stack:
            await watchers(stack, 20 if wanted == "watch" else float(wanted))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "20"))
