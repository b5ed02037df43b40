"""What may be done to a live call, and what is told of one that is not."""

import asyncio

import pytest
from support.api import OVER, SID, api, record

from telebridge.audio.tones import dtmf
from telebridge.call.record import SpokenUtterance
from telebridge.call.runner.feed import Watch
from telebridge.errors import SpeechUnavailable
from telebridge.flows.steps import Play, Say
from telebridge.turns.barge_in import BargeIn, BargeInCause, BargeInPolicy

HEARD = SpokenUtterance("Your taxi is here.", 1200.4, None)
CUT = SpokenUtterance("Your taxi is here.", 1200, BargeIn(BargeInCause.SPEECH, "Your taxi", 500.6, exact=True))
ACTIONS = {
    "say": {"text": "Hello."},
    "clear": None,
    "send-digits": {"digits": "1"},
    "transfer": {"to": "+15551230100"},
    "hang-up": {},
}


async def test_what_is_said_without_waiting_has_a_name_at_once():
    async with api() as client:
        control = client.calls.add(record())
        told = await client.post(f"/api/calls/{SID}/say", {"text": "Hello.", "barge_in": "keys"}, status=202)
        again = await client.post(f"/api/calls/{SID}/say", {"text": "Hello."}, status=202)
    assert (told, again) == ({"utterance": "a1"}, {"utterance": "a2"})
    assert control.done == [Say("Hello.", barge_in=BargeInPolicy.KEYS), Say("Hello.")]


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (HEARD, {"interrupted": False, "heard_text": "Your taxi is here.", "heard_ms": 1200}),
        (CUT, {"interrupted": True, "heard_text": "Your taxi", "heard_ms": 501}),
    ],
)
async def test_who_waits_is_told_how_it_was_heard(outcome, told):
    async with api() as client:
        client.calls.add(record(), outcome=outcome)
        answer = await client.post(f"/api/calls/{SID}/say", {"text": "Your taxi is here.", "wait": True})
    assert answer == {"utterance": "a1", **told}


async def test_who_does_not_wait_finds_it_in_the_feed():
    async with api() as client:
        watcher = client.feed.watch(Watch(), lambda: None)
        client.calls.add(record(), outcome=CUT)
        await client.post(f"/api/calls/{SID}/say", {"text": "Your taxi is here."}, status=202)
    (event,) = watcher.take()
    assert (event.kind, event.call_sid) == ("announced", SID)
    assert event.data == {"utterance": "a1", "interrupted": True, "heard_text": "Your taxi", "heard_ms": 501}


async def test_a_voice_of_its_own_is_checked_before_anything_is_said():
    async with api() as client:
        control = client.calls.add(record())
        await client.post(f"/api/calls/{SID}/say", {"text": "Hi.", "voice": {"speaker": "luna"}}, status=202)
        told = await client.post(f"/api/calls/{SID}/say", {"text": "Hi.", "voice": {"pitch": 2}}, status=422)
    assert told["errors"][0]["field"] == "voice.pitch"
    assert control.done == [Say("Hi.", voice={"speaker": "luna"})]


async def test_keys_are_pressed_as_tones():
    async with api() as client:
        control = client.calls.add(record(), outcome=HEARD)
        await client.post(f"/api/calls/{SID}/send-digits", {"digits": "1w#", "wait": True})
    assert control.done == [Play(dtmf("1w#"), "digits 1w#")]


@pytest.mark.parametrize("digits", ["", "1 2", "a", "1\n", "+1", "1" * 101])
async def test_what_is_no_key_is_refused(digits):
    async with api() as client:
        client.calls.add(record())
        told = await client.post(f"/api/calls/{SID}/send-digits", {"digits": digits}, status=422)
    assert told["errors"][0]["field"] == "digits"


async def test_clear_says_whether_something_was_being_said():
    async with api() as client:
        control = client.calls.add(record())
        assert await client.post(f"/api/calls/{SID}/clear") == {"cleared": False}
        control.saying.append("something")
        async with client.session.post(f"{client.url}/api/calls/{SID}/clear") as answer:
            assert await answer.json() == {"cleared": True}


async def test_a_transfer_and_a_goodbye_are_handed_on():
    async with api() as client:
        control = client.calls.add(record())
        body = {"to": "+15551230100", "timeout": 10, "caller_id": "+15551230001", "whisper": "A caller."}
        assert await client.post(f"/api/calls/{SID}/transfer", body, status=202) == {"call_sid": SID}
        await client.post(f"/api/calls/{SID}/hang-up", {"say": "Goodbye."}, status=202)
        await client.post(f"/api/calls/{SID}/hang-up", {}, status=202)
    assert control.done == [
        ("transfer", "+15551230100", 10, "+15551230001", "A caller."),
        ("hang up", "Goodbye."),
        ("hang up", None),
    ]


async def test_a_call_that_another_process_leads_is_not_said_to_be_over():
    async with api() as client:
        client.calls.ended[OVER] = record(OVER)  # without an end, as the database tells it
        problem = await client.post(f"/api/calls/{OVER}/say", ACTIONS["say"], status=409)
    assert problem["type"] == "urn:telebridge:problem:call-not-live"
    assert "is led by another process" in problem["detail"]


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_call_that_is_over_is_told_from_one_that_never_was(action):
    async with api() as client:
        client.calls.ended[OVER] = record(OVER, end_reason="caller hung up")
        over = await client.post(f"/api/calls/{OVER}/{action}", ACTIONS[action], status=409)
        never = await client.post(f"/api/calls/CA0/{action}", ACTIONS[action], status=404)
    assert over["type"] == "urn:telebridge:problem:call-over"
    assert never["type"] == "urn:telebridge:problem:unknown-call"


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_call_that_cannot_do_so_now_says_why(action):
    async with api() as client:
        client.calls.add(record(), refuses="is ending")
        told = await client.post(f"/api/calls/{SID}/{action}", ACTIONS[action], status=409)
    assert told["type"] == "urn:telebridge:problem:call-not-live"
    assert told["detail"] == f"Call {SID} is ending."


async def test_who_waits_for_a_call_that_ends_is_told_so():
    async with api() as client:
        control = client.calls.add(record())
        waiting = asyncio.create_task(
            client.post(f"/api/calls/{SID}/say", {"text": "Hello.", "wait": True}, status=409)
        )
        await control.asked.wait()
        control.saying[0].cancel()
        assert "ended before it was said" in (await waiting)["detail"]


async def test_speech_that_fails_is_a_bad_gateway():
    async with api() as client:
        client.calls.add(record(), outcome=SpeechUnavailable("Rime gave no audio"))
        told = await client.post(f"/api/calls/{SID}/say", {"text": "Hello.", "wait": True}, status=502)
        await client.post(f"/api/calls/{SID}/say", {"text": "Hello."}, status=202)
    assert "Rime gave no audio" in told["detail"]


@pytest.mark.parametrize("text", ["", "  \n", "a\x00b", "x" * 5001, 5, None, ["a"]])
async def test_what_cannot_be_said_is_refused(text):
    async with api() as client:
        control = client.calls.add(record())
        told = await client.post(f"/api/calls/{SID}/say", {"text": text}, status=422)
    assert told["errors"][0]["field"] == "text"
    assert control.done == []
