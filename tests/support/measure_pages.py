"""Measures the pages: first paint with 10,000 ended calls, script and style of each page, and the cost of watchers.

measure_pages.py [SECONDS]    SECONDS is how long watchers are measured; 20 without it
measure_pages.py paint        first paint alone
measure_pages.py watch        watchers alone
measure_pages.py cpu          the processor time of each page alone
"""

import asyncio
import signal
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
from support.speech import KnownVoice  # noqa: E402
from telebridge.server.pages.calls import MOST_LIVE, CallListPages  # noqa: E402
from telebridge.server.pages.live import EVERY_SECONDS, PageState, _change  # noqa: E402
from telebridge.server.pages.rendering import HEADERS  # noqa: E402
from telebridge.server.pages.shown.elsewhere import CallsElsewhere  # noqa: E402
from telebridge.server.pages.visits import PageRouter  # noqa: E402

ENDED, LIVE, FEW, WATCHERS, MANY, TIMES = 10_000, 500, 3, 3, 30, 7
WINDOW_SECONDS = 4.0
WINDOW_OPENS_MS = 1500
"""How long the window of a new browser needs for itself: its address bar alone is a page with hundreds of scripts."""
PAINT = """[performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
  performance.getEntriesByType("navigation")[0].responseEnd]"""
FETCHED = """performance.getEntriesByType("resource").filter((each) => /static.*[.](js|css)/.test(each.name))
  .reduce((sum, each) => sum + each.decodedBodySize, 0)"""
WAITING = """
flow: waiting
start: wait
nodes:
  wait: {menu: "Please wait.", choices: {1: bye}, no_input: {after: 600s, reprompt: 0, then: bye}}
  bye: {hang_up: "Goodbye."}
"""
"""A flow whose calls do nothing, so that the cost of watchers is not lost in that of calls."""
EMPTY, EMPTY_PAGE = "/empty", "<!doctype html><html lang=en><title>Empty</title><h1>Empty</h1>"
"""What the browser needs for a page that costs nothing: the floor below which no page is painted."""


def say(text):
    sys.stdout.write(f"{text}\n")


async def paints(stack):
    """Print when each page is painted first, when it had come, and how much script and style it has.

    A first visit is one in a new tab of a browser that knows nothing yet; the other page, from which pages are opened,
    is an empty one of the same server. Its own figures are the floor: the machine is slower at some times than at
    others.
    """
    call = f"/calls/{next(iter(stack.calls.live_records())).call_sid}"
    async with opened_browser() as browser:
        page = await browser.new_page()
        await page.goto(f"{stack.url}/campaigns")
        campaign = await page.get_attribute("tbody a", "href")
        paths = [EMPTY, "/calls", "/calls?q=555", call, "/phone", "/flows", "/flows/front-desk", "/campaigns", campaign]
        sizes = {path: await script_and_style(browser, stack.url + path) for path in paths}
        seen = {path: [] for path in paths}
        for _ in range(TIMES):
            for path in paths:
                await page.goto(f"{stack.url}{EMPTY}")
                followed, come = await painted(page, stack.url + path)
                async with await browser.new_context() as context:
                    tab = await context.new_page()
                    await tab.wait_for_timeout(WINDOW_OPENS_MS)
                    first, _ = await painted(tab, stack.url + path)
                seen[path].append((first, followed, come))
        say("first paint, ms (least): of a first visit, from another page; all of the page had come; script and style")
        for path, times in seen.items():
            first, followed, come = (
                f"{statistics.median(each):4.0f} ({min(each):3.0f})" for each in zip(*times, strict=True)
            )
            shown = path.replace(campaign, "/campaigns/ID").replace(call, "/calls/SID")
            say(f"{shown:20} {first} {followed} {come} {sizes[path] / 1000:6.1f} kB")


async def painted(page, url):
    """When a page is painted first, and when it had come, in milliseconds after the navigation began."""
    await page.goto(url, wait_until="load")
    await page.wait_for_timeout(150)
    return await page.evaluate(PAINT)


async def script_and_style(browser, url):
    """The bytes of script and style that a page loads at a first visit."""
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(url, wait_until="load")
        await page.wait_for_timeout(300)
        return await page.evaluate(FETCHED)


def add_empty_page(app):
    """Add a page that is nothing but a title; it has the headers of all pages, which cost the browser time too."""

    async def answer(_request):
        return web.Response(text=EMPTY_PAGE, content_type="text/html", headers=HEADERS)

    app.router.add_get(EMPTY, answer)


async def used(seconds):
    """The share of a core that this process takes."""
    began, cpu = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    return (time.process_time() - cpu) / (time.monotonic() - began)


@asynccontextmanager
async def watching(url, count, *, read=True):
    """Programs that have opened a stream; those that read nothing are stopped once it is open."""
    async with AsyncExitStack() as cleanup:
        programs = []
        for _ in range(count):
            program = await asyncio.create_subprocess_exec("curl", "-sN", url, stdout=asyncio.subprocess.DEVNULL)
            cleanup.push_async_callback(program.wait)
            cleanup.callback(program.kill)
            programs.append(program)
        await asyncio.sleep(1.0)
        if not read:
            for program in programs:
                program.send_signal(signal.SIGSTOP)
        yield


async def watchers(stack, seconds):
    """Print what watchers cost; they are programs of their own, and the calls do nothing.

    Times with no, 1, 3, and 30 watchers alternate: the cost of 3 is a tenth of what 30 take more than none, which is
    above what the rest of the process takes now more and now less.
    """
    for path in ("/calls/stream", "/flows/waiting/stream"):
        url = stack.url + path
        shares = {(0, True): [], (1, True): [], (WATCHERS, True): [], (MANY, True): [], (WATCHERS, False): []}
        for _ in range(max(1, int(seconds / WINDOW_SECONDS))):
            for (count, read), measured in shares.items():
                async with watching(url, count, read=read):
                    measured.append(await used(WINDOW_SECONDS))
                await asyncio.sleep(0.5)
        median = {each: 100 * statistics.median(measured) for each, measured in shares.items()}
        each_watcher = (median[MANY, True] - median[0, True]) / MANY
        say(f"{LIVE} live calls, {path}; medians of {len(shares[0, True])} times {WINDOW_SECONDS:.0f} s, % of a core:")
        for (count, read), share in median.items():
            say(f"  {count:2} watchers{'' if read else ' that read nothing'}: {share:.2f} %")
        say(f"  so {WATCHERS} watchers take {WATCHERS * each_watcher:.2f} % more")


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
async def settled_scene(live, flow=""):
    """A bridge with live calls that are past their beginning, and with all the ended ones."""
    with tempfile.TemporaryDirectory(prefix="telebridge-") as folder:
        (Path(folder) / "flows").mkdir()
        (Path(folder) / "flows" / "waiting.yaml").write_text(WAITING)
        async with scene(
            Path(folder),
            live=live,
            flow=flow,
            ended=ENDED,
            voice=KnownVoice(),
            extend=add_empty_page,
            calls={"record": False},
        ) as stack:
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
        async with settled_scene(LIVE, "waiting") as stack:
            await watchers(stack, 20 if wanted == "watch" else float(wanted))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "20"))
