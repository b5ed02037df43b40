"""Executes `<Connect><Stream>`: connects the socket, runs the stream over it, and returns how it ended.

This is a shell. Follows Twilio's `<Stream>` ("Attributes", "Status callbacks") and the stream errors.

One rule: however the stream ends, the document goes on after `</Connect>`.
"""

import asyncio
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

from telebridge.simulator.http.client import MediaSocketClient, RequestFailed, WebClient
from telebridge.simulator.media.recording import DualChannelRecording, EventKind
from telebridge.simulator.media.stream import StreamLeg
from telebridge.simulator.media.timer import LineDriver
from telebridge.simulator.new_sids import new_sid
from telebridge.simulator.setup.faults import StreamFaults
from telebridge.simulator.setup.options import SimulatorOptions
from telebridge.simulator.twiml.interpreter import VerbDone, VerbFailed
from telebridge.simulator.twiml.verbs import StreamVerb

GOOD_CLOSE_CODES = {1000, 1001}
NO_FAULTS = StreamFaults()
UNKNOWN_MESSAGE = b'{"event":"speech","sequenceNumber":"0","streamSid":"","speech":{"began":true}}'
"""An event that Twilio does not have, and may have one day."""

StreamReport = Callable[[str, StreamVerb, str, int | None, str], None]
"""Sends a stream callback: event, verb, stream sid, error code, error text."""


class MediaSession:
    """One stream of one call.

    Args:
        client: Opens the socket.
        driver: Drives the call's line.
        recording: Receives the events of the stream.
        report: Sends stream callbacks.
        faults: The faults to simulate.
        options: Whether `ws://` is refused, and how messages that are not as documented are treated.
    """

    def __init__(
        self,
        client: WebClient,
        driver: LineDriver,
        recording: DualChannelRecording,
        report: StreamReport,
        *,
        faults: StreamFaults = NO_FAULTS,
        options: SimulatorOptions | None = None,
    ) -> None:
        self.stream_sid = new_sid("MZ")
        self._client = client
        self._driver = driver
        self._recording = recording
        self._report = report
        self._faults = faults
        self._options = options or SimulatorOptions()
        self._cut = False

    async def run(self, verb: StreamVerb, *, base_url: str, call_sid: str, account_sid: str) -> VerbDone | VerbFailed:
        """Run the stream until the bridge closes it. When cancelled, the stream is stopped as at the end of a call."""
        try:
            socket = await self._connect(verb, base_url)
        except RequestFailed as error:
            return self._failed(verb, error.code, error.problem)
        leg = StreamLeg(
            self.stream_sid,
            self._driver.line.playout,
            self._recording,
            accept_extra_fields=self._options.accept_extra_fields,
            delay_marks_seconds=self._faults.delay_marks_seconds,
            late_after_clear=self._faults.late_marks_after_clear,
        )
        self._driver.attach(leg, socket)
        self._driver.send(leg.open(call_sid=call_sid, account_sid=account_sid, parameters=dict(verb.parameters)))
        if self._faults.unknown_messages:
            socket.send(UNKNOWN_MESSAGE)
        self._note(EventKind.STREAM_STARTED, self.stream_sid)
        self._report("stream-started", verb, self.stream_sid, None, "")
        faulting = asyncio.create_task(self._simulate_faults(verb, socket))
        try:
            await self._read(leg, socket)
        finally:
            faulting.cancel()
            await self._close(leg, socket)
            self._note(EventKind.STREAM_STOPPED, f"{self.stream_sid} {socket.close_code}")
            self._report("stream-stopped", verb, self.stream_sid, None, "")
        return self._ended(verb, socket)

    async def _connect(self, verb: StreamVerb, base_url: str) -> MediaSocketClient:
        if self._faults.refuse is not None:
            raise RequestFailed(self._faults.refuse, "refused by a fault")
        return await self._client.open_stream(socket_url(verb.url, base_url, require_wss=self._options.require_wss))

    async def _read(self, leg: StreamLeg, socket: MediaSocketClient) -> None:
        async for message in socket.messages():
            now = self._driver.now()
            if isinstance(message, str):
                self._driver.send(leg.receive_text(message, now=now))
            else:
                self._driver.send(leg.receive_binary(message, now=now))

    async def _simulate_faults(self, verb: StreamVerb, socket: MediaSocketClient) -> None:
        """Simulate the faults in the order of their times."""
        plan = [
            (self._faults.garbage_after_seconds, "garbage"),
            (self._faults.hang_after_seconds, "hang"),
            (self._faults.drop_after_seconds, "drop"),
        ]
        started = self._driver.now()
        for seconds, what in sorted((seconds, what) for seconds, what in plan if seconds is not None):
            await asyncio.sleep(max(0.0, started + seconds - self._driver.now()))
            if what == "garbage":
                socket.send(b'{"event":"media","streamSid":')
            elif what == "hang":
                self._driver.mute()
                self._report("stream-error", verb, self.stream_sid, 31924, "simulated failure")
            else:
                self._cut = True
                await socket.abort()

    async def _close(self, leg: StreamLeg, socket: MediaSocketClient) -> None:
        self._driver.detach()
        if not self._cut and not self._faults.omit_stop:
            socket.send(leg.stop())
        await socket.aclose()

    def _ended(self, verb: StreamVerb, socket: MediaSocketClient) -> VerbDone | VerbFailed:
        failure = None if self._cut else close_failure(socket.close_code)
        if failure is None:
            return VerbDone({"StreamSid": self.stream_sid})
        return self._failed(verb, failure.code, failure.problem)

    def _failed(self, verb: StreamVerb, code: int, problem: str) -> VerbFailed:
        self._note(EventKind.WARNING, f"{code} {problem}")
        self._report("stream-error", verb, self.stream_sid, code, problem)
        return VerbFailed(code, problem)

    def _note(self, kind: EventKind, detail: str) -> None:
        self._recording.note(kind, detail, now=self._driver.now())


def socket_url(url: str, base_url: str, *, require_wss: bool) -> str:
    """Return the address of a stream; a relative one takes the host of its document.

    Raises:
        RequestFailed: 31922, it is no address of a WebSocket, or not that of an encrypted one.
    """
    absolute = url if urlsplit(url).scheme else urljoin(base_url, url).replace("http", "ws", 1)
    scheme = urlsplit(absolute).scheme
    if scheme not in {"ws", "wss"} or (require_wss and scheme != "wss"):
        raise RequestFailed(31922, f"the scheme of {absolute} is not wss")
    return absolute


def close_failure(close_code: int | None) -> RequestFailed | None:
    """Return Twilio's error for how the server closed a stream; None for a normal end."""
    if close_code in GOOD_CLOSE_CODES:
        return None
    code = 31903 if close_code in {None, 1006} else 31921
    return RequestFailed(code, f"the server closed the socket with code {close_code}")
