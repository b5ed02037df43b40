"""Calls of campaigns as a process meets them: who answered, what was said, and what that says of the attempt."""

import asyncio
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs
from support.campaigns import claim, contacts, phone, running_campaign
from support.dialling import virtual_clock
from support.faults import fault
from support.memory_store.store import memory_campaign_store
from support.virtual_time import virtually

from telebridge.answering.phrases import Answerer
from telebridge.call.record import AnsweredBy, CallRecord, SpokenUtterance
from telebridge.campaigns.dialing.call_reports import AttemptReports
from telebridge.campaigns.dialing.opt_out_files import OptOutFiles
from telebridge.campaigns.engine.campaign import CampaignPlan, OnMachine, OnScreening
from telebridge.campaigns.engine.outcomes import Reported, RetryRules
from telebridge.campaigns.engine.states import ContactState
from telebridge.flows.steps import CallBack
from telebridge.server.twilio.campaign_calls import CampaignCalls, answer_plan, reported_of, talk_of
from telebridge.timing.epoch import instant, system_clock
from telebridge.turns.barge_in import BargeIn, BargeInCause
from telebridge.twilio.calls import CallStatus, CallStatusReport

CUT = SpokenUtterance("Hello Ada.", 900, BargeIn(BargeInCause.HANG_UP, "Hello", 300, exact=True))
SPOKEN_OVER = SpokenUtterance("Hello Ada.", 900, BargeIn(BargeInCause.SPEECH, "Hello", 300, exact=True))
HEARD = SpokenUtterance("Goodbye.", 900, None)


def record(*utterances, **fields):
    made = CallRecord("CA1", "test", "+1555", "+1666", "outbound-api", datetime.now(UTC), list(utterances))
    for name, value in {"first_audio_ms": 20.0, **fields}.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("ended", "lasted_ms", "reported"),
    [
        (record(HEARD, HEARD), 5000, None),
        (record(HEARD), 5000, None),
        (record(CUT), 700, Reported.HUNG_UP),
        (record(CUT, digits=["1"]), 700, None),
        (record(SPOKEN_OVER), 900, None),
        (record(HEARD, CUT), 5000, None),
        (record(first_audio_ms=None), 900, Reported.HUNG_UP),
        (record(first_audio_ms=None), 3000, Reported.ABANDONED),
        (record(HEARD, first_audio_ms=2500.0), 9000, Reported.ABANDONED),
        (record(HEARD, answered_by=AnsweredBy(Answerer.SCREEN, "words", 1900, acted_on=True)), 9000, Reported.SCREENED),
        (record(HEARD, answered_by=AnsweredBy(Answerer.VOICEMAIL, "beep", 1900, acted_on=True)), 900, Reported.MACHINE),
        (record(HEARD, answered_by=AnsweredBy(Answerer.SCREEN, "words", 1900)), 9000, None),
        (record(answered_by=AnsweredBy(Answerer.SCREEN, "words", 9, acted_on=True), digits=["1"]), 900, None),
        (record(CUT, opted_out=True), 700, Reported.OPTED_OUT),
        (record(first_audio_ms=None, opted_out=True), 3000, Reported.OPTED_OUT),
    ],
)
def test_how_a_call_ended_is_told_by_what_was_heard(ended, lasted_ms, reported):
    assert reported_of(ended, lasted_ms) is reported


def test_the_talk_is_what_was_heard_and_not_what_was_meant():
    told = talk_of(record(CUT, HEARD, digits=["1", "2"], result={"answer": "yes"}, path=["a"], end_reason="x"))
    assert told == {
        "heard": ["Hello", "Goodbye."],
        "digits": "12",
        "result": {"answer": "yes"},
        "path": ["a"],
        "interruptions": 1,
        "first_audio_ms": 20.0,
        "end_reason": "x",
        "person": True,
    }


@pytest.mark.parametrize(
    ("changes", "plan"),
    [
        ({}, None),
        ({"machine_detection": "", "on_machine": OnMachine.HANG_UP}, None),
        ({"on_machine": OnMachine.LEAVE_MESSAGE, "message_node": "m"}, "go_to:m carry_on:"),
        ({"on_screening": OnScreening.ANSWER, "screening_node": "s"}, "carry_on: go_to:s"),
        ({"on_machine": OnMachine.HANG_UP, "on_screening": OnScreening.HANG_UP}, "hang_up: hang_up:"),
    ],
)
def test_what_follows_for_a_machine_is_what_the_campaign_wants(changes, plan):
    kinds = {"machine_detection": "Enable", "on_machine": OnMachine.CARRY_ON, **changes}
    wanted = answer_plan(CampaignPlan("c", "AC1", "test", (), **kinds))
    assert (None if wanted is None else wanted.as_text()) == plan


