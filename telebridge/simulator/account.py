"""The simulated account: its calls, the queue they wait in, and the people who are rung.

This is a shell: it owns the calls' tasks. Make it on a running event loop; close it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from telebridge.errors import ConfigurationError
from telebridge.simulator.caller.caller import Script
from telebridge.simulator.http.client import WebClient
from telebridge.simulator.media.recording import Recording, TimelineEvent
from telebridge.simulator.phone_call import PhoneCall
from telebridge.simulator.resources.call import CallRecord
from telebridge.simulator.resources.calls import CallBook, DialQueue
from telebridge.simulator.resources.parameters import ApiProblem, CallOrder, CallUpdate
from telebridge.simulator.setup.clock import running_clock
from telebridge.simulator.setup.options import SimulatorOptions
from telebridge.twilio.calls import CallStatus

CALLER_NUMBER = "+15550001111"
OWN_NUMBER = "+15550002222"
KEPT_CALLS = 10_000


@dataclass(frozen=True, slots=True)
class PlacedCall:
    """A call under way.

    Args:
        record: Its status as it goes on.
        recording: Both legs and everything that happened; complete once `finished` is done.
        finished: Done when the call is over and its last callback is delivered.
    """

    record: CallRecord
    recording: Recording
    finished: "asyncio.Task[None]"


class Simulator:
    """One account of a local Twilio."""

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        self.options = options or SimulatorOptions()
        self.book = CallBook(self.options.account_sid)
        self._clock = running_clock()
        self._client = WebClient(self.options.auth_token, self.options.routes)
        self._queue = DialQueue(self.options.calls_per_second)
        self._calls: dict[str, PlacedCall] = {}
        self._lives: dict[str, PhoneCall] = {}
        self._timer: asyncio.TimerHandle | None = None

    # People who call.

    def place_inbound_call(
        self,
        url: str | None = None,
        script: Script | None = None,
        *,
        from_number: str = CALLER_NUMBER,
        to_number: str = OWN_NUMBER,
        status_callback: str | None = None,
        watch: Callable[[TimelineEvent], None] | None = None,
    ) -> PlacedCall:
        """Somebody calls a number whose voice webhook is `url`.

        Args:
            url: By default the account's own.
            script: What they do; by default they listen.
            from_number: Theirs.
            to_number: The one they call.
            status_callback: The number's status callback.
            watch: Told everything that happens, as it happens.

        Raises:
            ConfigurationError: There is no URL.
        """
        url = url or self.options.voice_url
        if url is None:
            raise ConfigurationError("url", "is not given", "where should the call be answered?")
        order = CallOrder(to_number, from_number, url=url, status_callback=status_callback)
        call = self._new_call(order, "inbound", script or Script())
        call.recording.on_event = watch
        return self._begin(call)

    # The REST API's orders.

    def create(self, order: CallOrder) -> CallRecord:
        """Take an order for a call; it is dialled when its turn comes."""
        call = self._new_call(order, "outbound-api", self.options.script_for(order.to))
        call.record.queue_time_ms = self._queue.add(call.record.sid, now=self._clock.now())
        self._lives[call.record.sid] = call
        self._dial_waiting()
        return call.record

    def update(self, sid: str, update: CallUpdate) -> CallRecord:
        """Change a live call.

        Raises:
            ApiProblem: There is no such call, or it is over.
        """
        record = self.book.find(sid)
        if record.status.is_final or (update.status == "canceled" and record.status is CallStatus.IN_PROGRESS):
            raise ApiProblem(400, 21220)
        life = self._lives[sid]
        if record.status is CallStatus.QUEUED and update.status is not None:
            self._queue.remove(sid)
            record.move(CallStatus.CANCELED, at=self._clock.wallclock())
            del self._lives[sid]
            self._spawn_drop(life)
        else:
            life.update(update)
        return record

    def find(self, sid: str) -> PlacedCall:
        """A call that was begun.

        Raises:
            ApiProblem: There is no such call.
        """
        self.book.find(sid)
        if sid not in self._calls:
            raise ApiProblem(404, 20404, sid)
        return self._calls[sid]

    async def aclose(self) -> None:
        """Drop every call where it is, and close all connections."""
        if self._timer is not None:
            self._timer.cancel()
        for sid, life in list(self._lives.items()):
            if sid not in self._calls:
                await life.drop()
        tasks = [call.finished for call in self._calls.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.aclose()

    # Inside.

    def _new_call(self, order: CallOrder, direction: str, script: Script) -> PhoneCall:
        at = self._clock.wallclock()
        sid = f"CA{uuid4().hex}"
        record = CallRecord(sid, self.options.account_sid, order.to, order.from_, direction, created_at=at)
        self.book.add(record)
        return PhoneCall(record, order, script, self.options, self._client, self._clock)

    def _begin(self, call: PhoneCall) -> PlacedCall:
        sid = call.record.sid
        task = asyncio.create_task(call.run(), name=f"simulated call {sid}")
        task.add_done_callback(lambda _: self._lives.pop(sid, None))
        placed = self._calls[sid] = PlacedCall(call.record, call.recording, task)
        self._lives[sid] = call
        while len(self._calls) > KEPT_CALLS:
            del self._calls[next(iter(self._calls))]
        return placed

    def _spawn_drop(self, life: PhoneCall) -> None:
        """End a call that never began; its courier has nothing to deliver."""
        task = asyncio.create_task(life.drop())
        self._calls[life.record.sid] = PlacedCall(life.record, life.recording, task)

    def _dial_waiting(self) -> None:
        """Dial what may be dialled now, and come back when more may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock.now()
        while (deadline := self._queue.next_deadline()) is not None and deadline <= now:
            for sid in self._queue.handle_timeout(now=now):
                self._begin(self._lives[sid])
        if deadline is not None:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._dial_waiting)
