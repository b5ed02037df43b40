"""The callbacks of one call: status, stream and machine detection, numbered and sent to the web application in order.

This is a shell: it owns tasks. Follows Twilio's Call resource ("StatusCallback"), `<Stream>` status callbacks and
answering machine detection.

One rule: a call never waits for its callbacks, and a callback that fails is only recorded.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from telebridge.simulator.http.client import RequestFailed, WebClient
from telebridge.simulator.http.webhook_fields import detection_fields, status_fields, stream_fields
from telebridge.simulator.media.recording import DualChannelRecording, EventKind
from telebridge.simulator.resources.call import CallResource, event_of
from telebridge.simulator.resources.parameters import CallSetup
from telebridge.simulator.setup.clock import SimulatorClock
from telebridge.simulator.setup.faults import SimulatorFaults
from telebridge.simulator.twiml.verbs import StreamVerb
from telebridge.tasks import Tasks
from telebridge.twilio.calls import CallStatus


@dataclass(frozen=True, slots=True)
class Callback:
    """A callback request that is to be sent."""

    event: str
    url: str
    method: str
    fields: Mapping[str, str]


class CallbackSender:
    """Sends callbacks one after the other; a callback that a fault delays is sent by a task of its own.

    Args:
        client: Makes the requests.
        faults: Decides which callbacks are lost, delayed or duplicated.
        note: Called with the result of each callback.
    """

    def __init__(self, client: WebClient, faults: SimulatorFaults, note: Callable[[str], None]) -> None:
        self._client = client
        self._faults = faults
        self._note = note
        self._queue: asyncio.Queue[Callback | None] = asyncio.Queue()
        self._delayed = Tasks("simulator delayed callback")
        self._sender = asyncio.create_task(self._send_queue(), name="simulator callbacks")

    def send(self, callback: Callback) -> None:
        """Queue a callback, subject to the faults."""
        fault = self._faults.callback(callback.event)
        if fault.lose:
            self._note(f"{callback.event} lost")
            return
        for _ in range(fault.copies):
            if fault.delay_seconds:
                _ = self._delayed.start(self._deliver_late(callback, fault.delay_seconds))
            else:
                self._queue.put_nowait(callback)

    async def aclose(self) -> None:
        """Wait until every callback was sent."""
        self._queue.put_nowait(None)
        await self._sender
        await self._delayed.wait()

    async def abort(self) -> None:
        """Drop the callbacks that were not sent."""
        self._sender.cancel()
        self._delayed.cancel()
        await asyncio.gather(self._sender, return_exceptions=True)
        await self._delayed.wait()

    async def _send_queue(self) -> None:
        while (callback := await self._queue.get()) is not None:
            await self._deliver(callback)

    async def _deliver_late(self, callback: Callback, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._deliver(callback)

    async def _deliver(self, callback: Callback) -> None:
        try:
            response = await self._client.request(callback.url, callback.method, callback.fields)
        except RequestFailed as error:
            self._note(f"{callback.event} failed {error.code}: {error.problem}")
        else:
            self._note(f"{callback.event} {response.status}")


class CallCallbacks:
    """Makes the callbacks of one call in their order and sends them.

    Attributes:
        final_fields: Fields that the callback of the final status has too, such as those of a recording.
    """

    def __init__(
        self,
        record: CallResource,
        setup: CallSetup,
        recording: DualChannelRecording,
        client: WebClient,
        clock: SimulatorClock,
        faults: SimulatorFaults,
    ) -> None:
        self._record = record
        self._setup = setup
        self._recording = recording
        self._clock = clock
        self._sender = CallbackSender(client, faults, self._note_delivery)
        self._sequence = 0
        self.final_fields: Mapping[str, str] = {}

    def status_changed(self, status: CallStatus) -> None:
        """Change the call's status, and send the callback of its event if the call asks for it."""
        at = self._clock.wallclock()
        self._record.move(status, at=at)
        self._recording.note(EventKind.STATUS, status.value, now=self._clock.now())
        url, event = self._setup.status_callback, event_of(status)
        if url is not None and event in self._setup.status_events:
            fields = status_fields(self._record, sequence_number=self._sequence, at=at)
            if status.is_final:
                fields |= self.final_fields
            self._sender.send(Callback(event, url, self._setup.status_callback_method, fields))
            self._sequence += 1

    def stream_event(self, event: str, verb: StreamVerb, stream_sid: str, code: int | None, error: str) -> None:
        """Send the callback of a media stream that began, ended or failed."""
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
        self._sender.send(Callback(event, verb.status_callback, verb.status_callback_method, fields))

    def machine_detected(self, verdict: str, seconds: float) -> None:
        """Send the result of asynchronous answering machine detection."""
        detection = self._setup.detection
        if detection is None or detection.callback is None:
            return
        identity = {"CallSid": self._record.sid, "AccountSid": self._record.account_sid}
        fields = identity | detection_fields(verdict, round(seconds * 1000))
        self._sender.send(Callback("amd", detection.callback, detection.callback_method, fields))

    def send(self, callback: Callback) -> None:
        """Send a callback of a verb, such as that of a recording, after those that were made before."""
        self._sender.send(callback)

    async def delivered(self) -> None:
        """Wait until every callback was sent."""
        await self._sender.aclose()

    async def abort(self) -> None:
        """Drop the callbacks that were not sent."""
        await self._sender.abort()

    def _note_delivery(self, detail: str) -> None:
        self._recording.note(EventKind.CALLBACK, detail, now=self._clock.now())
