"""Text messages go to numbers that may get them, once, and what Twilio answers leads on."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from support.flow_walk import flow_of

from telebridge.call.flows.requests import ActionRunner
from telebridge.call.flows.sms import SmsSender
from telebridge.call.record import CallRecord
from telebridge.call.session.resuming import may_have_happened
from telebridge.errors import ConfigurationError
from telebridge.flows.steps import Done, SendSms
from telebridge.twilio.sms import TwilioMessages

INBOUND = CallRecord("CA1", "desk", "+15551230001", "+15551230000", "inbound", datetime(2026, 3, 2, tzinfo=UTC))
OUTBOUND = replace(INBOUND, direction="outbound-api", from_number="+15551230000", to_number="+15551230001")
FLOW = flow_of(
    text={"sms": "x", "to": "+15551230777", "then": "bye"}, bye={"hang_up": None}, variables={"boss": "+15551230888"}
)


class Account:
    """Twilio's Messages, which answer as told."""

    def __init__(self, status=201, **answer):
        self.asked = []
        self._status, self._answer = status, answer or {"sid": "SM1", "status": "queued"}
        app = web.Application()
        app.router.add_post("/2010-04-01/Accounts/AC1/Messages.json", self._take)
        self._server = TestServer(app)

    async def _take(self, request):
        self.asked.append(dict(await request.post()))
        return web.json_response(self._answer, status=self._status)

    async def __aenter__(self):
        await self._server.start_server()
        return self

    async def __aexit__(self, *_):
        await self._server.close()

    def client(self):
        return TwilioMessages("AC1", "token", base_url=str(self._server.make_url("")).rstrip("/"), timeout_seconds=5)


async def sent(account, sms, record=INBOUND, prefixes=None):
    actions = ActionRunner(sms=SmsSender(account.client, prefixes, lambda: [FLOW]))
    try:
        return await actions.run(replace(sms, timeout_seconds=60), record)  # the first one imports the client
    finally:
        await actions.aclose()


@pytest.mark.parametrize("record", [INBOUND, OUTBOUND], ids=["inbound", "outbound"])
async def test_a_message_goes_to_the_person_at_the_other_end(record):
    async with Account() as account:
        assert await sent(account, SendSms("Hello"), record) == Done({"sid": "SM1", "status": "queued"})
    assert account.asked == [{"To": "+15551230001", "From": "+15551230000", "Body": "Hello"}]


@pytest.mark.parametrize(
    ("to", "prefixes", "allowed"),
    [
        ("+15551230777", None, True),  # written at a node
        ("+15551230888", None, True),  # the value of a variable
        ("+19005550000", None, False),
        ("+15551230777", ("+44",), False),
        ("+447700900000", ("+44",), True),
        ("+15551230001", (), True),  # the caller
    ],
)
async def test_other_numbers_must_be_written_in_a_flow_or_allowed(to, prefixes, allowed):
    async with Account() as account:
        done = await sent(account, SendSms("Hello", to), prefixes=prefixes)
    assert (done.problem is None) is allowed
    assert [each["To"] for each in account.asked] == ([to] if allowed else [])
    assert allowed or "name its prefix under sms.allowed" in done.problem


async def test_a_number_that_twilio_refuses_is_told_with_its_reason():
    async with Account(400, code=21610, message="Attempt to send to unsubscribed recipient") as account:
        done = await sent(account, SendSms("Hello"))
    assert done.problem.startswith("+15551230001: Twilio answered 400, error 21610: ")
    assert done.problem.endswith("Attempt to send to unsubscribed recipient")
    assert len(account.asked) == 1


async def test_a_messaging_service_sends_in_the_place_of_a_number():
    async with Account() as account:
        await sent(account, SendSms("Hello", sender="MG" + "1" * 32))
    assert account.asked == [{"To": "+15551230001", "MessagingServiceSid": "MG" + "1" * 32, "Body": "Hello"}]


async def test_without_an_account_the_setting_is_named():
    def no_account():
        raise ConfigurationError("twilio.account_sid", "is not set")

    done = await ActionRunner(sms=SmsSender(no_account)).run(SendSms("Hello"), INBOUND)
    assert "twilio.account_sid: is not set" in done.problem


def test_a_message_that_may_have_been_sent_is_not_sent_again():
    assert may_have_happened(SendSms("Hello"))