# Who answered, whichever process Twilio tells.


class Runner:
    def __init__(self):
        self.events = []

    def machine_answered(self, message_node, *, beeped=False):
        self.events.append("hang up" if message_node is None else message_node)


class Live:
    def __init__(self):
        self.runner = Runner()

    def find(self, call_sid):
        return self.runner if call_sid == "CA1" else None


class NoTwilio:
    async def hang_up(self, sid):
        raise AssertionError(sid)


def process(store):
    """The campaigns' side of one process."""
    calls = CampaignCalls(store, AttemptReports(store, NoTwilio()))
    calls.live = Live()
    return calls


async def detected(receiving, attempt_id, answered_by):
    """Twilio sends its verdict to a process."""
    await receiving.reports.machine_detected(attempt_id, "CA1", answered_by)
    receiving.verdict_arrived(attempt_id)


async def answered_call(on_machine):
    """Two processes over one store, and a call that the first of them answers."""
    store = memory_campaign_store(virtual_clock)
    await running_campaign(
        store, contacts(1), machine_detection="Enable", on_machine=on_machine, message_node="message"
    )
    [one] = await claim(store)
    first, second = process(store), process(store)
    answered = await first.answered(one.attempt_id, "CA1")
    assert answered.variables == {"name": "n0"}
    return first, second, one.attempt_id


@pytest.mark.parametrize(
    ("on_machine", "answered_by", "asked"),
    [
        (OnMachine.HANG_UP, "machine_start", ["hang up"]),
        (OnMachine.HANG_UP, "human", []),
        (OnMachine.CARRY_ON, "machine_start", []),
        (OnMachine.LEAVE_MESSAGE, "machine_end_beep", ["message"]),
        (OnMachine.LEAVE_MESSAGE, "fax", ["hang up"]),
        (OnMachine.LEAVE_MESSAGE, "unknown", []),
    ],
)
@virtually
async def test_a_machine_gets_what_the_campaign_wants(on_machine, answered_by, asked):
    first, _, attempt_id = await answered_call(on_machine)
    await detected(first, attempt_id, answered_by)
    await asyncio.sleep(0.1)
    assert first.live.runner.events == asked
    await first.aclose()


@fault(
    "The verdict that a machine has answered reaches another process than the one that speaks.",
    caller="The machine: the message of the campaign, some seconds later.",
    operator="The outcome `machine`.",
    kept="The verdict.",
)
@virtually
async def test_a_verdict_that_comes_to_another_process_is_found_within_some_seconds():
    first, second, attempt_id = await answered_call(OnMachine.LEAVE_MESSAGE)
    await asyncio.sleep(3)
    await detected(second, attempt_id, "machine_end_silence")
    assert first.live.runner.events == second.live.runner.events == []
    await asyncio.sleep(2.1)
    assert first.live.runner.events == ["message"]
    await first.aclose()


@virtually
async def test_nobody_looks_for_a_verdict_when_the_call_is_over():
    first, _, attempt_id = await answered_call(OnMachine.HANG_UP)
    await first.reports.status(attempt_id, CallStatusReport("CA1", CallStatus.COMPLETED))
    await asyncio.sleep(2.1)
    assert not first._tasks
    await first.aclose()


@fault(
    "The database is away when a call ends in which the person opted out.",
    caller="The confirmation of the opt-out.",
    operator="The opt-out and the talk, once the database is back.",
    kept="The opt-out, and what was said.",
)
@virtually
async def test_what_was_said_is_kept_once_the_database_is_back():
    store = AwayForAWhile(memory_campaign_store(virtual_clock), failures=3)
    await running_campaign(store, contacts(1))
    [one] = await claim(store)
    calls = process(store)
    await calls.answered(one.attempt_id, "CA1")
    store.away = True
    calls.opted_out(record(HEARD, opted_out=True, to_number=phone(0)))
    calls.over(record(HEARD, digits=["9"], opted_out=True, to_number=phone(0)))
    await asyncio.sleep(10)
    assert await store.do_not_call.has(phone(0))
    found = await store.attempts.find(one.attempt_id)
    assert (found.reported, found.talk["digits"]) == (Reported.OPTED_OUT, "9")


