"""The telephone of a test: what the caller hears and does, on virtual time."""

import asyncio
import re
from datetime import UTC, datetime

import pytest
from aiohttp import web

from telebridge import Bridge
from telebridge.errors import ConfigurationError
from telebridge.simulator.setup.clock import _JumpingSelector
from telebridge.testing import CallFailure, Phone

FLOW = """
flow: desk
start: main
nodes:
  main:
    menu: "Welcome to Acme. For billing, press 1. For the operator, press 2."
    choices: {1: billing, 2: operator}
  billing: {say: "You have reached billing.", then: bye}
  operator: {say: "I am transferring you.", then: dial}
  dial: {transfer: "+14155550100", then: bye, failed: bye}
  bye: {hang_up: "Goodbye."}
"""


@pytest.fixture
def desk(tmp_path):
    (tmp_path / "desk.yaml").write_text(FLOW)
    with Phone(flow="desk.yaml", folder=tmp_path) as phone:
        yield phone


def test_a_caller_hears_and_presses(desk):
    with desk.call(caller="+14155550123") as call:
        call.hears("for billing, PRESS 1", within=3)
        assert call.at == "main"
        call.press("1")
        call.hears("reached billing")
        assert call.at == "billing"
        call.hears("goodbye")
        call.ends(by="bridge", node="bye", status="completed")
    assert call.path == ["main", "billing", "bye"]
    assert call.digits == ["1"]
    assert call.variables["from"] == "+14155550123"
    assert call.record.from_number == "+14155550123"


def test_what_was_sent_and_cut_before_it_sounded_was_not_heard(desk):
    with desk.call() as call:
        call.hears("welcome to acme")
        call.press("1")
        with pytest.raises(CallFailure, match=r"not heard within 0\.5 s"):
            call.hears("for the operator", within=0.5)
        call.hears("reached billing")
        assert "operator" not in call.heard


def test_an_interruption_is_timed_by_what_was_heard(desk):
    with desk.call() as call:
        call.hears("for the")
        call.says("billing please, thank you")
        cut = call.cut()
        assert cut.text == "For the operator, press 2."
        assert cut.heard == "For the"
        assert 0 < cut.after_ms < 120
        assert cut.at_ms == pytest.approx(call.lines[-1].end_ms, abs=20)
        leg = call.audio  # stereo, 16 bits
        after = leg[44 + round(cut.at_ms * 8) * 4 + 640 :][: 8000 * 2]
        assert set(after[2::4]) | set(after[3::4]) == {0}, "the bridge is silent"


def test_a_cough_pauses_a_prompt_and_does_not_cut_it(desk):
    with desk.call() as call:
        call.hears("for the")
        call.coughs()
        call.hears("operator, press 2")
        with pytest.raises(CallFailure, match=r"cut: no prompt stopped within 2 s"):
            call.cut(within=2)
        assert call.heard.count("operator") == 1


def test_a_transfer(desk):
    desk.answers("+14155550100", "ring 2s; listen 3s; hang up")
    with desk.call() as call:
        call.hears("press 2")
        call.press("2")
        call.hears("transferring")
        assert call.transferred_to("+14155550100", within=5) == "+14155550100"
        call.hears("goodbye", within=20)
    assert "rings +14155550100" in call.timeline()


def test_a_transfer_to_somebody_who_is_busy(desk):
    desk.answers("+14155550100", "busy")
    with desk.call() as call:
        call.hears("press 2")
        call.press("2")
        with pytest.raises(CallFailure, match=r"transferred to \+1999: \+14155550100 was called"):
            call.transferred_to("+1999")
        call.ends(node="bye")


def test_a_regular_expression_and_the_beginning_of_a_word(desk):
    with desk.call() as call:
        begun = call.hears("welcome", heard="begun")
        assert call.seconds == pytest.approx(0, abs=0.05)
        assert begun[0].text == "Welcome"
        assert [word.text for word in call.hears(re.compile(r"press (\d)\."))] == ["press", "1."]


def test_silence(desk):
    with desk.call() as call:
        with pytest.raises(CallFailure, match=r'hears nothing for 1 s: "Welcome to Acme\." was heard'):
            call.hears_nothing(for_=1)
        call.hears("press 2")
        call.hears_nothing(for_=2)
        call.hears_sound(within=10)


def test_actions_after_the_end_fail_and_mistakes_are_named(desk):
    with desk.call() as call:
        with pytest.raises(ConfigurationError, match=r"press: 1 is not a text of the keys"):
            call.press(1)
        with pytest.raises(ConfigurationError, match="there are hum, street, babble, music and quiet"):
            call.stands_in("kitchen")
        with pytest.raises(ConfigurationError, match="has no words"):
            call.hears("...")
        call.stands_in("street", -40)
        call.makes("click")
        call.hangs_up()
        with pytest.raises(CallFailure, match="press 1: the call is over: caller"):
            call.press("1")
        with pytest.raises(CallFailure, match="ends by bridge: caller hung up"):
            call.ends(by="bridge")


