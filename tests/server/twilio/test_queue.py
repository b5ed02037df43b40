"""A caller waits in a queue of Twilio's, and the flow goes on by how the wait ended."""

import re

import aiohttp
import pytest
from support.bridge import bridge
from support.virtual_time import virtually

from telebridge.simulator.setup.options import AUTH_TOKEN
from telebridge.twilio.request_signature import webhook_signature
from telebridge.twilio.twiml import enqueue

FLOW = """
flow: test
start: support
nodes:
  support: {queue: "Support & sales", wait_url: "https://x.test/a?b={{ from }}&c=1", then: talked, left: gone,
            full: busy, failed: lost}
  talked: {say: "You have talked.", then: bye}
  gone: {say: "You have left.", then: bye}
  busy: {say: "All lines are busy.", then: bye}
  lost: {say: "The queue is lost.", then: bye}
  bye: {hang_up: null}
"""
SID = "CA" + "1" * 32


async def posted(stack, path, **fields):
    """The answer to a webhook, signed as Twilio signs it."""
    url = f"{stack.url}/twilio/{path}"
    fields = {"CallSid": SID, "From": "+15551230001", "To": "+15551230000", "CallStatus": "in-progress", **fields}
    headers = {"X-Twilio-Signature": webhook_signature(AUTH_TOKEN, url, fields)}
    async with aiohttp.ClientSession() as session, session.post(url, data=fields, headers=headers) as answer:
        assert answer.status == 200
        return await answer.text()


@pytest.mark.parametrize(
    ("result", "node"),
    [("bridged", "talked"), ("leave", "gone"), ("queue-full", "busy"), ("system-error", "lost"), ("", "lost")],
)
@virtually
async def test_the_flow_goes_on_by_the_result_of_the_queue(tmp_path, result, node):
    async with bridge(tmp_path, FLOW) as stack:
        await posted(stack, "voice")
        document = await posted(stack, "next")
        action = re.search(r'<Enqueue action="([^"#]+)#', document)[1]
        assert action == f"{stack.url}/twilio/queue-status"
        assert 'waitUrl="https://x.test/a?b=%2B15551230001&amp;c=1">Support &amp; sales</Enqueue>' in document
        assert "<Connect>" in await posted(stack, "queue-status", QueueResult=result, QueueTime="7")
        record = stack.calls.record(SID)
        assert record.path == ["support", node]
        assert [transfer.to for transfer in record.transfers] == ["Support & sales"]


@virtually
async def test_a_caller_who_hangs_up_in_the_queue_ends_the_call(tmp_path):
    async with bridge(tmp_path, FLOW) as stack:
        await posted(stack, "voice")
        await posted(stack, "next")
        assert "<Hangup" in await posted(stack, "queue-status", QueueResult="hangup", CallStatus="completed")
        assert stack.calls.record(SID).transfers[0].status == "canceled"
        assert len(stack.calls) == 0


def test_a_queue_without_an_address_has_twilios_music():
    document = enqueue("a", action="https://x.test/", wait_url=None)
    assert document.endswith('<Enqueue action="https://x.test/" method="POST">a</Enqueue></Response>')
