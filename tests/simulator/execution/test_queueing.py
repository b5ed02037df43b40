"""Callers wait in a queue, and are connected with who dials it."""

import pytest
from support.twiml_application import heard
from support.two_calls import account
from support.virtual_time import virtually

from telebridge.simulator.caller.voices import speech

WAIT = "<Response><Say>You are next.</Say><Pause length='2'/></Response>"
ENQUEUE = (
    "<Response><Enqueue action='/dequeued' waitUrl='/wait'>support</Enqueue><Redirect>/after</Redirect></Response>"
)
AGENT = "<Response><Dial action='/dialled' timeout='9'><Queue url='/about'>support</Queue></Dial></Response>"
DOCUMENTS = {"caller": ENQUEUE, "wait": WAIT, "agent": AGENT, "about": "<Response><Say>Here is Ann.</Say></Response>"}


@virtually
async def test_a_caller_who_waits_is_connected_with_who_dials_the_queue():
    async with account(DOCUMENTS) as twilio:
        calls = ((0, "caller", "listen 9s; speak 2s; listen 60s"), (5, "agent", "listen 9s; speak 1s; hang up"))
        caller, agent = await twilio.calls(*calls)
        [dequeued], [dialled] = twilio.application.fields("dequeued"), twilio.application.fields("dialled")
        [about], wait = twilio.application.fields("about"), twilio.application.fields("wait")
    assert (dequeued["QueueResult"], dequeued["QueueTime"]) == ("bridged", "5")
    assert dialled["DialCallStatus"] == "completed"
    assert (about["CallSid"], about["DequeingCallSid"]) == (caller.record.sid, agent.record.sid)
    assert (wait[0]["QueuePosition"], wait[0]["CurrentQueueSize"]) == ("1", "1")
    assert len(wait) == 2, "asked for again when it has ended"
    assert speech(2000) in heard(agent)
    assert speech(1000)[:7000] in heard(caller)


@virtually
async def test_a_document_can_leave_the_queue():
    documents = {**DOCUMENTS, "wait": "<Response><Pause length='3'/><Leave/></Response>"}
    async with account(documents) as twilio:
        await twilio.calls((0, "caller", "listen 60s"))
        [dequeued] = twilio.application.fields("dequeued")
    assert (dequeued["QueueResult"], dequeued["QueueTime"]) == ("leave", "3")


@pytest.mark.parametrize(
    ("wait", "script"), [(WAIT, "listen 4s; hang up"), ("<Response><Hangup/></Response>", "listen 9s")]
)
@virtually
async def test_a_caller_who_is_gone_is_no_longer_in_the_queue(wait, script):
    async with account({**DOCUMENTS, "wait": wait}) as twilio:
        await twilio.calls((0, "caller", script))
        [dequeued] = twilio.application.fields("dequeued")
        assert twilio.simulator.books.queues.of("support").members == []
    assert dequeued["QueueResult"] == "hangup"


@virtually
async def test_who_dials_an_empty_queue_waits_for_a_caller():
    async with account(DOCUMENTS) as twilio:
        await twilio.calls((0, "caller", "listen 1s; hang up"), (3, "agent", "listen 60s"))
        assert twilio.application.fields("dialled")[0]["DialCallStatus"] == "no-answer"
        _, agent = await twilio.calls((5, "caller", "listen 9s; hang up"), (0, "agent", "listen 60s"))
        assert agent.record.duration_seconds == pytest.approx(9, abs=3)
    assert twilio.application.fields("dialled")[1]["DialCallStatus"] == "completed"


@virtually
async def test_a_queue_that_does_not_exist_fails():
    async with account(DOCUMENTS) as twilio:
        await twilio.calls((0, "agent", "listen 60s"))
        assert twilio.application.fields("dialled")[0]["DialCallStatus"] == "failed"