def test_a_failure_shows_the_call(desk):
    with desk.call() as call:
        call.hears("press 1")
        call.press("1")
        with pytest.raises(CallFailure) as raised:
            call.hears("sales", within=3)
    assert str(raised.value).splitlines() == [
        'hears "sales": the call is over',
        'nearest: "For billing, press 1." at 1.10 s',
        "",
        "       0.00  call is in-progress",
        "       0.00  stream begins",
        "       0.00  node main",
        '       0.00  ▶ "Welcome to Acme."',
        '       1.10  ▶ "For billing, press 1."',
        '       2.24  ✓ hears "press 1"',
        "       2.24  ☎ caller presses 1",
        "       2.26  node billing",
        '       2.26  ▶ "You have reached billing."',
        "       3.88  node bye",
        '       3.88  ▶ "Goodbye."',
        "       4.54  stream ends",
        "       4.54  bridge hangs up",
        "       4.54  call is completed",
        ' →     4.54  hears "sales": the call is over',
    ]  # fmt: skip


def conversation(folder):
    (folder / "desk.yaml").write_text(FLOW)
    with Phone(flow="desk.yaml", folder=folder) as phone, phone.call() as call:
        call.stands_in("street", -40)
        call.hears("for the")
        call.says("billing please, thank you")
        call.cut()
        call.press("1")
        call.hears("goodbye")
        call.ends()
    return call.timeline(), call.audio


def test_two_runs_are_the_same_to_the_last_byte(tmp_path):
    assert conversation(tmp_path) == conversation(tmp_path)


def test_python_flows(tmp_path):
    bridge = Bridge()

    @bridge.flow("greeter")
    async def greeter(call):
        answer = await call.ask("Press 1 for yes.", choices="12")
        call.result["answer"] = answer.digits
        await call.say("Thank you.")

    with Phone(folder=tmp_path) as phone:
        with phone.call(bridge) as call:
            call.hears("press 1")
            call.press("1")
            call.hears("thank you")
            call.ends(by="bridge", result={"answer": "1"})
        assert call.result == {"answer": "1"}


def test_an_aiohttp_application_that_answers_in_twiml(tmp_path):
    async def voice(request):
        digits = (await request.post()).get("Digits")
        answer = (
            f"<Say>You pressed {digits}.</Say><Hangup/>"
            if digits
            else '<Gather numDigits="1"><Say>Press a key.</Say></Gather>'
        )
        return web.Response(text=f"<Response>{answer}</Response>", content_type="text/xml")

    app = web.Application()
    app.router.add_post("/voice", voice)
    with Phone(folder=tmp_path) as phone, phone.call(app) as call:
        call.hears("press a key")
        call.press("4")
        call.hears("you pressed 4")
        call.ends(by="bridge")
        assert call.lines[0].source == "say"
        with pytest.raises(AttributeError, match="only a call that telebridge leads"):
            _ = call.path


def test_settings_of_the_machine_do_not_count(tmp_path, monkeypatch):
    monkeypatch.setenv("TELEBRIDGE_BARGE_IN__POLICY", "none")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "ACreal")
    (tmp_path / "desk.yaml").write_text(FLOW)
    with Phone(flow="desk.yaml", folder=tmp_path) as phone:
        with phone.call() as call:
            call.hears("for the")
            call.press("1")
            call.cut()
        with phone.call(settings={"barge_in": {"policy": "none"}}) as call:
            call.hears("for the")
            call.press("1")
            with pytest.raises(CallFailure, match="cut: no prompt stopped"):
                call.cut(within=0.5)
    with (
        Phone(flow="desk.yaml", folder=tmp_path) as phone,
        pytest.raises(ConfigurationError, match=r"settings of the test: barge_in\.policy"),
    ):
        phone.call(settings={"barge_in": {"policy": "never"}})


def test_the_bridge_is_killed_and_started_in_mid_call(desk):
    with desk.call() as call:
        call.hears("press 1")
        desk.restart()
        call.hears("press 2", within=10)
        call.press("1")
        call.hears("reached billing")
        call.ends(node="bye")


async def test_inside_of_an_event_loop_it_says_what_to_do(tmp_path):
    with Phone(folder=tmp_path) as phone, pytest.raises(ConfigurationError, match="write the test with 'def'"):
        phone.call(flow="desk.yaml")


def test_words_that_come_apart_are_heard_together(tmp_path):
    bridge = Bridge()

    @bridge.flow("slow")
    async def slow(call):
        for text in ("One two.", "— three", "four, five.", "One two three five."):
            await call.say(text)
            await asyncio.sleep(1)

    with Phone(folder=tmp_path) as phone, phone.call(bridge, flow="slow") as call:
        call.hears("one two three four", within=10)
        call.hears(re.compile("two three.*five"), within=10)


def test_ten_minutes_of_a_call_take_few_turns_of_the_loop(tmp_path, monkeypatch):
    """They take well below a second; turns are counted, since a busy machine has seconds of its own."""
    bridge, turns = Bridge(), []
    select = _JumpingSelector.select
    monkeypatch.setattr(_JumpingSelector, "select", lambda *given: turns.append(1) or select(*given))

    @bridge.flow("queue")
    async def queue(call):
        for _ in range(21):
            await call.say("You are still in the queue. Thank you for your patience, somebody will be with you soon.")
            await asyncio.sleep(24)
        await call.say("Goodbye.")

    with Phone(folder=tmp_path) as phone, phone.call(bridge, flow="queue") as call:
        call.hears("goodbye", within=900)
        call.ends(within=10)
    assert call.recording.duration_ms > 600_000
    assert len(turns) < 13_000


def test_a_program_has_a_time_of_its_own(tmp_path):
    with Phone(folder=tmp_path) as phone, pytest.raises(ConfigurationError, match="the clock of a program is its own"):
        phone.call("http://127.0.0.1:1/voice", at=datetime(2026, 12, 25, 9, tzinfo=UTC))
