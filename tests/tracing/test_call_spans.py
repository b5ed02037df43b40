"""Traces of calls: one trace for each, with spans for its nodes and prompts, and no number or word in them."""

import asyncio
import json
import subprocess
import sys

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.api import record

from telebridge.call.record import SpokenUtterance
from telebridge.call.runner.feed import CallFeed
from telebridge.tracing.call_spans import TOLD, CallSpans
from telebridge.turns.barge_in import BargeIn, BargeInCause

SECRETS = ("4155550123", "your card number", "4111", "the words of the caller")


@pytest.fixture
def exported():
    return InMemorySpanExporter()


@pytest.fixture
async def feed(exported):
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exported))
    feed, calls = CallFeed(), {}
    feed.calls, feed.now = calls, 10_000_000_000
    feed.spans = CallSpans(feed, calls.get, provider.get_tracer("test"), wallclock_ns=lambda: feed.now)
    yield feed
    feed.spans.close()


def begin(feed):
    call = record(from_number="+14155550123")
    feed.calls[call.call_sid] = call
    feed.publish("call-started", call.call_sid, call.as_json())
    return call


async def test_a_call_is_one_trace_from_its_webhook_to_its_end(feed, exported):
    call, loop = begin(feed), asyncio.get_running_loop()
    feed.now += 1_000_000_000
    feed.publish("stream-started", call.call_sid, {})
    feed.publish("node", call.call_sid, {"node": "welcome"})
    feed.now += 4_000_000_000
    cut = BargeIn(BargeInCause.KEY, heard_text="your card", heard_ms=1400, exact=True, stop_ms=20)
    at = loop.time()
    call.utterances.append(SpokenUtterance("Say your card number.", 3200, cut, began_at=at - 3, ended_at=at - 1))
    feed.publish("utterance", call.call_sid, {"text": "Say your card number."})
    feed.publish("key", call.call_sid, {"key": "4111"})
    feed.publish("words", call.call_sid, {"text": "the words of the caller", "understood": True, "confidence": None})
    feed.publish("node", call.call_sid, {"node": "sales"})
    feed.publish("transfer", call.call_sid, {"to": "+14155550123"})
    feed.now += 60_000_000_000
    feed.publish("transfer-ended", call.call_sid, {"status": "completed"})
    call.end_reason, call.first_audio_ms = "transferred", 180.0
    feed.publish("call-ended", call.call_sid, call.as_json())
    spans = {span.name: span for span in exported.get_finished_spans()}
    assert set(spans) == {"prompt", "node welcome", "transfer", "node sales", "call"}
    root, prompt = spans["call"], spans["prompt"]
    assert {span.context.trace_id for span in spans.values()} == {root.context.trace_id}
    assert (root.parent, root.start_time, root.end_time) == (None, 10_000_000_000, 75_000_000_000)
    assert [event.name for event in root.events] == ["stream-started"]
    assert root.attributes["telebridge.end_reason"] == "transferred"
    assert root.attributes["telebridge.first_audio_ms"] == 180.0
    assert prompt.parent.span_id == spans["node welcome"].context.span_id
    assert prompt.end_time - prompt.start_time == pytest.approx(2e9, abs=1e8)
    assert [event.name for event in prompt.events] == ["barge-in"]
    assert prompt.events[0].attributes["cause"] == "key"
    assert [event.name for event in spans["node welcome"].events] == ["key", "words"]
    assert spans["transfer"].parent.span_id == root.context.span_id
    assert spans["transfer"].end_time - spans["transfer"].start_time == 60_000_000_000
    text = " ".join(span.to_json() for span in spans.values())
    assert [secret for secret in SECRETS if secret in text] == []


async def test_no_field_of_any_event_reaches_a_span_but_those_that_are_told(feed, exported):
    call = begin(feed)
    fields = ("text", "to", "key", "digits", "heard_text", "utterance", "error", "at", "reason")
    for kind in (*TOLD, "transfer", "gap", "of a later version"):
        feed.publish(kind, call.call_sid, dict.fromkeys(fields, "+14155550123"))
    feed.publish("call-ended", call.call_sid, call.as_json())
    assert "4155550123" not in json.dumps([span.to_json() for span in exported.get_finished_spans()])


async def test_a_trace_that_cannot_be_made_breaks_no_call(feed, exported):
    call = begin(feed)
    feed.publish("node", call.call_sid, {})  # has no name
    feed.publish("utterance", call.call_sid, {})  # is not in the record
    feed.publish("node", "CA of a call that began before", {"node": "main"})
    assert exported.get_finished_spans() == ()
    feed.spans.close()
    assert [span.name for span in exported.get_finished_spans()] == ["call"], "a live call's spans end with the process"
    assert len(feed) == 0


@pytest.mark.slow
def test_without_the_setting_nothing_of_opentelemetry_is_imported():
    program = "import sys, telebridge.app.bridge; print([name for name in sys.modules if 'opentelemetry' in name])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
