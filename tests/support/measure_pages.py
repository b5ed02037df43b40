"""Measures the pages: first paint with 10,000 ended calls, script and style of each page, and the cost of watchers.

measure_pages.py [SECONDS]    SECONDS is how long watchers are measured; 20 without it
"""

import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path

import aiohttp
from aiohttp import web

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from support.browser import opened_browser  # noqa: E402 - pytest adds tests/ by itself, this program does not
from support.scene import scene  # noqa: E402
from telebridge.server.pages.calls import MOST_LIVE, CallListPages  # noqa: E402
from telebridge.server.pages.live import EVERY_SECONDS, PageState, _change  # noqa: E402
from telebridge.server.pages.shown.elsewhere import CallsElsewhere  # noqa: E402
from telebridge.server.pages.visits import PageRouter  # noqa: E402

ENDED, LIVE, WATCHERS, TIMES = 10_000, 500, 3, 7
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"
FETCHED = """performance.getEntriesByType("resource").filter((each) => /static.*[.](js|css)/.test(each.name))
  .reduce((sum, each) => sum + each.decodedBodySize, 0)"""


def say(text):
    sys.stdout.write(f"{text}\n")


async def paints(stack):
    """Print when each page is painted first, and how much script and style it has."""
    call = stack.calls.live_records()
    paths = ["/calls", f"/calls/{next(iter(call)).call_sid}", "/phone", "/flows", "/flows/front-desk", "/campaigns"]
    async with opened_browser() as browser:
        page = await browser.new_page()
        await page.goto(f"{stack.url}/campaigns")
        campaign = await page.get_attribute("tbody a", "href")
        await page.goto(f"{stack.url}/calls?q=555")
        for path in [*paths, "/calls?q=555", campaign]:
            times, cpu = [], []
            for _ in range(TIMES):
                began = time.process_time()
                await page.goto(f"{stack.url}{path}", wait_until="load")
                cpu.append(time.process_time() - began)
                await page.wait_for_timeout(150)
                times.append(await page.evaluate(PAINT))
            fresh = await browser.new_page()
            await fresh.goto(f"{stack.url}{path}", wait_until="load")
            size = await fresh.evaluate(FETCHED)
            await fresh.close()
            shown = path.replace(campaign, "/campaigns/ID").replace("CAe", "CA")[:20]
            say(
                f"{shown:22} first paint {statistics.median(times):4.0f} ms (of {TIMES}, longest {max(times):4.0f}),"
                f" CPU of the bridge {1000 * statistics.median(cpu):3.0f} ms, script and style {size / 1000:.1f} kB"
            )


async def used(seconds):
    """The share of a core that this process takes."""
    began, cpu = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    return (time.process_time() - cpu) / (time.monotonic() - began)


async def watchers(stack, seconds):
    """Print what watchers cost; they are programs of their own."""
    for path in ("/calls/stream", "/flows/front-desk/stream"):
        before = await used(seconds)
        async with AsyncExitStack() as cleanup:
            for _ in range(WATCHERS):
                program = await asyncio.create_subprocess_exec(
                    "curl", "-sN", f"{stack.url}{path}", stdout=asyncio.subprocess.DEVNULL
                )
                cleanup.push_async_callback(program.wait)
                cleanup.callback(program.kill)
            await asyncio.sleep(2)
            watched = await used(seconds)
        say(
            f"{LIVE} live calls, {WATCHERS} watchers of {path}: {100 * (watched - before):.2f} % of a core"
            f" ({100 * before:.2f} % without, {100 * watched:.2f} % with)"
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


async def main(seconds):
    with tempfile.TemporaryDirectory(prefix="telebridge-") as folder:
        async with scene(Path(folder), live=LIVE, ended=ENDED, calls={"record": False}) as stack:
            await asyncio.sleep(5)
            if seconds is None:
                await processor_time(stack)
                return
            await paints(stack)
            await watchers(stack, seconds)


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else "20"
    asyncio.run(main(None if wanted == "cpu" else float(wanted)))
