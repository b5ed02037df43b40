"""Calls of several processes over one database: each is led by one of them, whichever Twilio asks."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import OperationalError
from support.databases import make_migrated
from support.faults import fault
from support.sources import ToldSpeech
from support.virtual_time import virtually

from telebridge.answering.plan import read_plan
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.flows.python.registry import Bridge
from telebridge.call.runner.call_ownership import CHECK_SECONDS
from telebridge.call.runner.feed import CallFeed
from telebridge.call.runner.incoming_call import IncomingCall
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.call.runner.ports import CallPorts
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.answering.watched_call import WatchedCallSession
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.events import FlowEnded, StreamLost
from telebridge.call.session.session import SessionOptions
from telebridge.call.session.stream_phase import Phase
from telebridge.call.session.words.options import WordOptions
from telebridge.call.store.store import CallStore
from telebridge.database.database import database_of
from telebridge.database.engine import open_database
from telebridge.errors import NotLive
from telebridge.server.api.call_lookup import CallLookup
from telebridge.server.twilio.request_validation import FIELDS
from telebridge.server.twilio.status import StatusHandler
from telebridge.server.twilio.voice import VoiceHandler
from telebridge.twilio.media_stream import StreamStarted
from telebridge.twilio.signed_urls import StreamTokens

FLOW = "flow: test\nstart: hello\nnodes:\n  hello: {say: Hello., then: bye}\n  bye: {hang_up: Goodbye.}\n"
INCOMING = IncomingCall("CA1", "test", "+1555", "+1666", "inbound")


class Told(CallFeed):
    """Remembers what was published."""

    def __init__(self):
        super().__init__(first_id=0)
        self.kinds = []

    def publish(self, kind, call_sid, data):
        self.kinds.append(kind)
        super().publish(kind, call_sid, data)


@asynccontextmanager
async def processes(tmp_path, count=2):
    """So many processes, each with its calls and its store."""
    make_migrated(f"{tmp_path}/calls.db")
    engine = open_database(f"sqlite:///{tmp_path}/calls.db")
    (tmp_path / "test.yaml").write_text(FLOW)
    flows = FlowCatalogue(tmp_path)
    flows.load()
    stores = [CallStore(database_of(engine)) for _ in range(count)]
    for store in stores:
        store.start()
    outside = [CallPorts(ToldSpeech(), checkpoints=store.writer) for store in stores]
    try:
        yield (
            [
                LiveCalls(flows, world, SessionOptions(), feed=Told(), store=store)
                for world, store in zip(outside, stores, strict=True)
            ],
            stores,
        )
    finally:
        for store in stores:
            await store.aclose()
        await engine.dispose()


def streamed(runner):
    runner.deliver(StreamStarted("MZ1", "CA1", "AC1", {}))
    assert runner.session.phase is Phase.LIVE


@virtually
async def test_the_stream_finds_the_call_that_another_process_has_just_begun(tmp_path):
    async with processes(tmp_path) as ([first, second], stores):
        first.begin(INCOMING)
        await first.flush("CA1")
        streamed(await second.ownership.resume_with_stream(INCOMING))
        assert not await stores[0].is_owned("CA1")
        await asyncio.sleep(CHECK_SECONDS * 2)
        assert (len(first), len(second)) == (0, 1)
        assert first.record("CA1") is None
        assert "call-ended" not in first.feed.kinds
        assert not (await stores[0].find("CA1")).ended
        assert await first.drain(seconds=1.0) == 0


class NoAnswer:
    """A database that is never asked: who asks waits for ever."""

    async def read(self, _work):
        await asyncio.Event().wait()

    write = read


@fault(
    "The database is slow or away while a call begins.",
    caller="The first words at once.",
    operator="The record, once the database is there.",
    kept="The call: it begins, and takes its stream, without a look at the database.",
)
@virtually
async def test_the_beginning_of_a_call_that_rings_waits_for_no_database(tmp_path):
    async with processes(tmp_path, 1) as ([calls], [store]):
        there, store._database = store._database, NoAnswer()
        store.writer._database = NoAnswer()
        loop = asyncio.get_running_loop()
        began = loop.time()
        begun = await calls.ownership.begin(INCOMING, ringing=True)
        assert await calls.ownership.begin(INCOMING, ringing=True) is begun, "Twilio may ask twice"
        assert await calls.ownership.resume_with_stream(INCOMING, own=True) is begun
        assert loop.time() == began
        store._database = store.writer._database = there
        calls.abandon_all()


@virtually
async def test_of_two_processes_that_were_asked_while_it_rang_the_last_one_leads_the_call(tmp_path):
    async with processes(tmp_path) as ([first, second], stores):
        await first.ownership.begin(INCOMING, ringing=True)
        await first.flush("CA1")
        begun = await second.ownership.begin(INCOMING, ringing=True)
        await second.flush("CA1")
        streamed(await second.ownership.resume_with_stream(INCOMING, own=True))
        await asyncio.sleep(CHECK_SECONDS * 2)
        assert (first.find("CA1"), second.find("CA1")) == (None, begun)
        assert await stores[1].is_owned("CA1")


@virtually
async def test_a_process_that_is_asked_for_a_call_it_lost_takes_it_back_from_the_database(tmp_path):
    async with processes(tmp_path) as ([first, second], stores):
        begun = first.begin(INCOMING)
        await first.flush("CA1")
        led = await second.ownership.resume_with_stream(INCOMING)
        streamed(led)
        led.deliver(StreamLost())
        back = await first.ownership.resume("CA1")
        assert back is not None
        assert back is not begun
        assert await stores[0].is_owned("CA1")
        await second.ownership.check(["CA1"])
        assert second.find("CA1") is None


@virtually
async def test_an_abandoned_runner_does_nothing_more(tmp_path):
    async with processes(tmp_path) as ([first, second], _):
        runner = first.begin(INCOMING)
        await first.flush("CA1")
        await second.ownership.resume_with_stream(INCOMING)
        await first.ownership.check(["CA1"])
        assert first.find("CA1") is None
        told = list(first.feed.kinds)
        streamed(runner)
        runner.deliver(StreamLost())
        await asyncio.sleep(3600)
        assert first.feed.kinds == told
        assert first.record("CA1") is None


@fault(
    "The voice webhook reaches two processes before either has written the call.",
    caller="One voice.",
    operator="The call in one process, after some seconds.",
    kept="The call, and its record.",
)
@virtually
async def test_a_call_begun_in_two_processes_is_led_where_its_stream_came(tmp_path):
    async with processes(tmp_path) as ([first, second], stores):
        first.begin(INCOMING)
        streamed(await second.ownership.resume_with_stream(INCOMING))  # before the first has written anything
        await asyncio.sleep(CHECK_SECONDS * 2)
        assert await stores[1].is_owned("CA1")
        assert (len(first), len(second)) == (0, 1)


@pytest.mark.parametrize("apology", [False, True])
@virtually
async def test_a_call_whose_flow_is_over_is_taken_by_nobody(tmp_path, apology):
    async with processes(tmp_path) as ([first, second], stores):
        runner = first.begin(INCOMING)
        streamed(runner)
        stores[0].writer.save("CA1", Checkpoint(over=True, apology=apology).encode())
        await stores[0].writer.flush("CA1")
        assert await second.ownership.resume("CA1") is None
        assert second.take_error_message("CA1") is apology
        with pytest.raises(NotLive):
            await second.ownership.resume_with_stream(INCOMING)
        assert await stores[0].is_owned("CA1") is False  # it has an end, should its process have died
        assert (await stores[1].find("CA1")).record["end_reason"] == "hung up by the flow"


@fault(
    "A flow fails, and Twilio asks another process what follows.",
    caller="The apology.",
    operator="The record with 'flow failed'.",
    kept="The apology.",
)
@virtually
async def test_an_apology_is_owed_by_whichever_process_is_asked_after_the_end(tmp_path):
    async with processes(tmp_path) as ([first, second], _):
        runner = first.begin(INCOMING)
        runner.deliver(FlowEnded("flow failed"))
        await first.flush("CA1")
        assert await second.ownership.resume("CA1") is None
        assert second.take_error_message("CA1")


@virtually
async def test_beside_a_database_only_the_calls_that_ended_just_now_are_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("telebridge.call.runner.live_calls.LATELY_ENDED_CALLS", 2)
    async with processes(tmp_path, 1) as ([calls], [store]):
        sids = ["CA1", "CA2", "CA3", "CA4"]
        for sid in sids:
            calls.begin(replace(INCOMING, call_sid=sid)).deliver(FlowEnded("done"))
        assert [record.call_sid for record in calls.ended_records()] == ["CA3", "CA4"]
        await calls.flush("CA4")
        lookup = CallLookup(calls, store)
        assert {call["call_sid"] for call in await lookup.page("ended", 9, None)} == set(sids)
        assert await calls.ownership.resume("CA1") is None


@fault(
    "The database is away when Twilio asks a process about a call that it does not lead.",
    caller="The call goes on where its own process is asked.",
    operator="The log line 'the database is unreachable'.",
    kept="The call: it is not hung up for want of a row.",
)
@virtually
async def test_what_nobody_can_look_up_is_not_taken_for_unknown(tmp_path, monkeypatch):
    async def away(*_):
        raise OperationalError("", {}, Exception("away"))

    async with processes(tmp_path) as ([first, second], stores):
        begun = first.begin(INCOMING)
        for store in stores:
            for question in ("_rows", "_take_over"):
                monkeypatch.setattr(store, question, away)
        with pytest.raises(OperationalError):
            await second.ownership.resume("CA1")
        assert await first.ownership.resume("CA1") is begun, "what is local counts"
        assert (await second.ownership.resume_with_stream(INCOMING)).session.phase is Phase.WAITING


class Report(dict):
    """Twilio's word on a call."""

    query = {}  # noqa: RUF012 - no attempt of a campaign

    def __init__(self):
        super().__init__()
        self[FIELDS] = {"CallSid": "CA1", "CallStatus": "completed", "SequenceNumber": "0", "From": "+1", "To": "+2"}
        self[FIELDS] |= {"AccountSid": "AC1", "Direction": "inbound", "Timestamp": "Sat, 21 Nov 2026 17:00:00 +0000"}


