"""The browser phone in Chromium: its wire, its marks, interrupting it by voice, and calls without a microphone.

The numbers are those of the checks in the issue of the pages. The microphone is a WAV file, which begins when it opens.
"""

import wave
from itertools import pairwise

import pytest
from support.bridge import bridge
from support.browser import AXE, WATCH_SHIFTS, opened_tab
from support.speech import TalkingVoice

from telebridge.audio.mulaw import silence, to_pcm
from telebridge.simulator.caller.voices import speech

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

FLOW = """
flow: test
start: hello
nodes:
  hello: {say: "Welcome to the house of many prompts.", then: ask}
  ask:
    menu: "For the hours press one, and for everything else please go on listening to this long list of choices."
    choices: {1: bye}
    no_input: {after: 60s, reprompt: 0, then: bye}
  bye: {hang_up: "Goodbye."}
"""
FAKE = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")


def microphone(path, quiet_seconds):
    """A WAV for Chromium's microphone: silence, then a voice for two seconds of six, so that no start is too late."""
    audio = silence(round(quiet_seconds * 1000)) + 8 * (speech(2000) + silence(4000))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(to_pcm(audio))
    return (*FAKE, f"--use-file-for-fake-audio-capture={path}%noloop")


def talking(tmp_path, **settings):
    return bridge(tmp_path, FLOW, rime={"voice": TalkingVoice()}, **settings)


async def test_silence_is_sent_every_20_ms_and_marks_return_when_they_were_played(tmp_path):
    async with talking(tmp_path) as stack, opened_tab(stack.url) as tab:
        await tab.go("/phone")
        await tab.page.check("input[value=nothing]")
        await tab.push("#call")
        await tab.until("window.sent.filter((each) => each.message.event === 'mark').length >= 2")
        await tab.until("window.sent.filter((each) => each.message.event === 'media').length >= 200")
        frames = await tab.wire("sent", "media")
        times = [frame["at"] for frame in frames[20:]]
        every = (times[-1] - times[0]) / (len(times) - 1)
        assert every == pytest.approx(20, rel=0.1), "on the whole: a loaded machine sends some late, then together"
        stamps = [int(frame["message"]["media"]["timestamp"]) for frame in frames]
        assert {later - earlier for earlier, later in pairwise(stamps)} == {20}
        sequence = [int(each["message"]["sequenceNumber"]) for each in await tab.wire("sent", "media")]
        assert sequence == sorted(set(sequence))
        first = (await tab.wire("received", "media"))[0]["at"]
        played, ended = (await tab.wire("sent", "mark"))[0], stack.runner.session.record.utterances
        assert played["at"] - first >= 900, "the first mark is after a second of audio"
        await tab.page.keyboard.press("1")
        await tab.until("document.getElementById('state').textContent.startsWith('Call ended')")
        assert ended[0].text == "Welcome to the house of many prompts."
        assert "Key: 1" in await tab.text("#log")
        tab.check()


async def test_a_voice_interrupts_the_prompt_and_the_figure_is_shown(tmp_path, record_property):
    flags = microphone(tmp_path / "talk.wav", 5)
    async with talking(tmp_path) as stack, opened_tab(stack.url, *flags) as tab:
        await tab.go("/phone")
        await tab.page.check("#raw")  # Chromium's echo cancellation would change the voice
        await tab.push("#call")
        await tab.until("document.getElementById('log').textContent.includes('cut here when you spoke')")
        cut = stack.runner.session.record.utterances[-1].interruption
        assert cut.cause.value == "speech"
        assert 0 < cut.stop_ms < 300
        assert f"silent {round(cut.stop_ms)} ms after you began" in await tab.text("#log")
        assert await tab.wire("received", "clear")
        record_property(
            "figures", f"silent {cut.stop_ms:.0f} ms after the caller began, latency {await tab.text('#latency')}"
        )
        await tab.push("#hang-up")
        await tab.page.click("#record")
        await tab.page.wait_for_selector("text=cut off when the caller spoke")
        tab.check()


