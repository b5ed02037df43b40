"""Sends the traces of calls to a collector by OTLP over HTTP.

Source: OpenTelemetry Protocol Specification, "OTLP/HTTP".

One rule: nothing is sent on the event loop. A thread of the SDK sends what has ended; spans that wait for a collector
that is away are dropped once there are 2048 of them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from aiohttp import web
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from telebridge.call.runner.live_calls import LiveCalls
from telebridge.tasks import in_daemon_thread
from telebridge.tracing.call_spans import CallSpans

CLOSE_SECONDS = 1.0


async def exporting(endpoint: str, calls: LiveCalls, _app: web.Application) -> AsyncIterator[None]:
    """Export the traces of calls while the application runs, and what has ended by its end.

    Args:
        endpoint: The address of the collector for traces.
        calls: The calls.
    """
    resource = Resource.create({SERVICE_NAME: "telebridge"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    spans = CallSpans(calls.feed, calls.record, provider.get_tracer("telebridge"))
    yield
    spans.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await in_daemon_thread("last traces", provider.shutdown)
