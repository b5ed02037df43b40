"""The pages in Chromium: nothing moves while rows come, a hidden page has no stream, the keyboard alone suffices."""

import pytest
from support.browser import AXE, WATCH_SHIFTS, opened_tab
from support.scene import begin_calls, scene
from support.speech import KnownVoice

from telebridge.app.bridge import CALLS
from telebridge.call.record import SpokenUtterance

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

NAMES = ["<script>alert(1)</script>", "مرحبا بالعالم", "🤖" * 60, "a\nb\r\nc", "\u202egnirts"]
HIDE = """
Object.defineProperty(document, "hidden", { configurable: true, get: () => HIDDEN });
document.dispatchEvent(new Event("visibilitychange"));
"""


@pytest.fixture
async def stack(tmp_path):
    apps = []
    async with scene(tmp_path, live=2, ended=30, voice=KnownVoice(), extend=apps.append) as served:
        served.app = apps[0]
        yield served


@pytest.mark.parametrize("width", [360, 1440, 3840])
async def test_nothing_moves_while_a_page_is_completed_and_rows_come(stack, width):
    moved = {}
    [sid, *_] = [record.call_sid for record in stack.calls.live_records()]
    async with opened_tab(stack.url, viewport={"width": width, "height": 900}) as tab:
        await tab.page.add_init_script(WATCH_SHIFTS)
        await tab.go("/campaigns")
        campaign = await tab.page.get_attribute("tbody a", "href")
        edit = f"{campaign}/edit"
        for path in ("/calls", f"/calls/{sid}", "/flows", "/flows/front-desk", "/campaigns", campaign, edit, "/phone"):
            await tab.go(path)
            begin_calls(stack.app[CALLS], 2, first=len(stack.calls))
            if path == "/calls":
                await tab.until(f"document.querySelectorAll('tr[data-key]').length >= {len(stack.calls)}")
            await tab.page.wait_for_timeout(1200)
            if shifts := await tab.page.evaluate("window.shifts"):
                moved[path] = shifts
            assert not await tab.page.evaluate("document.documentElement.scrollWidth > innerWidth"), path
        assert moved == {}
        tab.check()


@pytest.mark.parametrize("width", [360, 1440, 3840])
async def test_nothing_moves_on_the_page_of_a_call_when_its_recording_comes_and_its_values_grow(stack, width, tmp_path):
    [record, *_] = stack.calls.live_records()
    recording, away = tmp_path / "flights" / f"{record.call_sid}.wav", tmp_path / "away.wav"
    async with opened_tab(stack.url, viewport={"width": width, "height": 3000}) as tab:
        await tab.page.add_init_script(WATCH_SHIFTS)
        while not recording.exists():
            await tab.page.wait_for_timeout(50)
        recording.rename(away)
        await tab.go(f"/calls/{record.call_sid}")
        assert await tab.page.locator(".timeline").count() == 0
        away.rename(recording)
        await tab.until("document.querySelector('.timeline') && !document.querySelector('.unseen')")
        await tab.page.wait_for_timeout(300)
        assert await tab.page.evaluate("window.shifts") == []
        await tab.page.evaluate("document.querySelector('details').open = true")
        await tab.page.focus("summary")
        await tab.page.evaluate("new Promise((done) => setTimeout(() => { window.shifts = []; done(); }, 300))")
        record.digits += [str(at % 10) for at in range(99)]
        record.path += [f"a-node-with-quite-a-long-name-{at}" for at in range(40)]
        record.utterances += [SpokenUtterance("For sales press 1. " * 20, 9000, None)] * 20
        await tab.until("document.querySelector('[data-value=nodes]').textContent.endsWith('name-39')")
        await tab.until("document.querySelectorAll('#transcript li').length >= 20")
        await tab.page.wait_for_timeout(1000)
        assert await tab.page.evaluate("window.shifts") == []
        assert await tab.page.evaluate("document.activeElement.localName") == "summary", "the list keeps the focus"
        tab.check()


async def test_the_recording_of_a_live_call_is_listened_to_while_it_grows(stack):
    [record, *_] = stack.calls.live_records()
    player = "document.getElementById('so-far')"
    async with opened_tab(stack.url) as tab:
        await tab.go(f"/calls/{record.call_sid}")
        await tab.until("!document.querySelector('.unseen')")
        await tab.page.evaluate(f"{player}.play().catch(() => {{}})")
        await tab.until(f"{player}.currentTime > 0 && !{player}.ended")
        await tab.until(f"{player}.ended")
        at = await tab.page.evaluate(f"{player}.currentTime")
        await tab.page.wait_for_timeout(2500)  # meanwhile two seconds are written
        await tab.page.evaluate(f"{player}.play().catch(() => {{}})")
        await tab.until(f"{player}.currentTime > {at}")
        await tab.page.evaluate(f"{player}.currentTime = 0.5")
        await tab.until(f"{player}.currentTime < {at} && !{player}.seeking && {player}.currentTime > 0.5")
        tab.check()


@pytest.mark.parametrize("width", [360, 1440])
async def test_whatever_callers_and_flows_are_called_the_page_of_a_call_is_no_wider_than_the_screen(stack, width):
    record, other, *_ = stack.calls.live_records()
    record.from_number = f"sip:{'v' * 90}@example.com"
    other.from_number = "\u202eevil" + "🤖" * 30
    for name in (*NAMES, "x" * 400):
        record.utterances.append(SpokenUtterance(name, 2000, None))
        record.path.append(name)
        record.digits.append(name)
        record.result[name] = name
    async with opened_tab(stack.url, viewport={"width": width, "height": 800}) as tab:
        for path in ("/calls", f"/calls/{record.call_sid}", f"/calls/{other.call_sid}"):
            await tab.go(path)
            assert await tab.page.evaluate("document.documentElement.scrollWidth") <= width, path
        tab.check()


