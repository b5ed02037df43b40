"""A stream is closed once other processes can know where its call stands; then nothing is left of the call."""

import asyncio
import gc
import weakref
from datetime import UTC, datetime

from support.sources import ToldSpeech
from support.virtual_time import virtually

from telebridge.call.record import CallRecord
from telebridge.call.runner.ports import CallPorts
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.checkpoint import Checkpoints, NoCheckpoints
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.call.session.stream_phase import Phase
from telebridge.twilio.media_stream import StreamStarted


class Wire:
    """Notes what is done to the socket and to the store, in order."""

    def __init__(self):
        self.done = []

    def send(self, message):
        pass

    def drop_queued(self):
        pass

    def close(self):
        self.done.append("closed")


class SlowCheckpoints(Checkpoints):
    def __init__(self, wire):
        self.wire = wire

    def save(self, call_sid, checkpoint):
        self.wire.done.append("kept")

    async def flush(self, call_sid):
        await asyncio.sleep(0.2)
        self.wire.done.append(f"flushed {call_sid}")


def hung_up(wire, checkpoints, on_end=lambda _: None):
    record = CallRecord("CA1", "test", "+1555", "+1666", "inbound", datetime(2026, 3, 2, tzinfo=UTC))
    outside = CallPorts(ToldSpeech(), checkpoints=checkpoints)
    runner = CallRunner(CallSession(None, record, SessionOptions()), outside, on_end=on_end)
    runner.start()
    runner.attach(wire)
    runner.deliver(StreamStarted("MZ1", "CA1", "AC1", {}))
    runner.hang_up(None)
    return runner


@virtually
async def test_the_place_is_durable_before_the_stream_is_closed():
    wire = Wire()
    hung_up(wire, SlowCheckpoints(wire))
    assert wire.done == ["kept"]
    await asyncio.sleep(1)
    assert wire.done == ["kept", "flushed CA1", "closed"]


@virtually
async def test_without_a_store_nothing_is_waited_for():
    wire = Wire()
    hung_up(wire, NoCheckpoints())
    assert wire.done == ["closed"]


@virtually
async def test_a_call_that_is_over_is_forgotten_without_a_search_for_garbage():
    def on_end(_):
        pass

    wire = Wire()
    gc.disable()
    try:
        runner = hung_up(wire, NoCheckpoints(), on_end)
        runner.detach(wire)
        assert runner.session.phase is Phase.OVER
        forgotten = weakref.ref(on_end)  # the runner holds it, and cannot be asked itself
        del runner, on_end
        assert forgotten() is None
    finally:
        gc.enable()