@fault(
    "The process that leads a call dies, and the caller hangs up.",
    caller="Nothing.",
    operator="The record with 'call completed', by whichever process gets the status.",
    kept="The row: no call is live for ever.",
)
@virtually
async def test_the_last_status_ends_a_call_whose_process_died(tmp_path):
    async with processes(tmp_path) as ([first, second], stores):
        first.begin(INCOMING)
        await first.flush("CA1")
        first.find("CA1").abandon()
        first._live.clear()
        handler = StatusHandler(second, SimpleNamespace())
        assert (await handler.call_status(Report())).status == 204
        kept = await stores[1].find("CA1")
        assert kept.ended
        assert kept.record["end_reason"] == "call completed"


@fault(
    "The final status reaches another process than the one that leads the call.",
    caller="Nothing.",
    operator="The record of the process that leads it, within some seconds.",
    kept="The record and its outcome.",
)
@virtually
async def test_the_last_status_reaches_the_process_that_leads_the_call_by_the_database(tmp_path):
    async with processes(tmp_path) as ([first, second], _):
        first.begin(INCOMING)
        await first.flush("CA1")
        await StatusHandler(second, SimpleNamespace()).call_status(Report())
        await asyncio.sleep(CHECK_SECONDS * 2)
        assert len(first) == 0
        assert first.record("CA1").end_reason == "call completed"


