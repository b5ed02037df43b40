"""Executes `<Enqueue>` and `<Dial><Queue>`: callers wait, and are connected with who dials the queue.

Follows Twilio's `<Enqueue>`, `<Leave>` and `<Queue>`.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from telebridge.simulator.execution.dialing import connect
from telebridge.simulator.execution.live_call import LiveCallParts
from telebridge.simulator.execution.waiting import Execute, wait_by_documents
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.media.room import AudioRoom
from telebridge.simulator.new_sids import new_sid
from telebridge.simulator.resources.queues import Dequeued, QueueMember, QueueResource
from telebridge.simulator.twiml.interpreter import LEFT_QUEUE, Fetch, Interpreter, VerbDone
from telebridge.simulator.twiml.verbs import DialVerb, EnqueueVerb, PauseVerb, PlayVerb, QueueNoun, SayVerb

LONGEST_CALL_SECONDS = 14_400.0


@dataclass(slots=True)
class QueueVisit:
    """The stay of one call in a queue.

    Args:
        call: The call.
        execute: Performs an instruction on it.
    """

    call: LiveCallParts
    execute: Execute

    async def run(self, verb: EnqueueVerb) -> VerbDone:
        """Wait until somebody dials the queue, the document leaves it, or the call ends."""
        call = self.call
        queue = self._queue(verb)
        if len(queue.members) >= queue.max_size:
            return VerbDone({"QueueResult": "queue-full", "QueueSid": queue.sid, "QueueTime": "0"})
        taken: asyncio.Future[Dequeued] = asyncio.get_running_loop().create_future()
        member = QueueMember(queue, call.record.sid, call.account.clock.wallclock(), taken.set_result)
        queue.add(member)
        call.note(EventKind.QUEUE, f"enters {queue.name}")
        call.cut_short["QueueResult"] = "hangup"
        waiting: asyncio.Future[str] = asyncio.create_task(self._wait(verb, member))
        try:
            both: set[asyncio.Future[Any]] = {waiting, taken}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            call.cut_short |= self._times(member)
            queue.leave(member, at=call.account.clock.wallclock())
            call.note(EventKind.QUEUE, f"leaves {queue.name}")
        if taken.done():
            call.cut_short["QueueResult"] = "bridged"
            await self._meet(taken.result(), member)
        else:
            left = waiting.result() == LEFT_QUEUE
            call.cut_short["QueueResult"] = "leave" if left else "hangup"
            if not left:
                call.hang_up()
                await asyncio.Event().wait()  # the end of the call cancels the verb
        return VerbDone(dict(call.cut_short))

    def _queue(self, verb: EnqueueVerb) -> QueueResource:
        call = self.call
        queue = call.account.books.queues.of(verb.name)
        if queue is None:
            at = call.account.clock.wallclock()
            queue = QueueResource(new_sid("QU"), call.record.account_sid, verb.name, at, verb.max_size)
            call.account.books.queues.add(queue)
        return queue

    async def _wait(self, verb: EnqueueVerb, member: QueueMember) -> str:
        url = self.call.absolute(verb.wait_url) if verb.wait_url else ""
        return await wait_by_documents(self.call, url, verb.wait_method, lambda: self._position(member), self.execute)

    def _position(self, member: QueueMember) -> dict[str, str]:
        queue = member.queue
        return {
            **self._times(member),
            "QueuePosition": str(queue.members.index(member) + 1 if member in queue.members else 0),
            "AvgQueueTime": str(queue.average_wait),
            "CurrentQueueSize": str(len(queue.members)),
            "MaxQueueSize": str(queue.max_size),
        }

    def _times(self, member: QueueMember) -> dict[str, str]:
        waited = self.call.account.clock.wallclock() - member.entered_at
        return {"QueueSid": member.queue.sid, "QueueTime": str(round(waited.total_seconds()))}

    async def _meet(self, dequeued: Dequeued, member: QueueMember) -> None:
        """Play the document of the noun to this caller, then connect the two."""
        call = self.call
        try:
            if dequeued.noun.url:
                await self._play(dequeued, member)
            seat = dequeued.room.enter()
            await connect(call, seat, limit_seconds=LONGEST_CALL_SECONDS, hangup_on_star=False)
        finally:
            dequeued.room.close()

    async def _play(self, dequeued: Dequeued, member: QueueMember) -> None:
        base_url, self.call.base_url = self.call.base_url, dequeued.base_url
        interpreter = Interpreter()
        fields = {**self._times(member), "DequeingCallSid": dequeued.call_sid}
        instruction = interpreter.start(self.call.absolute(dequeued.noun.url or ""), dequeued.noun.method, fields)
        while isinstance(instruction, Fetch | SayVerb | PlayVerb | PauseVerb):
            instruction = interpreter.resume(await self.execute(instruction))
        self.call.base_url = base_url


async def dial_queue(verb: DialVerb, noun: QueueNoun, call: LiveCallParts) -> VerbDone:
    """Connect the call with the first caller of a queue; wait for one as long as the `timeout` says."""
    queue = call.account.books.queues.of(noun.name)
    if queue is None:
        return VerbDone({"DialCallStatus": "failed"})
    member = await _first_member(queue, verb.timeout_seconds)
    if member is None:
        return VerbDone({"DialCallStatus": "no-answer"})
    room = AudioRoom()
    began = call.now()
    fields = {"DialCallStatus": "completed", "DialCallSid": member.call_sid, "QueueSid": queue.sid}
    call.cut_short.update(fields)
    queue.leave(member, at=call.account.clock.wallclock())
    member.taken(Dequeued(room, noun, call.base_url, call.record.sid))
    seat = room.enter()
    try:
        await connect(call, seat, limit_seconds=verb.time_limit_seconds, hangup_on_star=verb.hangup_on_star)
    finally:
        room.close()
        call.cut_short["DialCallDuration"] = str(round(call.now() - began))
    return VerbDone(dict(call.cut_short))


async def _first_member(queue: QueueResource, timeout_seconds: float) -> QueueMember | None:
    entered = asyncio.Event()
    queue.waiting.append(entered.set)
    try:
        async with asyncio.timeout(timeout_seconds):
            while not queue.members:
                entered.clear()
                await entered.wait()
        return queue.members[0]
    except TimeoutError:
        return None
    finally:
        queue.waiting.remove(entered.set)
