"""A collector that is away, slow or refuses costs calls nothing, memory is bounded, and the log tells it once."""

import asyncio
import logging
import socket
import threading

import pytest
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from structlog.testing import capture_logs
from support.api import record

from telebridge.call.runner.feed import CallFeed
from telebridge.tracing import exporting as module
from telebridge.tracing.exporting import MOST_WAITING, SdkMessages, ToldExporter, exporting, tracer_provider

BATCH = 512
"""How many spans the SDK sends at once."""


class Collector(SpanExporter):
    """What a collector makes of batches: it waits for `open`, and answers as it is told."""

    def __init__(self, *results):
        self.open, self.asked, self.got, self.results = threading.Event(), threading.Event(), [], [*results]

    def export(self, spans):
        self.asked.set()
        self.open.wait(10)
        self.got.extend(spans)
        return self.results.pop(0) if self.results else SpanExportResult.SUCCESS


class Calls:
    def __init__(self):
        self.feed = CallFeed()

    def record(self, _call_sid):
        return None


@pytest.fixture
def written():
    """What reaches the log of the process; pytest's own fixture gets what does not propagate, too."""
    handler, lines = logging.Handler(), []
    handler.emit = lines.append
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)


async def test_spans_wait_for_a_slow_collector_up_to_a_number_and_no_call_waits():
    collector = Collector()
    provider = tracer_provider(collector)
    tracer = provider.get_tracer("test")
    for at in range(3 * MOST_WAITING):
        tracer.start_span(str(at)).end()  # returns, though the collector has taken nothing yet
    assert await asyncio.to_thread(collector.asked.wait, 10)
    collector.open.set()
    await asyncio.to_thread(provider.shutdown)
    names = [int(span.name) for span in collector.got]
    assert MOST_WAITING <= len(names) <= MOST_WAITING + BATCH
    assert names[-1] == 3 * MOST_WAITING - 1  # the oldest are dropped


def test_a_collector_that_refuses_is_told_once_and_so_is_its_return():
    failed, success = SpanExportResult.FAILURE, SpanExportResult.SUCCESS
    collector, messages = Collector(failed, failed, failed, success, success, failed), SdkMessages()
    collector.open.set()
    messages.last = "401 Unauthorized"
    told = ToldExporter(collector, "http://127.0.0.1:4318/v1/traces", messages)
    with capture_logs() as lines:
        for _ in range(6):
            told.export(["a span"])
    assert [line["log_level"] for line in lines] == ["warning", "info", "warning"]
    assert lines[0]["error"] == "401 Unauthorized"
    assert "traces.endpoint" in lines[0]["event"]


@pytest.mark.parametrize("listens", [True, False], ids=["silent", "away"])
async def test_the_end_of_the_bridge_waits_a_moment_only_and_the_sdk_writes_no_line(listens, written, monkeypatch):
    monkeypatch.setattr(module, "CLOSE_SECONDS", 0.1)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0.5")
    before = {*threading.enumerate()}
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listens:
            silent.listen()  # takes connections, and says nothing
        await begin_and_end(f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces")
        for thread in {*threading.enumerate()} - before:  # it would try again in other tests
            await asyncio.to_thread(thread.join, 10)
    assert written == []


async def begin_and_end(endpoint):
    """Export the trace of a call for a moment."""
    calls = Calls()
    running = exporting(endpoint, calls, None)
    await anext(running)
    call = record()
    calls.feed.publish("call-started", call.call_sid, call.as_json())
    calls.feed.publish("call-ended", call.call_sid, call.as_json())
    began = asyncio.get_running_loop().time()
    assert await anext(running, None) is None
    assert asyncio.get_running_loop().time() - began < 2
