"""Executes the instructions of the TwiML interpreter on one call: documents, and the verbs of each kind.

This is a shell. Follows Twilio's "TwiML for Programmable Voice".

One rule: whatever happens in a verb ends in an outcome, and the document goes on.
"""

import asyncio

from telebridge.simulator.caller.caller import Pickup, Turn
from telebridge.simulator.execution.conferencing import ConferenceVisit
from telebridge.simulator.execution.dialing import PartyDialer
from telebridge.simulator.execution.gathering import gather
from telebridge.simulator.execution.live_call import LiveCallParts
from telebridge.simulator.execution.messages_left import record_message
from telebridge.simulator.execution.prompts import PromptPlayer
from telebridge.simulator.execution.queueing import QueueVisit, dial_queue
from telebridge.simulator.execution.recorder import RecordingControl
from telebridge.simulator.execution.streaming import ForkedStreams
from telebridge.simulator.execution.texting import MessageSender
from telebridge.simulator.http.client import RequestFailed
from telebridge.simulator.http.webhook_fields import call_fields
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.media.session import MediaSession
from telebridge.simulator.resources.messages import MessageSetup
from telebridge.simulator.resources.parameters import RecordingSetup
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.setup.faults import StreamFaults
from telebridge.simulator.twiml.interpreter import (
    Document,
    EndOfTwiml,
    Fetch,
    FetchFailed,
    Instruction,
    InstructionOutcome,
    VerbDone,
    VerbFailed,
)
from telebridge.simulator.twiml.verbs import (
    DialVerb,
    EchoVerb,
    EnqueueVerb,
    GatherVerb,
    PauseVerb,
    PlayVerb,
    RecordVerb,
    ReferVerb,
    RejectVerb,
    SayVerb,
    SmsVerb,
    StartRecordingVerb,
    StartStreamVerb,
    StopStreamVerb,
    StreamVerb,
)

NO_SUCH_STREAM = 12200


class EchoEnd:
    """The far end of `<Echo>`: callers hear themselves."""

    def frame(self, heard: bytes, /) -> Turn:
        """Give back what was said."""
        return Turn(heard)


