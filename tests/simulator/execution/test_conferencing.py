"""Callers in a conference hear each other, and the application is told who comes and goes."""

import pytest
from support.twiml_application import heard
from support.two_calls import account
from support.virtual_time import virtually

from telebridge.audio.wav import mulaw_file
from telebridge.simulator.caller.voices import speech
from telebridge.simulator.media.recording import EventKind

EVENTS = "statusCallback='/told' statusCallbackEvent='start end join leave'"


def conference(attributes="", dial=""):
    noun = f"<Conference beep='false' {attributes}>desk</Conference>"
    return f"<Response><Dial action='/over' {dial}>{noun}</Dial></Response>"


def events(placed):
    return [event.detail for event in placed.recording.of_kind(EventKind.CONFERENCE)]


@virtually
async def test_two_hear_each_other_and_nobody_hears_themselves():
    async with account({"one": conference(EVENTS), "two": conference(EVENTS)}) as twilio:
        calls = (
            (0, "one", "listen 3s; speak 1s; listen 4s; hang up"),
            (1, "two", "listen 4s; speak 2s; listen 1s; hang up"),
        )
        one, two = await twilio.calls(*calls)
        told = [fields["StatusCallbackEvent"] for fields in twilio.application.fields("told")]
    assert speech(2000) in heard(one)
    assert speech(1000) in heard(two)
    assert speech(1000) not in heard(one)
    comes = ["participant-join", "conference-start", "participant-join"]
    assert told == [*comes, "participant-leave", "participant-leave", "conference-end"]


@virtually
async def test_a_conference_ends_with_who_has_to_be_there():
    documents = {"host": conference(f"endConferenceOnExit='true' {EVENTS}"), "guest": conference()}
    async with account(documents) as twilio:
        calls = ((0, "guest", "listen 99s"), (1, "host", "listen 5s; hang up"))
        guest, _ = await twilio.calls(*calls)
        told = twilio.application.fields("told")
        over = twilio.application.fields("over")
    assert guest.record.duration_seconds == 6
    ends = ["participant-leave", "conference-end", "participant-leave"]
    assert [fields["StatusCallbackEvent"] for fields in told][-3:] == ends
    assert {fields["DialCallStatus"] for fields in over} == {"completed"}
    assert [int(fields["SequenceNumber"]) for fields in told] == sorted(int(each["SequenceNumber"]) for each in told)
    assert {fields["ConferenceSid"][:2] for fields in told} == {"CF"}


@virtually
async def test_who_waits_hears_what_the_wait_url_gives_until_the_conference_starts():
    wait = "<Response><Play>/music</Play></Response>"
    documents = {
        "guest": conference("startConferenceOnEnter='false' waitUrl='/wait'"),
        "host": conference(),
        "wait": wait,
        "music": mulaw_file(speech(800, seed=9)),
    }
    async with account(documents) as twilio:
        guest, _ = await twilio.calls((0, "guest", "listen 7s; hang up"), (4.5, "host", "speak 2s; hang up"))
    assert heard(guest).count(speech(800, seed=9)) == 4
    assert speech(2000)[:15_000] in heard(guest)
    assert guest.record.duration_seconds == pytest.approx(6.5, abs=1)


@virtually
async def test_whoever_is_muted_is_not_heard():
    async with account({"one": conference("muted='true'"), "two": conference()}) as twilio:
        calls = ((0, "one", "listen 2s; speak 2s; listen 3s; hang up"), (1, "two", "listen 3s; hang up"))
        _, two = await twilio.calls(*calls)
    assert speech(2000) not in heard(two)


@virtually
async def test_three_are_mixed_and_beeps_tell_of_who_comes():
    plain = "<Response><Dial><Conference>desk</Conference></Dial></Response>"
    async with account({"room": plain}) as twilio:
        speaking = "listen 4s; speak 1s; listen 2s; hang up"
        one, two, three = await twilio.calls(
            (0, "room", speaking), (1, "room", "listen 9s; hang up"), (2, "room", "listen 9s; hang up")
        )
    assert all(speech(1000)[:800] in heard(each) for each in (two, three))
    assert len(heard(one)) > 1600, "the beep of who came"
    assert events(one)[:2] == ["participant-join", "participant-leave"]
