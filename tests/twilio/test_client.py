import asyncio
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from telebridge.errors import TwilioAPIError
from telebridge.twilio.calls import CallRequest, CallStatus
from telebridge.twilio.client import CallResource, TwilioCalls

REQUEST = CallRequest(
    "+15550001111", "+15550002222", "https://example.com/voice", status_callback="https://example.com/s"
)
CALLS = "/2010-04-01/Accounts/AC1/Calls"
ANSWER = {"sid": "CA1", "status": "queued", "to": "+15550001111", "from": "+15550002222", "duration": None}
PLACED = CallResource("CA1", CallStatus.QUEUED, "+15550001111", "+15550002222", None)


class Account:
    """Answers as told, and keeps what was asked."""

    def __init__(self, status=201, answer=ANSWER, wait=False):
        self.status, self.answer, self.wait, self.asked = status, answer, wait, []
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.take)
        self.server = TestServer(app)

    async def take(self, request):
        self.asked.append((request.method, request.path, dict(request.query), list((await request.post()).items())))
        if self.wait:
            await asyncio.Event().wait()
        return web.json_response(self.answer, status=self.status)

    async def __aenter__(self):
        await self.server.start_server()
        return self, TwilioCalls(
            "AC1", "token", base_url=str(self.server.make_url("")).rstrip("/"), timeout_seconds=0.2
        )

    async def __aexit__(self, *_):
        await self.server.close()


async def test_a_call_is_asked_for_with_a_form():
    async with Account() as (account, calls), calls:
        assert await calls.create(REQUEST) == PLACED
    [(method, path, _, form)] = account.asked
    assert (method, path) == ("POST", f"{CALLS}.json")
    assert ("To", "+15550001111") in form
    assert ("From", "+15550002222") in form
    assert [value for name, value in form if name == "StatusCallbackEvent"] == [
        "initiated",
        "ringing",
        "answered",
        "completed",
    ]


async def test_calls_are_read_and_listed():
    async with Account(200) as (account, calls), calls:
        assert await calls.fetch("CA1") == PLACED
        account.answer = {"calls": [ANSWER], "next_page_uri": None, "page_size": 50}
        assert await calls.recent(to="+15550001111") == [PLACED]
    assert account.asked[1][2]["To"] == "+15550001111"


