"""What one call tells the web application beside asking it: status, stream and detection callbacks, numbered and sent.

Follows Twilio's Call resource ("StatusCallback"), `<Stream>` status callbacks and answering machine detection.
"""

from telebridge.simulator.client import WebClient
from telebridge.simulator.clock import Clock
from telebridge.simulator.courier import Callback, Courier
from telebridge.simulator.faults import Faults
from telebridge.simulator.orders import CallOrder
from telebridge.simulator.recording import Kind, Recording
from telebridge.simulator.records import CallRecord
from telebridge.simulator.verbs import Stream
from telebridge.simulator.webhooks import detection_fields, status_fields, stream_fields
from telebridge.twilio.calls import CallStatus


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