@virtually
async def test_who_calls_in_can_opt_out_too():
    store = memory_campaign_store(virtual_clock)
    calls = process(store)
    inbound = CallRecord("CA9", "test", phone(5), "+1666", "inbound", datetime.now(UTC))
    calls.opted_out(inbound)
    calls.over(inbound)
    await asyncio.sleep(0.1)
    assert await store.do_not_call.has(phone(5))
    assert not await store.do_not_call.has("+1666")


@virtually
async def test_who_named_a_better_time_is_called_then_on_their_own_clock():
    store = memory_campaign_store(virtual_clock)
    await running_campaign(store, contacts(2), retry=RetryRules(1, {}))
    one, two = await claim(store)
    calls = CampaignCalls(store, AttemptReports(store, NoTwilio()), wallclock=lambda: instant(virtual_clock()))
    asked_at = virtual_clock()
    for claimed, sid, wanted in (
        (one, "CA1", CallBack(7200.0)),
        (two, "CA2", CallBack(at=datetime.fromisoformat("2030-03-02T09:30"))),
    ):
        await calls.answered(claimed.attempt_id, sid)
        calls.call_back(record(HEARD, call_sid=sid), wanted)
        await asyncio.sleep(0.1)
        calls.over(record(HEARD, call_sid=sid))
        await calls.reports.status(claimed.attempt_id, CallStatusReport(sid, CallStatus.COMPLETED))
    await asyncio.sleep(0.1)
    found = [contact async for contact in store.reports.contacts(one.campaign.id)]
    assert [(contact.state, contact.outcome) for contact in found] == [(ContactState.READY, "call_back")] * 2
    assert found[0].due_at == asked_at + 7_200_000
    assert instant(found[1].due_at) == datetime(2030, 3, 2, 14, 30, tzinfo=UTC)


@fault(
    "A caller of no campaign asks to be called back.",
    caller="The confirmation of the flow.",
    operator="The log line 'a call-back is not kept: the call is no campaign's'.",
    kept="The call.",
)
@virtually
async def test_a_call_back_in_a_call_of_no_campaign_is_only_told():
    store = memory_campaign_store(virtual_clock)
    calls = process(store)
    with capture_logs() as logged:
        calls.call_back(record(HEARD), CallBack(60.0))
        await asyncio.sleep(0.1)
    assert [entry["event"] for entry in logged] == ["a call-back is not kept: the call is no campaign's"]


@virtually
async def test_the_first_words_are_made_ready_where_it_is_heard_that_a_telephone_rings():
    store = memory_campaign_store(virtual_clock)
    await running_campaign(store, contacts(1))
    [one] = await claim(store)
    calls, ready = process(store), []
    calls.on_ringing = lambda flow, known: ready.append((flow, known))
    calls.rings(one.attempt_id)
    calls.rings("nobody's")
    await asyncio.sleep(0.1)
    assert ready == [("hello", {"name": "n0", "from": "+15550002222", "to": phone(0)})]
    await calls.aclose()


class AwayForAWhile:
    """A store whose lookups by call fail so many times once it is `away`."""

    def __init__(self, store, failures):
        self._store, self.failures, self.away = store, failures, False

    def __getattr__(self, name):
        return self if name == "attempts" else getattr(self._store, name)

    async def find_by_call(self, call_sid):
        if self.away and self.failures:
            self.failures -= 1
            raise OSError("the database is away")
        return await self._store.attempts.find_by_call(call_sid)

    async def find(self, attempt_id):
        return await self._store.attempts.find(attempt_id)

    async def report(self, attempt_id, report):
        return await self._store.attempts.report(attempt_id, report)


@fault(
    "A person opts out while the database is away, and then the process dies.",
    caller="The confirmation.",
    operator="The number on the do-not-call list after the next start.",
    kept="The opt-out.",
)
async def test_an_opt_out_outlives_a_process_whose_database_was_away(tmp_path):
    store, files = memory_campaign_store(system_clock), OptOutFiles(tmp_path)
    dying = CampaignCalls(Gone(), AttemptReports(store, NoTwilio()), files)
    dying.opted_out(record(HEARD, opted_out=True, to_number=phone(0)))
    while not list(files.saved()):  # noqa: ASYNC110 - a thread writes it
        await asyncio.sleep(0.001)
    dying._writes.cancel()
    await dying.aclose()
    following = CampaignCalls(store, AttemptReports(store, NoTwilio()), files)
    await following.take_up()
    await following.aclose()
    assert await store.do_not_call.has(phone(0))
    assert list(files.saved()) == []


class Gone:
    """A store that is away for good."""

    def __getattr__(self, name):
        raise OSError("away")
