"""Sends the traces of calls to a collector by OTLP over HTTP.

Source: OpenTelemetry Protocol Specification, "OTLP/HTTP".

One rule: nothing is sent on the event loop. A thread of the SDK sends what has ended; spans that wait for a collector
that is away are dropped once there are 2048 of them, and the log says once that it is away and once that it is back.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from aiohttp import web
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from typing_extensions import override

from telebridge.call.runner.live_calls import LiveCalls
from telebridge.logs import logger
from telebridge.tasks import in_daemon_thread
from telebridge.tracing.call_spans import CallSpans

log = logger(__name__)

CLOSE_SECONDS = 1.0
MOST_WAITING = 2048
"""So many spans wait to be sent; of more the oldest are dropped."""
SDK = "opentelemetry"
"""The loggers of the SDK are below this one."""


async def exporting(endpoint: str, calls: LiveCalls, _app: web.Application) -> AsyncIterator[None]:
    """Export the traces of calls while the application runs, and what has ended by its end.

    Args:
        endpoint: The address of the collector for traces.
        calls: The calls.
    """
    provider = tracer_provider(ToldExporter(OTLPSpanExporter(endpoint=endpoint), endpoint, sdk_messages()))
    spans = CallSpans(calls.feed, calls.record, provider.get_tracer("telebridge"))
    yield
    spans.close()
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await in_daemon_thread("last traces", provider.shutdown)


def tracer_provider(exporter: SpanExporter) -> TracerProvider:
    """What makes tracers whose spans an exporter gets in a thread of its own. Call its `shutdown` at the end.

    Args:
        exporter: Sends spans.
    """
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "telebridge"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=MOST_WAITING))
    return provider


class SdkMessages(logging.Handler):
    """Keeps the last message of the SDK, which writes several for each batch that it cannot send."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.last = ""

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.last = record.getMessage()


def sdk_messages() -> SdkMessages:
    """Keep the messages of the SDK out of the log for the rest of the process; its threads write after the end too."""
    sdk = logging.getLogger(SDK)
    for handler in sdk.handlers:
        if isinstance(handler, SdkMessages):
            return handler
    messages = SdkMessages()
    sdk.addHandler(messages)
    sdk.propagate = False
    return messages


class ToldExporter(SpanExporter):
    """Exports through another exporter, and logs when that begins to fail and when it works again.

    Args:
        exporter: Sends spans.
        endpoint: Where to, for the log.
        messages: Have the reason of a failure.
    """

    def __init__(self, exporter: SpanExporter, endpoint: str, messages: SdkMessages) -> None:
        self._exporter = exporter
        self._endpoint = endpoint
        self._messages = messages
        self._fails = False

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans; what cannot be sent is dropped."""
        result = self._exporter.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self._fails:
            log.warning(
                "traces cannot be sent, and are dropped until the collector takes them; see traces.endpoint",
                endpoint=self._endpoint,
                error=self._messages.last,
            )
        elif self._fails and not failed:
            log.info("traces are sent again", endpoint=self._endpoint)
        self._fails = failed
        return result

    @override
    def shutdown(self) -> None:
        """Send nothing any more."""
        self._exporter.shutdown()
