"""A whole campaign and a receiver that fails at first: it learns of every call and contact, once they are whole."""

import asyncio
from collections import Counter
from types import SimpleNamespace

import pytest
from support.campaigning import campaigning, number
from support.virtual_time import virtually
from support.webhooks import documented_check, receiving

from telebridge.campaigns.engine.campaign import Webhook
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules

pytestmark = pytest.mark.timeout(240)  # hundreds of seconds of virtual time on a database

SECRET = "b7c1f0e2"
CONFIRMS = "human after 1s; wait; silence 900ms; press 1; silence 4s; hang up"
PEOPLE = {
    number(100): [CONFIRMS],
    number(101): ["busy", CONFIRMS],
    number(102): ["no answer"],
    number(103): ["human after 300ms; wait 400ms; hang up"],
    number(104): ["machine after 3s; speak 2500ms; silence 3s; hang up"],
}
RETRY = RetryRules(2, {Outcome.BUSY: (10.0,)})


@pytest.mark.slow
@virtually
async def test_a_receiver_that_fails_twice_learns_everything_in_the_end(tmp_path):
    async with receiving(500, 500) as receiver, campaigning(tmp_path, PEOPLE) as stack:
        webhook = Webhook(receiver.url, SECRET)
        campaign = await stack.campaign(retry=RETRY, webhook=webhook, machine_detection="Enable")
        await stack.done(campaign)
        while await stack.store.outbox.undelivered(campaign.id):  # noqa: ASYNC110
            await asyncio.sleep(1)
        rows = await stack.rows(campaign)
        at = stack.now().timestamp()
    first, taken = receiver.events()[:2], receiver.bodies[2:]
    assert len({body["id"] for body in taken}) == len(taken)
    assert {event_id for _, event_id in first} <= {body["id"] for body in taken}
    assert Counter(body["event"] for body in taken) == {"contact.done": 5, "attempt.done": 6, "campaign.status": 2}
    told = {body["contact"]["phone"]: body["contact"] for body in taken if body["event"] == "contact.done"}
    for phone, row in rows.items():
        last = row.as_json()["attempts"][-1]
        assert (told[phone]["outcome"], told[phone]["last_attempt"]) == (row.outcome, last)
    assert told[number(100)]["last_attempt"]["talk"]["digits"] == "1"
    assert [body["status"] for body in taken if body["event"] == "campaign.status"] == ["running", "done"]
    is_genuine, names = documented_check()
    names["time"] = SimpleNamespace(time=lambda: at)
    assert all(is_genuine(headers, body, SECRET) for headers, body in receiver.requests)