async def test_a_refusal_has_twilios_code_and_is_not_repeated():
    refusal = {"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400, "more_info": ""}
    async with Account(400, refusal) as (account, calls), calls:
        with pytest.raises(TwilioAPIError, match=r"21211: .*Invalid 'To'") as caught:
            await calls.create(REQUEST)
    assert (caught.value.status, caught.value.code, caught.value.retryable) == (400, 21211, False)
    assert len(account.asked) == 1


async def test_no_answer_in_time_is_an_error_and_not_repeated():
    async with Account(wait=True) as (account, calls), calls:
        with pytest.raises(TwilioAPIError, match=r"no answer within 0\.2 s") as caught:
            await calls.create(REQUEST)
    assert not caught.value.retryable
    assert len(account.asked) == 1


async def test_an_answer_that_cannot_be_read_and_a_host_that_is_not_there_are_errors():
    async with Account(200, answer={"sid": "CA1", "status": "strange"}) as (account, calls), calls:
        with pytest.raises(TwilioAPIError, match="cannot be read"):
            await calls.fetch("CA1")
        await account.server.close()
        with pytest.raises(TwilioAPIError, match="cannot be reached"):
            await calls.fetch("CA1")


async def test_a_list_that_is_refused_has_twilios_code_too():
    async with Account(401, {"code": 20003, "message": "Authenticate", "status": 401}) as (_, calls), calls:
        with pytest.raises(TwilioAPIError, match="Twilio answered 401, error 20003: Authenticate"):
            await calls.recent()


@pytest.mark.parametrize("code", [20404, 21220])
async def test_hanging_up_a_call_that_is_over_is_no_error(code):
    async with Account(404, {"code": code, "message": "gone", "status": 404}) as (account, calls), calls:
        await calls.hang_up("CA1")
    assert account.asked[0][3] == [("Status", "completed")]


async def test_hanging_up_may_fail_for_other_reasons():
    async with Account(401, {"code": 20003, "message": "Authenticate", "status": 401}) as (_, calls), calls:
        with pytest.raises(TwilioAPIError, match="20003"):
            await calls.hang_up("CA1")


async def test_a_call_tells_when_it_was_created_who_answered_and_how_long_it_waited():
    told = {**ANSWER, "date_created": "Tue, 31 Aug 2010 20:36:28 +0000", "queue_time": "1500", "answered_by": "human"}
    async with Account(200, told) as (_, calls), calls:
        call = await calls.fetch("CA1")
    assert (call.queue_ms, call.answered_by) == (1500, "human")
    assert call.created_at == datetime(2010, 8, 31, 20, 36, 28, tzinfo=UTC)


async def test_calls_are_listed_by_both_numbers():
    async with Account(200, {"calls": [ANSWER], "next_page_uri": None, "page_size": 20}) as (account, calls), calls:
        await calls.recent(to="+15550001111", from_="+15550002222", limit=20)
    query = account.asked[0][2]
    assert (query["To"], query["From"], query["PageSize"]) == ("+15550001111", "+15550002222", "20")


async def test_cancelling_leaves_a_call_that_is_over_as_it_is():
    over = {"code": 21220, "message": "Call is not in-progress", "status": 400}
    async with Account(400, over) as (account, calls), calls:
        await calls.cancel("CA1")
    assert ("Status", "canceled") in account.asked[0][3]


@pytest.mark.parametrize(
    ("status", "surely_not_done"), [(400, True), (401, True), (429, True), (408, False), (500, False), (503, False)]
)
async def test_an_error_says_whether_a_call_may_have_been_placed(status, surely_not_done):
    async with Account(status, {"code": 1, "message": "no", "status": status}) as (_, calls), calls:
        with pytest.raises(TwilioAPIError) as caught:
            await calls.create(REQUEST)
    assert caught.value.surely_not_done is surely_not_done


async def test_without_a_connection_nothing_was_asked_and_without_an_answer_nobody_knows():
    async with Account(wait=True) as (account, calls), calls:
        with pytest.raises(TwilioAPIError) as silent:
            await calls.create(REQUEST)
        await account.server.close()
        with pytest.raises(TwilioAPIError) as unreached:
            await calls.create(REQUEST)
    assert not silent.value.surely_not_done
    assert unreached.value.surely_not_done


class Pages(Account):
    """Answers with one page after the other."""

    async def take(self, request):
        self.answer = self.pages[len(self.asked)]
        return await super().take(request)


def created(sid, second):
    return {**ANSWER, "sid": sid, "date_created": f"Mon, 02 Mar 2026 10:00:{second:02} +0000"}


async def test_calls_of_a_number_are_listed_page_by_page_until_one_is_too_old():
    following = "/2010-04-01/Accounts/AC1/Calls.json?Page=1&PageToken=PA1"
    async with Pages(200) as (account, calls), calls:
        account.pages = [
            {"calls": [created("CA4", 40), created("CA3", 30)], "next_page_uri": following, "page_size": 2},
            {"calls": [created("CA2", 20), created("CA1", 10)], "next_page_uri": following, "page_size": 2},
        ]
        since = datetime(2026, 3, 2, 10, 0, 20, tzinfo=UTC)
        found = await calls.created_since(since, from_="+15550002222")
    assert [call.sid for call in found] == ["CA4", "CA3", "CA2"]
    assert account.asked[0][2] == {"From": "+15550002222", "PageSize": "1000"}
    assert account.asked[1][2]["PageToken"] == "PA1"


async def test_the_last_page_of_calls_is_the_end():
    async with Pages(200) as (account, calls), calls:
        account.pages = [{"calls": [created("CA1", 40)], "next_page_uri": None, "page_size": 1000}]
        since = datetime(2026, 1, 1, tzinfo=UTC)
        assert [call.sid for call in await calls.created_since(since, from_="+15550002222")] == ["CA1"]
    async with Account(401, {"code": 20003, "message": "Authenticate", "status": 401}) as (_, calls), calls:
        with pytest.raises(TwilioAPIError, match="20003"):
            await calls.created_since(since, from_="+15550002222")
