"""Verbs that take no time: text messages, recordings that go on, and callers who are handed on."""

import pytest
from support.twiml_application import heard, inbound_call
from support.two_calls import account
from support.virtual_time import virtually

from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.caller.voices import speech


@virtually
async def test_a_text_message_is_sent_in_mid_call():
    sms = "<Response><Sms statusCallback='/told' action='/sent'>Your code is 1234.</Sms></Response>"
    async with account({"voice": sms}) as twilio:
        [placed] = await twilio.calls((0, "voice", "listen 9s"))
        [sent], told = twilio.application.fields("sent"), twilio.application.fields("told")
        message = twilio.simulator.books.messages.find(sent["MessageSid"])
    assert (message.to, message.from_, message.body) == (placed.record.from_, placed.record.to, "Your code is 1234.")
    assert [fields["MessageStatus"] for fields in told] == ["sent", "delivered"]


@virtually
async def test_a_recording_goes_on_beside_the_verbs_that_follow():
    start = "<Start><Recording recordingStatusCallback='/told' channels='dual' trim='do-not-trim'/></Start>"
    voice = f"<Response>{start}<Pause length='3'/><Hangup/></Response>"
    placed, application = await inbound_call({"voice": voice}, "speak 9s")
    [told] = application.fields("told")
    assert (told["RecordingStatus"], told["RecordingDuration"], told["RecordingChannels"]) == ("completed", "3", "2")
    assert placed.record.duration_seconds == 3


@pytest.mark.parametrize(("fate", "status"), [("ring 1s", "completed"), ("fail 603", "failed")])
@virtually
async def test_a_caller_is_handed_to_another_address(fate, status):
    refer = "<Response><Refer action='/referred'><Sip>sip:ann@example.com</Sip></Refer></Response>"
    _, application = await inbound_call({"voice": refer}, callers={"sip:ann@example.com": parse_script(fate)})
    assert application.fields("referred")[0]["ReferCallStatus"] == status


@virtually
async def test_callers_hear_their_own_echo():
    placed, _ = await inbound_call({"voice": "<Response><Echo/></Response>"}, "speak 1s; listen 1s; hang up")
    assert speech(1000)[:7000] in heard(placed)
