"""Runs the one-way media streams of a call: `<Start><Stream>`, `<Stop>`, and the Stream resource.

Follows Twilio's `<Stream>` ("Unidirectional"): the document goes on at once; up to four tracks may be forked; a message
of the server ends the stream with error 31924.

One rule: whatever becomes of a stream, the call goes on.
"""

import asyncio
from dataclasses import dataclass

from telebridge.simulator.execution.live_call import LiveCallParts
from telebridge.simulator.http.client import MediaSocketClient, RequestFailed
from telebridge.simulator.media.fork import ForkLeg
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.media.session import close_failure, socket_url
from telebridge.simulator.new_sids import new_sid
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.resources.streams import StreamResource
from telebridge.simulator.twiml.verbs import StartStreamVerb
from telebridge.tasks import Tasks

MOST_TRACKS = 4


@dataclass(slots=True)
class OpenFork:
    """A one-way stream that goes on."""

    resource: StreamResource
    verb: StartStreamVerb
    task: "asyncio.Task[None]"


class ForkedStreams:
    """The one-way streams of one call."""

    def __init__(self, call: LiveCallParts) -> None:
        self._call = call
        self._open: dict[str, OpenFork] = {}
        self._tasks = Tasks("simulated stream")

    def start(self, verb: StartStreamVerb) -> StreamResource:
        """Begin a stream beside whatever the call does; it fails later, with a callback, if it cannot be connected."""
        record = self._call.record
        created_at = self._call.account.clock.wallclock()
        resource = StreamResource(new_sid("MZ"), record.account_sid, record.sid, verb.stream.name, created_at)
        used = sum(len(each.verb.tracks) for each in self._open.values())
        if used + len(verb.tracks) > MOST_TRACKS:
            resource.status = "stopped"
            self._failed(resource, verb, 31900, f"more than {MOST_TRACKS} tracks of a call are streamed")
        else:
            self._open[resource.sid] = OpenFork(resource, verb, self._tasks.start(self._run(resource, verb)))
        return resource

    def stop(self, name: str) -> StreamResource:
        """End the stream of this name or sid.

        Raises:
            ApiProblem: There is none.
        """
        for each in self._open.values():
            if name in (each.resource.sid, each.verb.stream.name):
                each.resource.status = "stopped"
                each.task.cancel()
                return each.resource
        raise ApiProblem(404, 20404, name)

    async def aclose(self) -> None:
        """End all streams, because the call is over."""
        self._tasks.cancel()
        await self._tasks.wait()

    async def _run(self, resource: StreamResource, verb: StartStreamVerb) -> None:
        try:
            try:
                require_wss = self._call.options.require_wss
                url = socket_url(verb.stream.url, self._call.base_url, require_wss=require_wss)
                socket = await self._call.client.open_stream(url)
            except RequestFailed as error:
                self._failed(resource, verb, error.code, error.problem)
                return
            await self._carry(resource, verb, socket)
        finally:
            resource.status = "stopped"
            self._open.pop(resource.sid, None)

    async def _carry(self, resource: StreamResource, verb: StartStreamVerb, socket: MediaSocketClient) -> None:
        call, leg = self._call, ForkLeg(resource.sid, verb.tracks)
        parameters = dict(verb.stream.parameters)
        for message in leg.open(call_sid=call.record.sid, account_sid=call.record.account_sid, parameters=parameters):
            socket.send(message)
        call.line.attach_fork(leg, socket)
        call.note(EventKind.STREAM_STARTED, resource.sid)
        self._report("stream-started", resource, verb)
        spoke = False
        try:
            async for _ in socket.messages():
                spoke = True
                break
        finally:
            call.line.detach_fork(leg)
            socket.send(leg.stop())
            await socket.aclose()
            call.note(EventKind.STREAM_STOPPED, f"{resource.sid} {socket.close_code}")
            self._report("stream-stopped", resource, verb)
        if spoke:
            self._failed(resource, verb, 31924, "the server has sent a message on a unidirectional stream")
        elif (failure := close_failure(socket.close_code)) is not None:
            self._failed(resource, verb, failure.code, failure.problem)

    def _failed(self, resource: StreamResource, verb: StartStreamVerb, code: int, problem: str) -> None:
        self._call.warn(code, problem, is_error=True)
        self._call.callbacks.stream_event("stream-error", verb.stream, resource.sid, code, problem)

    def _report(self, event: str, resource: StreamResource, verb: StartStreamVerb) -> None:
        self._call.callbacks.stream_event(event, verb.stream, resource.sid, None, "")