@virtually
async def test_the_end_of_a_transfer_is_known_to_all_processes_before_twilio_is_answered(tmp_path):
    validator = SimpleNamespace(public_url=lambda _, path: path, stream_url=lambda _, path: path)
    async with processes(tmp_path) as ([first, second], stores):
        runner = first.begin(INCOMING)
        streamed(runner)
        runner.transfer("+15551230100", timeout_seconds=10, caller_id=None, whisper=None)
        await first.flush("CA1")
        assert (await stores[0].find("CA1")).resume_point().transfer is not None
        handler = VoiceHandler(second, validator, StreamTokens("secret"), None, None, default_flow="test", numbers={})
        report = Report()
        report[FIELDS] |= {"CallStatus": "in-progress", "DialCallStatus": "busy"}
        assert "<Stream" in (await handler.dial_status(report)).text
        assert (await stores[0].find("CA1")).resume_point().transfer is None


async def test_a_python_flow_is_given_what_it_needs_under_its_own_names(tmp_path, monkeypatch):
    bridge, given = Bridge(), []

    @bridge.flow("reminder", needs=["first_name"])
    async def reminder(call):
        await call.say("Hello.")

    monkeypatch.setattr(
        CallRunner, "start_python_flow", lambda _runner, _flow, variables, _from: given.append(variables)
    )
    calls = LiveCalls(FlowCatalogue(tmp_path, bridge), CallPorts(ToldSpeech()), SessionOptions())
    calls.begin(IncomingCall("CA1", "reminder", "+1555", "+1666", "outbound-api", {"First name": "Ann"}))
    assert given[0]["first_name"] == "Ann"
    assert calls.flows.needs_of("reminder") == ("first_name",)
    assert calls.flows.needs_of("other") == ()


@pytest.mark.parametrize(
    ("plan", "hears", "enabled", "watched"),
    [
        (None, True, True, False),
        ("go_to:bye carry_on:", False, True, True),  # for the beep
        ("hang_up: go_to:bye", False, True, False),
        ("hang_up: go_to:bye", True, True, True),
        ("go_to:bye go_to:bye", True, False, False),
    ],
)
@virtually
async def test_a_call_is_watched_only_where_something_may_follow(tmp_path, plan, hears, enabled, watched):
    (tmp_path / "test.yaml").write_text(FLOW)
    flows = FlowCatalogue(tmp_path)
    flows.load()
    options = SessionOptions(words=WordOptions(available=lambda: hears), watches_answers=enabled)
    calls = LiveCalls(flows, CallPorts(ToldSpeech()), options)
    incoming = replace(INCOMING, answering=None if plan is None else read_plan(plan))
    assert IncomingCall.from_claims("CA1", incoming.claims()) == incoming
    runner = calls.begin(incoming)
    assert isinstance(runner.session, WatchedCallSession) is watched
    calls.abandon_all()
