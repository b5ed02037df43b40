"""What one call tells the web application beside asking it: status, stream and detection callbacks, numbered and sent.

Follows Twilio's Call resource ("StatusCallback"), `<Stream>` status callbacks and answering machine detection.

Delivers one call's callbacks, each a request of its own, in order unless a fault says otherwise.

This is a shell: it owns tasks. One rule: nobody waits for a callback, and a callback that fails is only noted.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from telebridge.simulator.http.client import RequestFailed, WebClient
from telebridge.simulator.http.webhook_fields import detection_fields, status_fields, stream_fields
from telebridge.simulator.media.recording import Kind, Recording
from telebridge.simulator.resources.call import CallRecord
from telebridge.simulator.resources.parameters import CallOrder
from telebridge.simulator.setup.clock import Clock
from telebridge.simulator.setup.faults import Faults
from telebridge.simulator.twiml.verbs import Stream
from telebridge.twilio.calls import CallStatus


@dataclass(frozen=True, slots=True)
class Callback:
    """A request to be made."""

    event: str
    url: str
    method: str
    fields: Mapping[str, str]


class Courier:
    """Sends callbacks one after the other; delayed ones go their own way."""

    def __init__(self, client: WebClient, faults: Faults, note: Callable[[str], None]) -> None:
        self._client = client
        self._faults = faults
        self._note = note
        self._queue: asyncio.Queue[Callback | None] = asyncio.Queue()
        self._delayed: set[asyncio.Task[None]] = set()
        self._sender = asyncio.create_task(self._send_queue(), name="simulator callbacks")

    def send(self, callback: Callback) -> None:
        """Send it, as the faults allow."""
        fault = self._faults.callback(callback.event)
        if fault.lose:
            self._note(f"{callback.event} lost")
            return
        for _ in range(fault.copies):
            if fault.delay_seconds:
                task = asyncio.create_task(self._deliver_late(callback, fault.delay_seconds))
                self._delayed.add(task)
                task.add_done_callback(self._delayed.discard)
            else:
                self._queue.put_nowait(callback)

    async def aclose(self) -> None:
        """Wait until everything is delivered."""
        self._queue.put_nowait(None)
        await self._sender
        while self._delayed:
            await asyncio.wait(self._delayed)

    async def abort(self) -> None:
        """Drop what is not delivered."""
        tasks = [self._sender, *self._delayed]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send_queue(self) -> None:
        while (callback := await self._queue.get()) is not None:
            await self._deliver(callback)

    async def _deliver_late(self, callback: Callback, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._deliver(callback)

    async def _deliver(self, callback: Callback) -> None:
        try:
            answer = await self._client.ask(callback.url, callback.method, callback.fields)
        except RequestFailed as error:
            self._note(f"{callback.event} failed {error.code}: {error.problem}")
        else:
            self._note(f"{callback.event} {answer.status}")


class CallReports:
    """The callbacks of one call, in their order; delivered as the faults allow."""

    def __init__(
        self,
        record: CallRecord,
        order: CallOrder,
        recording: Recording,
        client: WebClient,
        clock: Clock,
        faults: Faults,
    ) -> None:
        self._record = record
        self._order = order
        self._recording = recording
        self._clock = clock
        self._courier = Courier(client, faults, self._note_delivery)
        self._sequence = 0

    def moved(self, status: CallStatus, event: str) -> None:
        """Move the call's record on, and tell whoever asked to be told of `event`."""
        at = self._clock.wallclock()
        self._record.move(status, at=at)
        self._recording.note(Kind.STATUS, status.value, now=self._clock.now())
        url = self._order.status_callback
        if url is not None and event in self._order.status_events:
            fields = status_fields(self._record, sequence_number=self._sequence, at=at)
            self._courier.send(Callback(event, url, self._order.status_callback_method, fields))
            self._sequence += 1

    def stream(self, event: str, verb: Stream, stream_sid: str, code: int | None, error: str) -> None:
        """A media stream began, ended or failed."""
        if verb.status_callback is None:
            return
        fields = stream_fields(
            self._record,
            stream_sid=stream_sid,
            name=verb.name,
            event=event,
            at=self._clock.wallclock(),
            code=code,
            error=error,
        )
        self._courier.send(Callback(event, verb.status_callback, verb.status_callback_method, fields))

    def detected(self, verdict: str, seconds: float) -> None:
        """Answering machine detection, beside the talk, has a verdict."""
        detection = self._order.detection
        if detection is None or detection.callback is None:
            return
        identity = {"CallSid": self._record.sid, "AccountSid": self._record.account_sid}
        fields = identity | detection_fields(verdict, round(seconds * 1000))
        self._courier.send(Callback("amd", detection.callback, detection.callback_method, fields))

    async def delivered(self) -> None:
        """Wait until everything is."""
        await self._courier.aclose()

    async def abort(self) -> None:
        """Drop what is not delivered."""
        await self._courier.abort()

    def _note_delivery(self, detail: str) -> None:
        self._recording.note(Kind.CALLBACK, detail, now=self._clock.now())