class TwimlExecutor:
    """Executes the instructions of one call.

    Attributes:
        streams: The one-way streams of the call.

    Args:
        call: The call.
        recorder: Records it.
        sender: Sends text messages.
    """

    def __init__(self, call: LiveCallParts, recorder: RecordingControl, sender: MessageSender) -> None:
        self.streams = ForkedStreams(call)
        self._call = call
        self._recorder = recorder
        self._sender = sender
        self._player = PromptPlayer(call)
        self._connected_streams = 0

    async def execute(self, instruction: Instruction) -> InstructionOutcome:
        """Execute one instruction to its end."""
        self._call.note(EventKind.TWIML, type(instruction).__name__.removesuffix("Verb"))
        match instruction:
            case Fetch():
                return await self._fetch(instruction)
            case EndOfTwiml() | RejectVerb():
                raise AssertionError(instruction)
            case SayVerb() | PlayVerb() | PauseVerb():
                await self._player.play((instruction,))
                return VerbDone()
            case GatherVerb():
                return await gather(instruction, self._call.line, self._player)
            case StreamVerb():
                return await self._stream(instruction)
            case StartStreamVerb() | StopStreamVerb() | StartRecordingVerb() | SmsVerb():
                return self._perform_at_once(instruction)
            case _:
                self._call.cut_short.clear()
                return await self._perform(instruction)

    async def _perform(self, verb: DialVerb | RecordVerb | EnqueueVerb | ReferVerb | EchoVerb) -> InstructionOutcome:
        """Execute a verb that takes the line until it ends."""
        match verb:
            case DialVerb(conference=conference) if conference is not None:
                return await ConferenceVisit(self._call, self._recorder, self.execute).run(verb, conference)
            case DialVerb(queue=queue) if queue is not None:
                return await dial_queue(verb, queue, self._call)
            case DialVerb():
                return await PartyDialer(self._call, self._player, self._recorder).dial(verb)
            case RecordVerb():
                return await record_message(verb, self._call, self._recorder)
            case EnqueueVerb():
                return await QueueVisit(self._call, self.execute).run(verb)
            case ReferVerb():
                return await self._refer(verb)
            case EchoVerb():
                self._call.line.connect(EchoEnd())
                await self._call.line.far_hung_up.wait()  # never set: the end of the call cancels the verb
                return VerbDone()

    def _perform_at_once(
        self, verb: StartStreamVerb | StopStreamVerb | StartRecordingVerb | SmsVerb
    ) -> InstructionOutcome:
        """Execute a verb that begins or ends something beside the verbs that follow."""
        match verb:
            case StartStreamVerb():
                _ = self.streams.start(verb)
            case StopStreamVerb(name):
                try:
                    self.streams.stop(name)
                except ApiProblem:
                    self._call.warn(NO_SUCH_STREAM, f"<Stop> names no stream that goes on: {name}")
            case StartRecordingVerb(channels, track, trim, recording):
                self._recorder.start("StartCallRecordingTwiML", RecordingSetup(channels, track, trim, recording))
            case SmsVerb():
                return self._sms(verb)
        return VerbDone()

    async def _fetch(self, fetch: Fetch) -> InstructionOutcome:
        call = self._call
        try:
            for _ in range(call.options.faults.webhook_copies - 1):
                await call.client.request(fetch.url, fetch.method, call_fields(call.record) | dict(fetch.fields))
            response = await call.client.request(fetch.url, fetch.method, call_fields(call.record) | dict(fetch.fields))
        except RequestFailed as error:
            call.note(EventKind.REQUEST, f"{fetch.method} {fetch.url} {error.problem}")
            return FetchFailed(error.code, fetch.url)
        call.base_url = response.url
        call.note(EventKind.REQUEST, f"{fetch.method} {fetch.url} {response.status}")
        return Document(response.body, response.url, response.content_type)

    async def _stream(self, verb: StreamVerb) -> InstructionOutcome:
        call = self._call
        faults = call.options.faults.stream
        if self._connected_streams and faults.only_first:
            faults = StreamFaults()
        self._connected_streams += 1
        session = MediaSession(
            call.client, call.line, call.recording, call.callbacks.stream_event, faults=faults, options=call.options
        )
        outcome = await session.run(
            verb, base_url=call.base_url, call_sid=call.record.sid, account_sid=call.record.account_sid
        )
        if isinstance(outcome, VerbFailed):
            call.notify(outcome.code, outcome.problem, is_error=True)
        return outcome

    async def _refer(self, verb: ReferVerb) -> VerbDone:
        """Hand the caller to another address; how that goes is the script of whoever answers there."""
        script = self._call.options.script_for(verb.target)
        await asyncio.sleep(script.ring_seconds if script.pickup is not Pickup.NO_ANSWER else 0)
        accepted = script.pickup is Pickup.ANSWER
        return VerbDone(
            {
                "ReferCallStatus": "completed" if accepted else "failed",
                "ReferSipResponseCode": "202" if accepted else "603",
                "NotifySipResponseCode": "200" if accepted else "",
            }
        )

    def _sms(self, verb: SmsVerb) -> VerbDone:
        record = self._call.record
        inbound = record.direction == "inbound"
        to, from_ = (record.from_, record.to) if inbound else (record.to, record.from_)
        callback = self._call.absolute(verb.status_callback) if verb.status_callback else None
        setup = MessageSetup(verb.to or to, verb.from_ or from_, verb.body, status_callback=callback)
        message = self._sender.send(setup, direction="outbound-call")
        self._call.note(EventKind.SMS, f"{message.to} {message.body}")
        return VerbDone({"SmsSid": message.sid, "MessageSid": message.sid, "SmsStatus": message.status})
