"""Writes the pictures of the pages in docs/pictures; run by `scripts/pictures`.

write_pictures.py            the pictures of docs/pages.md
write_pictures.py FOLDER     every page in light and dark, wide and narrow, with 0, 3 and 500 live calls
                             FOLDER PAGE,PAGE 0,3    these pages alone, with so many live calls
write_pictures.py sheets     these pictures on one sheet for each page, in docs/pictures/sheets
                             sheets PAGE,PAGE       the sheets of these pages alone
"""

import asyncio
import sys
import tempfile
from contextlib import asynccontextmanager
from io import BytesIO
from itertools import count, product
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from PIL import Image  # noqa: E402 - pytest adds tests/ to the path by itself, this program does not

from support.browser import opened_browser  # noqa: E402
from support.scene import scene  # noqa: E402
from support.speech import KnownVoice  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
WIDE, NARROW = 1440, 360
COLORS = 128
TOKEN = "a-token-of-the-pictures"
SHEETS = PICTURES / "sheets"
TALLEST = 2000
"""So much of a page is on a sheet, in pixels of its wide picture."""
WIDTHS = {WIDE: 640, NARROW: 200}
"""How wide a picture is on a sheet."""
LIST = "Mobile,First name,Visit,Note\n+12125550101,Ada,Monday at ten,allergic\n+13125550102,Bo,Monday at eleven,\n"
SHOWN = {
    "calls-500-dark": ("calls", 500, "dark", WIDE),
    "call": ("call", 3, "light", WIDE),
    "call-narrow": ("call", 3, "light", NARROW),
    "call-ended-dark": ("ended", 3, "dark", WIDE),
    "phone-dark": ("phone", 3, "dark", WIDE),
    "flow": ("flow", 500, "light", WIDE),
    "campaign": ("campaign", 500, "light", WIDE),
    "campaign-narrow-dark": ("campaign", 500, "dark", NARROW),
}
"""The pictures of the documentation: which page, with how many live calls, in which colours, how wide."""


class Photographer:
    """Opens the pages of one scene."""

    def __init__(self, browser, stack):
        self._browser, self._stack = browser, stack
        self._session, self._numbers = None, count(1)

    async def log_in(self):
        """Keep a session, which every page but the login form needs."""
        async with await self._browser.new_context() as context:
            page = await context.new_page()
            await page.goto(f"{self._stack.url}/login")
            await page.fill("#token", TOKEN)
            await page.click("button.main")
            self._session = await context.storage_state()

    @asynccontextmanager
    async def opened(self, colors, width, *, logged_in=True):
        context = await self._browser.new_context(
            color_scheme=colors,
            viewport={"width": width, "height": 900},
            storage_state=self._session if logged_in else None,
        )
        context.set_default_timeout(60_000)
        try:
            yield await context.new_page()
        finally:
            await context.close()

    async def open(self, page, name):
        """Lead the browser to a page by its name."""
        url = self._stack.url
        match name:
            case "call":
                [*records] = self._stack.calls.live_records()
                await page.goto(f"{url}/calls/{records[-1].call_sid}" if records else f"{url}/calls/none")
                await page.wait_for_timeout(2500)
            case "ended":
                await page.goto(f"{url}/calls")
                await page.click("section[aria-labelledby=ended-title] tbody a")
            case "flow":
                await page.goto(f"{url}/flows/front-desk")
            case "campaign":
                await page.goto(f"{url}/campaigns")
                await page.click("tbody a")
            case "edit":
                await page.goto(f"{url}/campaigns")
                await page.goto(f"{url}{await page.get_attribute('tbody a', 'href')}/edit")
            case "voices":
                await page.goto(f"{url}/flows/front-desk")
                for box in (await page.query_selector_all("fieldset.voices input[type=checkbox]"))[:3]:
                    await box.check()
                await page.click("form[action$='#voices'] button.main")
            case "columns" | "imported":
                await page.goto(f"{url}/campaigns")
                files = [{"name": "people.csv", "mimeType": "text/csv", "buffer": LIST.encode()}]
                await page.set_input_files("#file", files)
                await page.click("button.main")
                await page.goto(f"{page.url}?flow=reminder")
                await page.select_option("#column-1", "name")
                await page.select_option("#column-2", "appointment")
                if name == "imported":
                    await page.fill("#name", f"reminders-{next(self._numbers)}")
                    await page.select_option("#kind", "informational")
                    await page.fill("#from", "+12125550100")
                    await page.click("button.main")
            case _:
                await page.goto(f"{url}/{name}")
        await page.wait_for_timeout(700)


