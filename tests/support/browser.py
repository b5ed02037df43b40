"""A browser for the tests of pages; they are skipped, with the reason, where there is none."""

import asyncio
import shutil
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RECORD_WIRE = """
window.sent = []; window.received = [];
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (text) {
  window.sent.push({ at: performance.now(), message: JSON.parse(text) });
  if (!this.watched) {
    this.watched = true;
    this.addEventListener("message", ({ data }) => {
      window.received.push({ at: performance.now(), message: JSON.parse(data) });
    });
  }
  return send.call(this, text);
};
"""
WATCH_SHIFTS = """
window.shifts = [];
const where = (rect) => [rect.x, rect.y, rect.width, rect.height].map(Math.round).join(" ");
const named = (node) => {
  const element = node?.nodeType === Node.ELEMENT_NODE ? node : node?.parentElement;
  if (!element) return "an element that is gone";
  const near = element.id || !element.parentElement ? "" : `${named(element.parentElement)} > `;
  const classes = [...element.classList].map((each) => `.${each}`).join("");
  return near + element.localName + (element.id && `#${element.id}`) + classes;
};
const players = () => [...document.querySelectorAll("audio")];
const inPlayer = ({ node, previousRect, currentRect }) => !node && players().some((player) => {
  const box = player.getBoundingClientRect();
  const holds = (rect) => rect.left >= box.left - 1 && rect.right <= box.right + 1 && rect.top >= box.top - 1;
  return holds(previousRect) && holds(currentRect) && Math.max(previousRect.top, currentRect.top) <= box.bottom;
});
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) {
    if (each.sources.length && each.sources.every(inPlayer)) continue;
    const path = (one) => `${named(one.node)}: ${where(one.previousRect)} to ${where(one.currentRect)}`;
    const moved = each.sources.map(path);
    if (!each.hadRecentInput) window.shifts.push({ share: each.value, moved });
  }
}).observe({ type: "layout-shift", buffered: true });
"""
"""Collects in `window.shifts` what moved on a page without a person's doing: which element, from where to where.

What the browser's own player moves inside its box is left out: it has no node that a page can see, and makes room for
the time when it knows how long the recording is.
"""


class Tab:
    """A page in the browser, with all that it must not do: errors in the console, requests of other hosts."""

    def __init__(self, page, url):
        self.page, self.url = page, url
        self.console, self.foreign = [], []
        page.on("console", lambda message: self.console.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("request", lambda asked: self.foreign.append(asked.url) if not asked.url.startswith(url) else None)

    async def go(self, path):
        await self.page.goto(self.url + path)

    async def wire(self, direction, event):
        """The messages of a kind that the page has sent or received so far, with when."""
        expression = f"window.{direction}.filter((each) => each.message.event === {event!r})"
        return await self.page.evaluate(expression)

    async def push(self, selector):
        """Click a button that leads to no other page: for such a one Playwright waited, on a loaded machine in vain."""
        await self.page.click(selector, no_wait_after=True)

    async def text(self, selector):
        return await self.page.inner_text(selector)

    async def until(self, expression, seconds=20):
        """Wait until an expression is true; Playwright's own way needs `eval`, which the pages' policy refuses."""
        async with asyncio.timeout(seconds):
            while not await self._is(expression):
                await self.page.wait_for_timeout(50)

    async def _is(self, expression):
        """Whether an expression is true; not while the page is loaded anew."""
        from playwright.async_api import Error

        try:
            return await self.page.evaluate(expression)
        except Error as error:
            if "navigation" not in str(error):
                raise
            return False

    async def accessibility(self):
        """What axe-core finds against WCAG 2.2 AA."""
        await self.page.evaluate(AXE.read_text())
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = await self.page.evaluate("(tags) => axe.run(document, {runOnly: tags})", tags)
        return [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found["violations"]]

    def check(self):
        assert self.console == []
        assert self.foreign == []


@asynccontextmanager
async def opened_browser(*flags):
    """Chromium with further flags."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    playwright = pytest.importorskip(
        "playwright.async_api", reason="Playwright is not installed: pip install playwright"
    )
    async with playwright.async_playwright() as program:
        browser = await program.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--mute-audio", "--autoplay-policy=no-user-gesture-required", *flags],
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened_tab(url, *flags, **context):
    """A page of a new browser."""
    async with opened_browser(*flags) as browser:
        page = await (await browser.new_context(**context)).new_page()
        await page.add_init_script(RECORD_WIRE)
        yield Tab(page, url)
