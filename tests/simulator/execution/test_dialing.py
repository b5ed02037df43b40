"""Parties that are dialed ring, answer, are recorded, and are calls of their own."""

import pytest
from support.twiml_application import heard, inbound_call
from support.virtual_time import virtually

from telebridge.audio.tones import dtmf
from telebridge.simulator.caller.script import parse_script

DESK, HOME = "+15559990000", "+15559990001"
EVENTS = "statusCallback='/leg' statusCallbackEvent='initiated ringing answered completed'"


def dial(nouns, attributes=""):
    return {"voice": f"<Response><Dial action='/dialled' timeout='20' {attributes}>{nouns}</Dial></Response>"}


def callers(**scripts):
    return {number: parse_script(script) for number, script in zip((DESK, HOME), scripts.values(), strict=False)}


@virtually
async def test_a_party_that_does_not_answer_rings_until_the_timeout():
    placed, application = await inbound_call(dial(DESK), callers=callers(desk="no answer"))
    assert application.fields("dialled")[0]["DialCallStatus"] == "no-answer"
    assert placed.record.duration_seconds == 20


@pytest.mark.parametrize(("attributes", "seconds"), [("", 9), ("sequential='true'", 25)])
@virtually
async def test_several_parties_ring_at_once_or_one_after_the_other(attributes, seconds):
    nouns = f"<Number>{DESK}</Number><Number>{HOME}</Number>"
    scripts = callers(desk="no answer", home="ring 4s; listen 1s; listen 4s; hang up")
    placed, application = await inbound_call(dial(nouns, attributes), "listen 99s", callers=scripts)
    assert application.fields("dialled")[0]["DialCallStatus"] == "completed"
    assert placed.record.duration_seconds == pytest.approx(seconds, abs=4)


@virtually
async def test_a_leg_is_a_call_of_its_own_with_callbacks():
    noun = f"<Number {EVENTS}>{DESK}</Number>"
    placed, application = await inbound_call(dial(noun), callers=callers(desk="ring 2s; speak 1s; hang up"))
    told = application.fields("leg")
    assert [fields["CallStatus"] for fields in told] == ["initiated", "ringing", "in-progress", "completed"]
    assert {fields["ParentCallSid"] for fields in told} == {placed.record.sid}
    assert {fields["Direction"] for fields in told} == {"outbound-dial"}
    assert told[-1]["CallDuration"] == "1"
    [dialled] = application.fields("dialled")
    assert dialled["DialCallSid"] == told[0]["CallSid"]


@virtually
async def test_a_call_is_recorded_from_its_answer_on():
    attributes = "record='record-from-answer-dual' recordingStatusCallback='/recorded'"
    desk = callers(desk="ring 2s; speak 3s; hang up")
    placed, application = await inbound_call(dial(DESK, attributes), "speak 10s; listen 60s", callers=desk)
    [recorded], [dialled] = application.fields("recorded"), application.fields("dialled")
    assert (recorded["RecordingStatus"], recorded["RecordingSource"]) == ("completed", "DialVerb")
    assert (recorded["RecordingChannels"], recorded["RecordingDuration"]) == ("2", "3")
    assert dialled["RecordingUrl"] == recorded["RecordingUrl"]
    assert recorded["RecordingUrl"].startswith("https://api.twilio.com/2010-04-01/Accounts/AC")
    assert placed.record.sid == recorded["CallSid"]


@virtually
async def test_a_star_of_the_caller_ends_the_connection_where_that_is_allowed():
    desk = callers(desk="ring 1s; listen 600s")
    _, application = await inbound_call(
        dial(DESK, "hangupOnStar='true'"), "listen 5s; press 1*; listen 9s", callers=desk
    )
    assert application.fields("dialled")[0]["DialCallDuration"] == "4"


@virtually
async def test_keys_are_sent_to_who_answers_before_the_two_are_connected():
    noun = f"<Number sendDigits='wwww1'>{DESK}</Number>"
    placed, _ = await inbound_call(
        dial(noun), "speak 20s", callers=callers(desk="ring 1s; wait; press 9; speak 1s; hang up")
    )
    assert dtmf("1") not in heard(placed)
    assert placed.record.duration_seconds == pytest.approx(4, abs=1)