async def test_without_a_microphone_the_page_says_so_and_keys_work_by_keyboard_alone(tmp_path):
    async with talking(tmp_path) as stack, opened_tab(stack.url) as tab:
        await tab.go("/phone")
        await tab.page.focus("#call")
        await tab.page.keyboard.press("Enter")
        await tab.until("document.getElementById('state').textContent === 'Connected'")
        assert "microphone" in await tab.text("#problem")
        await tab.until("document.getElementById('now-node').textContent === 'ask'")
        await tab.page.focus("[data-key='1']")
        await tab.page.keyboard.press("Space")
        await tab.until("document.getElementById('state').textContent.startsWith('Call ended')")
        [record] = stack.calls.ended_records()
        assert (record.digits, record.path) == (["1"], ["hello", "ask", "bye"])
        tab.check()


async def test_at_http_of_another_machine_a_call_by_keys_works(tmp_path):
    """Chromium takes an address of the network for this machine here; it is no secure context, as in earnest."""
    server = {"api_token": "token"}
    async with talking(tmp_path, server=server) as stack:
        url = stack.url.replace("127.0.0.1", "192.0.2.7")
        async with opened_tab(url, "--host-resolver-rules=MAP 192.0.2.7 127.0.0.1") as tab:
            await tab.go("/phone")
            await tab.page.fill("#token", "token")
            await tab.page.click("button.main")
            await tab.page.wait_for_selector("#call")
            await tab.until("document.getElementById('problem').textContent.includes('only to pages at https')")
            await tab.push("#call")
            await tab.until("document.getElementById('now-node').textContent === 'ask'")
            assert len(await tab.wire("sent", "media")) > 50
            await tab.push("[data-key='1']")
            await tab.until("document.getElementById('state').textContent.startsWith('Call ended')")
            [record] = stack.calls.ended_records()
            assert record.digits == ["1"]


IN_VIEW = """
(ids) => ids.filter((id) => {
  const { top, bottom } = document.getElementById(id).getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
})
"""


async def test_on_a_narrow_screen_the_state_is_in_view_with_the_keypad_and_nothing_moves(tmp_path):
    seen = ["state", "now-saying", "now-node", "now-line", "hang-up", "happened", "keypad"]
    async with talking(tmp_path) as stack, opened_tab(stack.url, viewport={"width": 360, "height": 740}) as tab:
        await tab.page.add_init_script(WATCH_SHIFTS)
        await tab.go("/phone")
        await tab.page.check("input[value=nothing]")
        await tab.page.focus("#call")
        await tab.page.keyboard.press("Enter")
        await tab.until("document.getElementById('now-node').textContent === 'ask'")
        assert await tab.page.evaluate(IN_VIEW, seen) == seen
        reached = []
        for _ in range(4):
            await tab.page.keyboard.press("Tab")
            reached.append(await tab.page.evaluate("document.activeElement.id || document.activeElement.dataset.key"))
        assert reached == ["hang-up", "mute", "happened", "1"]
        await tab.page.wait_for_timeout(600)  # for so long what moves may be meant by the key
        await tab.page.evaluate("document.querySelector('[data-key=\"9\"]').click()")
        await tab.until("document.getElementById('log').textContent.includes('cut here by a key')")
        await tab.page.evaluate("document.getElementById('hang-up').click()")
        await tab.until("!document.getElementById('record').hidden")
        await tab.page.wait_for_timeout(300)
        assert await tab.page.evaluate(IN_VIEW, seen) == seen
        assert await tab.page.evaluate("window.shifts") == []
        tab.check()


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm install --no-save axe-core")
@pytest.mark.parametrize("colors", ["light", "dark"])
async def test_every_page_is_accessible_and_fits_a_narrow_screen(tmp_path, colors):
    async with talking(tmp_path) as stack:
        placed, record = await stack.call("wait; press 1; wait; hang up")
        assert placed is not None
        async with opened_tab(stack.url, color_scheme=colors, viewport={"width": 360, "height": 740}) as tab:
            for path in ("/calls", f"/calls/{record.call_sid}", "/phone", "/flows", "/flows/test", "/calls/none"):
                await tab.go(path)
                assert await tab.accessibility() == [], path
                wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
                assert not await tab.page.evaluate(wide), path
            assert tab.foreign == []
