"""Callbacks beside the media stream: each is handed on once, and Twilio repeats those that a campaign must not lose."""

from types import SimpleNamespace

import pytest
from aiohttp import web
from sqlalchemy.exc import OperationalError
from support.faults import fault

from telebridge.call.session.events import StreamLost
from telebridge.server.twilio.request_validation import FIELDS
from telebridge.server.twilio.status import ATTEMPT, StatusHandler
from telebridge.twilio.calls import CallStatus

REPORT = {
    "CallSid": "CA1",
    "SequenceNumber": "0",
    "From": "+1",
    "To": "+2",
    "AccountSid": "AC1",
    "Direction": "outbound-api",
    "Timestamp": "Sat, 21 Nov 2026 17:00:00 +0000",
}


class Request(dict):
    """A request whose signature was checked."""

    def __init__(self, query=None, **fields):
        super().__init__()
        self[FIELDS] = fields
        self.query = query or {}


class Calls:
    """Remembers what calls were told; `runner` is the only live one."""

    def __init__(self):
        self.done = []
        self.ownership = self
        self.runner = SimpleNamespace(deliver=lambda event: self.done.append(event))

    async def end(self, call_sid, status):
        self.done.append((call_sid, status))

    def find(self, call_sid):
        return self.runner if call_sid == "CA1" else None


class Campaigns:
    """Remembers what was reported; `failure` is raised instead."""

    def __init__(self, failure=None):
        self.done, self.failure = [], failure
        self.reports = self

    async def status(self, attempt, report):
        self._done(attempt, report.status)

    async def machine_detected(self, attempt, call_sid, answered_by):
        self._done(attempt, call_sid, answered_by)

    def verdict_arrived(self, attempt):
        self._done(attempt, "verdict arrived")

    def rings(self, attempt):
        self._done(attempt, "rings")

    def _done(self, *what):
        if self.failure is not None:
            raise self.failure
        self.done.append(what)


async def report(status, query=None, campaigns=None):
    """The status and what was done after a call status callback."""
    calls, campaigns = Calls(), campaigns or Campaigns()
    answer = await StatusHandler(calls, campaigns).call_status(Request(query, **REPORT, CallStatus=status))
    return answer.status, calls.done, campaigns.done


@fault(
    "Status callbacks of a call come late, twice or out of order.",
    caller="The call, until its end.",
    operator="The answer 204 to each.",
    kept="The call: only a final status ends it.",
)
@pytest.mark.parametrize("status", [status.value for status in CallStatus])
async def test_only_a_final_status_ends_the_call(status):
    ends = [("CA1", status)] if CallStatus(status).is_final else []
    assert await report(status) == (204, ends, [])


async def test_a_campaign_is_told_every_status_and_that_it_rings():
    assert await report("ringing", {ATTEMPT: "a1"}) == (204, [], [("a1", CallStatus.RINGING), ("a1", "rings")])
    assert await report("busy", {ATTEMPT: "a1"}) == (204, [("CA1", "busy")], [("a1", CallStatus.BUSY)])


@fault(
    "The database is away when a status callback of a campaign's call comes.",
    caller="Nothing.",
    operator="The answer 503, so that Twilio sends it again.",
    kept="The status of the attempt.",
)
@pytest.mark.parametrize("failure", [OperationalError("", {}, Exception("unreachable")), ConnectionRefusedError()])
async def test_twilio_sends_again_what_a_campaign_could_not_keep(failure):
    with pytest.raises(web.HTTPServiceUnavailable):
        await report("busy", {ATTEMPT: "a1"}, Campaigns(failure))


@fault(
    "A status callback names a status that Twilio does not have.",
    caller="Nothing.",
    operator="The answer 400.",
    kept="The call goes on.",
)
async def test_what_is_no_status_callback_is_refused():
    with pytest.raises(web.HTTPBadRequest):
        await StatusHandler(Calls(), Campaigns()).call_status(Request(CallSid="CA1", CallStatus="asleep"))


async def test_who_answered_goes_to_the_campaign():
    campaigns = Campaigns()
    handler = StatusHandler(Calls(), campaigns)
    answer = await handler.machine_detected(Request({ATTEMPT: "a1"}, CallSid="CA1", AnsweredBy="human"))
    assert (answer.status, campaigns.done) == (204, [("a1", "CA1", "human"), ("a1", "verdict arrived")])


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({}, {"CallSid": "CA1", "AnsweredBy": "human"}),
        ({ATTEMPT: "a1"}, {"AnsweredBy": "human"}),
        ({ATTEMPT: "a1"}, {"CallSid": "CA1"}),
    ],
)
async def test_who_answered_needs_an_attempt_a_call_and_an_answer(query, fields):
    with pytest.raises(web.HTTPBadRequest):
        await StatusHandler(Calls(), Campaigns()).machine_detected(Request(query, **fields))


@pytest.mark.parametrize(
    ("fields", "events"),
    [
        ({"StreamEvent": "stream-error", "CallSid": "CA1"}, [StreamLost()]),
        ({"StreamEvent": "stream-started", "CallSid": "CA1"}, []),
        ({"StreamEvent": "stream-error", "CallSid": "CA2"}, []),
        ({}, []),
    ],
)
async def test_only_an_error_of_a_stream_loses_it(fields, events):
    calls = Calls()
    assert (await StatusHandler(calls, Campaigns()).stream_status(Request(**fields))).status == 204
    assert calls.done == events