async def test_without_script_a_page_is_loaded_again_by_itself_unless_somebody_types_or_listens(stack):
    [record, *_] = stack.calls.live_records()
    loads = []
    async with opened_tab(stack.url, java_script_enabled=False) as tab:
        tab.page.on("load", lambda page: loads.append(page.url))
        await tab.go("/calls?q=555&flow=")
        assert "loaded again every 5 seconds" in await tab.text("main")
        async with tab.page.expect_event("load", timeout=10_000):
            pass
        await tab.page.click("noscript a")
        assert tab.page.url == f"{stack.url}/calls?q=555&flow=&held=1"
        assert "stays as it is" in await tab.text("main")
        assert await tab.page.locator("meta[http-equiv]").count() == 0
        await tab.page.click("noscript a")
        assert tab.page.url == f"{stack.url}/calls?q=555&flow="
        await tab.go(f"/calls/{record.call_sid}?held=1")
        loads.clear()
        await tab.page.fill("#text", "One moment, please.")
        await tab.page.wait_for_timeout(5500)
        assert await tab.page.input_value("#text") == "One moment, please."
        assert loads == []
        await tab.go("/phone")
        assert "needs JavaScript" in await tab.text("main")
        assert not await tab.page.is_visible("#phone")
        tab.check()


async def test_a_page_that_is_hidden_has_no_stream_and_one_that_is_seen_again_is_up_to_date(stack):
    streams = []
    async with opened_tab(stack.url) as tab:
        tab.page.on("request", lambda asked: streams.append(asked) if "/calls/stream" in asked.url else None)
        await tab.go("/calls")
        await tab.until("document.querySelectorAll('tr[data-key]').length === 2")
        await tab.page.evaluate(HIDE.replace("HIDDEN", "true"))
        begin_calls(stack.app[CALLS], 3, first=2)
        await tab.page.wait_for_timeout(1500)
        assert await tab.page.evaluate("document.querySelectorAll('tr[data-key]').length") == 2
        assert len(streams) == 1
        await tab.page.evaluate(HIDE.replace("HIDDEN", "false"))
        await tab.until("document.querySelectorAll('tr[data-key]').length === 5")
        assert len(streams) == 2
        tab.check()


async def test_a_call_is_found_watched_and_hung_up_by_the_keyboard_alone(stack):
    async with opened_tab(stack.url) as tab:
        await tab.go("/calls")
        await by_keys(tab, "document.activeElement.matches('tr[data-key] a')", "Enter")
        await tab.page.wait_for_url("**/calls/CA*")
        await by_keys(tab, "document.activeElement.matches('form[action$=hang-up] button')", "Enter")
        await tab.page.wait_for_url("**?done=hang-up")
        tab.check()


async def by_keys(tab, reached, key):
    """Go on with Tab until something has the focus, and press a key there."""
    for _ in range(60):
        await tab.page.keyboard.press("Tab")
        if await tab.page.evaluate(reached):
            await tab.page.keyboard.press(key)
            return
    raise AssertionError(f"the keyboard does not reach it: {reached}")


async def test_a_campaign_is_changed_by_the_keyboard_alone(stack):
    async with opened_tab(stack.url, viewport={"width": 360, "height": 740}) as tab:
        await tab.go("/campaigns")
        await by_keys(tab, "document.activeElement.matches('tbody a')", "Enter")
        await tab.page.wait_for_url("**/campaigns/*")
        await by_keys(tab, "document.activeElement.matches('a[href$=\"/edit\"]')", "Enter")
        await tab.page.wait_for_url("**/edit")
        await by_keys(tab, "document.activeElement.name === 'max_live'", "Control+A")
        await tab.page.keyboard.type("many")
        await tab.page.keyboard.press("Enter")
        await tab.page.wait_for_selector("[role=alert] a")
        await by_keys(tab, "document.activeElement.matches('[role=alert] a')", "Enter")
        assert await tab.page.input_value(":focus") == "many", "the link leads to the field, which keeps the text"
        described = "document.getElementById(document.activeElement.getAttribute('aria-describedby')).textContent"
        assert "'many' is no whole number" in await tab.page.evaluate(described)
        await tab.page.keyboard.press("Control+A")
        await tab.page.keyboard.type("20")
        await tab.page.keyboard.press("Enter")
        await tab.page.wait_for_selector("[role=status]")
        assert "max_live 10 → 20" in await tab.text("[role=status]")
        refused = "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"
        assert [each for each in tab.console if each != refused] == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm install --no-save axe-core")
@pytest.mark.parametrize("colors", ["light", "dark"])
async def test_pages_of_live_calls_and_of_a_campaign_are_accessible(stack, colors):
    [sid, *_] = [record.call_sid for record in stack.calls.live_records()]
    async with opened_tab(stack.url, viewport={"width": 360, "height": 740}, color_scheme=colors) as tab:
        await tab.go("/campaigns")
        campaign = await tab.page.get_attribute("tbody a", "href")
        for path in ("/calls", f"/calls/{sid}", "/flows/front-desk", "/campaigns", campaign, f"{campaign}/edit"):
            await tab.go(path)
            await tab.until(
                "document.querySelector('[data-checking]') === null"
            )  # it is loaded again once it is checked
            assert await tab.accessibility() == [], path
        await tab.page.fill("#field-max_live", "many")
        await tab.page.click("button.main")
        await tab.page.wait_for_selector("[role=alert]")
        assert await tab.accessibility() == [], "with a mistake"
        await tab.page.fill("#field-max_live", "900")
        await tab.page.click("button.main")
        await tab.page.wait_for_selector("[role=status]")
        assert await tab.accessibility() == [], "saved, with a warning"
