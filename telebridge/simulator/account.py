"""The simulated account: its calls, the queue of outbound calls, and the callees.

This is a shell: it owns the tasks of the calls. Create it on a running event loop, and close it with `aclose`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from telebridge.errors import ConfigurationError
from telebridge.simulator.callbacks import CallbackSender
from telebridge.simulator.caller.caller import Script
from telebridge.simulator.execution.conferencing import report_conference
from telebridge.simulator.execution.live_call import Account
from telebridge.simulator.execution.texting import MessageSender
from telebridge.simulator.http.client import WebClient
from telebridge.simulator.media.recording import DualChannelRecording, TimelineEvent
from telebridge.simulator.new_sids import new_sid
from telebridge.simulator.phone_call import PhoneCall
from telebridge.simulator.resources.books import AccountBooks
from telebridge.simulator.resources.call import CallResource
from telebridge.simulator.resources.calls import DialQueue
from telebridge.simulator.resources.conferences import ConferenceEvent, ConferenceResource
from telebridge.simulator.resources.parameters import CallSetup, CallUpdate
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.setup.clock import SimulatorClock, running_clock
from telebridge.simulator.setup.options import SimulatorOptions
from telebridge.twilio.calls import CallStatus

CALLER_NUMBER = "+15550001111"
OWN_NUMBER = "+15550002222"
KEPT_CALLS = 10_000


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """A call that was begun.

    Args:
        record: The call's resource, kept up to date while the call goes on.
        recording: Both legs and all events; complete once `finished` is done.
        finished: Done when the call is over and its last callback was sent.
        phone: The call itself: through it the caller does further things.
    """

    record: CallResource
    recording: DualChannelRecording
    finished: "asyncio.Task[None]"
    phone: PhoneCall


class Simulator:
    """One account of a local Twilio.

    Attributes:
        books: The resources of the account.
        messages: Sends text messages.
    """

    def __init__(self, options: SimulatorOptions | None = None) -> None:
        options = options or SimulatorOptions()
        self.books = AccountBooks(options.account_sid, options.owned_numbers or {OWN_NUMBER})
        self._clock = running_clock()
        self._client = WebClient(options.auth_token, options.routes)
        callbacks = CallbackSender(self._client, options.faults, _ignored)
        self._account = Account(self.books, options, self._clock, self._client, callbacks, options.api_url)
        self.messages = MessageSender(self._account)
        self._queue = DialQueue(self.options.calls_per_second)
        self._calls: dict[str, SimulatedCall] = {}
        self._live: dict[str, PhoneCall] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def options(self) -> SimulatorOptions:
        """The options of the account; calls that begin later have those that are set here."""
        return self._account.options

    @options.setter
    def options(self, options: SimulatorOptions) -> None:
        self._account.options = options

    @property
    def api_url(self) -> str:
        """The address of the REST API, which stands before the paths of recordings."""
        return self._account.api_url

    @api_url.setter
    def api_url(self, url: str) -> None:
        self._account.api_url = url

    @property
    def owned_numbers(self) -> frozenset[str] | None:
        """The values that `From` may have; None for any."""
        return None if self.options.owned_numbers is None else frozenset(self.books.numbers.owned)

    @property
    def clock(self) -> SimulatorClock:
        """Monotonic and wall-clock time of the account."""
        return self._clock

    # Inbound calls.

    def place_inbound_call(
        self,
        url: str | None = None,
        script: Script | None = None,
        *,
        from_number: str = CALLER_NUMBER,
        to_number: str = OWN_NUMBER,
        status_callback: str | None = None,
        watch: Callable[[TimelineEvent], None] | None = None,
    ) -> SimulatedCall:
        """Place a call to a number whose voice webhook is `url`.

        Args:
            url: The voice webhook; by default that of the number, or the `voice_url` of the options.
            script: What the caller does; by default the caller listens.
            from_number: The caller's number.
            to_number: The number that is called.
            status_callback: The status callback of the called number; by default that of the number, if it has a
                voice webhook.
            watch: Called with each event as it happens.

        Returns:
            The call; await its `finished`.

        Raises:
            ConfigurationError: There is no URL.
        """
        setup = self._inbound_setup(url, from_number, to_number, status_callback)
        call = self._new_call(setup, "inbound", script or Script())
        call.recording.on_event = watch
        return self._begin(call)

    # Calls by the REST API.

    def create(self, setup: CallSetup) -> CallResource:
        """Queue an outbound call; it is dialed at the rate of the account."""
        call = self._new_call(setup, "outbound-api", self.options.script_for(setup.to))
        call.record.queue_time_ms = self._queue.add(call.record.sid, now=self._clock.now())
        self._live[call.record.sid] = call
        self._dial_waiting()
        return call.record

    def update(self, sid: str, update: CallUpdate) -> CallResource:
        """Change a live call.

        Raises:
            ApiProblem: There is no such call, or it is over.
        """
        record = self.books.calls.find(sid)
        if record.status.is_final or (update.status == "canceled" and record.status is CallStatus.IN_PROGRESS):
            raise ApiProblem(400, 21220)
        call = self._live[sid]
        if record.status is CallStatus.QUEUED and update.status is not None:
            self._queue.remove(sid)
            record.move(CallStatus.CANCELED, at=self._clock.wallclock())
            del self._live[sid]
            self._start_drop(call)
        else:
            call.update(update)
        return record

    def find(self, sid: str) -> SimulatedCall:
        """Return a call that was begun.

        Raises:
            ApiProblem: There is no such call.
        """
        self.books.calls.find(sid)
        if sid not in self._calls:
            raise ApiProblem(404, 20404, sid)
        return self._calls[sid]

    def live(self, sid: str) -> PhoneCall:
        """Return a call that goes on and whose line is open.

        Raises:
            ApiProblem: There is no such call, or it is not in progress.
        """
        record = self.books.calls.find(sid)
        if record.status is not CallStatus.IN_PROGRESS or sid not in self._live:
            raise ApiProblem(400, 21220)
        return self._live[sid]

    def tell_conference(self, conference: ConferenceResource, events: list[ConferenceEvent]) -> None:
        """Tell the application about events of a conference that the REST API has caused."""
        report_conference(self._account, conference, events)

    async def aclose(self) -> None:
        """Drop all calls and close all connections."""
        if self._timer is not None:
            self._timer.cancel()
        for sid, call in list(self._live.items()):
            if sid not in self._calls:
                await call.drop()
        tasks = [begun.finished for begun in self._calls.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.messages.aclose()
        await self._account.callbacks.abort()
        await self._client.aclose()

    def _new_call(self, setup: CallSetup, direction: str, script: Script) -> PhoneCall:
        at = self._clock.wallclock()
        sid = new_sid("CA")
        record = CallResource(sid, self.options.account_sid, setup.to, setup.from_, direction, created_at=at)
        self.books.calls.add(record)
        return PhoneCall(record, setup, script, self._account, self.messages)

    def _inbound_setup(self, url: str | None, from_: str, to: str, status_callback: str | None) -> CallSetup:
        """Return the parameters of an inbound call: what is given, then those of the number, then of the options."""
        number = self.books.numbers.of(to)
        values = number.values if number is not None and url is None else {}
        if values.get("voice_url"):
            return CallSetup(
                to,
                from_,
                url=values["voice_url"],
                method=values.get("voice_method", "POST"),
                fallback_url=values.get("voice_fallback_url") or None,
                fallback_method=values.get("voice_fallback_method", "POST"),
                status_callback=status_callback or values.get("status_callback") or None,
                status_callback_method=values.get("status_callback_method", "POST"),
            )
        url = url or self.options.voice_url
        if url is None:
            raise ConfigurationError("url", "is not given", "where should the call be answered?")
        return CallSetup(to, from_, url=url, status_callback=status_callback)

    def _begin(self, call: PhoneCall) -> SimulatedCall:
        sid = call.record.sid
        task = asyncio.create_task(call.run(), name=f"simulated call {sid}")
        task.add_done_callback(lambda _: self._live.pop(sid, None))
        placed = self._calls[sid] = SimulatedCall(call.record, call.recording, task, call)
        self._live[sid] = call
        while len(self._calls) > KEPT_CALLS:
            del self._calls[next(iter(self._calls))]
        return placed

    def _start_drop(self, call: PhoneCall) -> None:
        """End a call that was never dialed; it has no callbacks to send."""
        task = asyncio.create_task(call.drop())
        self._calls[call.record.sid] = SimulatedCall(call.record, call.recording, task, call)

    def _dial_waiting(self) -> None:
        """Dial the calls that are due, and set a timer for the next one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._clock.now()
        while (deadline := self._queue.next_deadline()) is not None and deadline <= now:
            for sid in self._queue.handle_timeout(now=now):
                self._begin(self._live[sid])
        if deadline is not None:
            self._timer = asyncio.get_running_loop().call_at(deadline, self._dial_waiting)


def _ignored(_: str) -> None:
    """Ignore the result of a callback that belongs to no call."""