@asynccontextmanager
async def photographer(live):
    """A scene with live calls and one that was recorded and is over, and a browser."""
    with tempfile.TemporaryDirectory(prefix="telebridge-") as folder:
        callers = min(live, 3)
        voice = KnownVoice() if live > callers else None  # hundreds of prompts in a voice take minutes to be made
        async with (
            scene(
                Path(folder),
                live=live - callers,
                callers=callers,
                ended=60,
                voice=voice,
                server={"api_token": TOKEN},
            ) as stack,
            opened_browser() as browser,
        ):
            if live:
                await stack.call("wait; listen 1.6s; press 1; listen 2s; speak 1.2s; silence 1s; hang up")
                await asyncio.sleep(3)
            taking = Photographer(browser, stack)
            await taking.log_in()
            yield taking


async def write(wanted):
    """Take pictures.

    Args:
        wanted: By the path of the file: the page, how many calls are live, colours, width.
    """
    for live in sorted({each[1] for each in wanted.values()}):
        async with photographer(live) as taking:
            for path, (name, _, colors, width) in (item for item in wanted.items() if item[1][1] == live):
                async with taking.opened(colors, width, logged_in=name != "login") as page:
                    await taking.open(page, name)
                    save(await page.screenshot(full_page=True), path)


def save(shot, path):
    """Write a picture with few colours, which makes it a third as large."""
    picture = Image.open(BytesIO(shot)).convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    picture.save(path, optimize=True)
    sys.stdout.write(f"{path.name}: {path.stat().st_size / 1000:.0f} kB\n")


def write_sheets(folder, names):
    """Put the pictures of each page on one sheet; each row is for a number of live calls."""
    SHEETS.mkdir(exist_ok=True)
    columns = [*product(("light", "dark"), (WIDE, NARROW))]
    for name in names:
        rows = [
            [on_sheet(Image.open(folder / f"{name}-{live}-{colors}-{width}.png"), width) for colors, width in columns]
            for live in LIVES
        ]
        heights = [max(each.height for each in row) for row in rows]
        size = (sum(WIDTHS[width] + GAP for _, width in columns), sum(height + GAP for height in heights))
        sheet, y = Image.new("RGB", size, "#808890"), 0
        for row, height in zip(rows, heights, strict=True):
            x = 0
            for picture in row:
                sheet.paste(picture, (x, y))
                x += picture.width + GAP
            y += height + GAP
        path = SHEETS / f"{name}.webp"
        sheet.save(path, quality=70, method=6)
        sys.stdout.write(f"{path.name}: {path.stat().st_size / 1000:.0f} kB\n")


def on_sheet(picture, width):
    """A picture as small as it is on a sheet; the end of a long page is left out."""
    wanted = WIDTHS[width]
    picture = picture.convert("RGB")
    small = picture.resize((wanted, picture.height * wanted // picture.width), Image.Resampling.LANCZOS)
    return small.crop((0, 0, wanted, min(small.height, TALLEST * WIDTHS[WIDE] // WIDE)))


def every(names, lives):
    """Each page in all colours and widths, by the name of its file."""
    wanted = product(names, lives, ("light", "dark"), (WIDE, NARROW))
    return {f"{'-'.join(map(str, each))}.png": each for each in wanted}


def main(arguments):
    if arguments[:1] == ["sheets"]:
        names = arguments[1].split(",") if len(arguments) > 1 else PAGES
        with tempfile.TemporaryDirectory(prefix="telebridge-") as folder:
            asyncio.run(write({Path(folder) / name: each for name, each in every(names, LIVES).items()}))
            write_sheets(Path(folder), names)
        return
    if arguments:
        folder = Path(arguments[0])
        folder.mkdir(exist_ok=True)
        names = arguments[1].split(",") if len(arguments) > 1 else list(PAGES)
        lives = [int(each) for each in arguments[2].split(",")] if len(arguments) > 2 else LIVES
        asyncio.run(write({folder / name: each for name, each in every(names, lives).items()}))
        return
    PICTURES.mkdir(exist_ok=True)
    asyncio.run(write({PICTURES / f"{name}.png": each for name, each in SHOWN.items()}))


PAGES = (
    "calls",
    "call",
    "ended",
    "phone",
    "flows",
    "flow",
    "campaigns",
    "campaign",
    "edit",
    "columns",
    "imported",
    "voices",
    "login",
)
LIVES, GAP = (0, 3, 500), 12

if __name__ == "__main__":
    main(sys.argv[1:])
