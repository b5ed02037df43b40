"""Executes `<Dial><Conference>`: the caller enters a room, waits until it starts, and hears all others.

Follows Twilio's `<Conference>`.
"""

import asyncio
from dataclasses import replace

from telebridge.audio.tones import sine
from telebridge.simulator.callbacks import Callback
from telebridge.simulator.execution.dialing import wait_connected
from telebridge.simulator.execution.live_call import Account, LiveCallParts
from telebridge.simulator.execution.recorder import RecordingControl
from telebridge.simulator.execution.waiting import Execute, wait_by_documents
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.media.room import RoomSeat
from telebridge.simulator.new_sids import new_sid
from telebridge.simulator.resources.call import timestamp
from telebridge.simulator.resources.conferences import ConferenceEvent, ConferenceResource
from telebridge.simulator.resources.parameters import RecordingSetup
from telebridge.simulator.twiml.interpreter import VerbDone
from telebridge.simulator.twiml.verbs import ConferenceNoun, DialVerb

FULL = 12200
ENTER_BEEP, EXIT_BEEP = sine(880, 200), sine(660, 200)


def report_conference(account: Account, conference: ConferenceResource, events: list[ConferenceEvent]) -> None:
    """Tell the application about events of a conference, as far as it asks for them."""
    for event in events:
        callback = conference.callback
        if callback.url and event.kind in callback.events:
            fields = {**event.fields, "Timestamp": timestamp(account.clock.wallclock())}
            account.callbacks.send(Callback(event.name, callback.url, callback.method, fields))


class ConferenceVisit:
    """The stay of one call in a conference."""

    def __init__(self, call: LiveCallParts, recorder: RecordingControl, execute: Execute) -> None:
        self._call = call
        self._recorder = recorder
        self._execute = execute

    async def run(self, verb: DialVerb, noun: ConferenceNoun) -> VerbDone:
        """Stay until the conference ends, the time limit ends, or the caller is removed."""
        call = self._call
        conference = self._conference(noun)
        if len(conference.participants) >= noun.max_participants:
            call.warn(FULL, f"the conference {noun.name} is full")
            return VerbDone({"DialCallStatus": "failed"})
        events = conference.enter(call.record.sid, self._absolute(noun), at=call.account.clock.wallclock())
        seat = conference.participants[call.record.sid].seat
        self._tell(conference, events)
        if noun.beep in {"true", "onEnter"} and conference.status == "in-progress":
            conference.room.announce(ENTER_BEEP)
        began = call.now()
        call.cut_short["DialCallStatus"] = "completed"
        reason = "participant_hung_up"
        try:
            await self._wait_for_start(conference, seat, noun)
            if not seat.closed:
                await self._take_part(conference, verb)
            reason = "participant_updated_via_api" if seat.closed else "moderator_ended_conference"
        finally:
            call.line.connect(None)
            self._tell(conference, conference.leave(call.record.sid, reason, at=call.account.clock.wallclock()))
            if noun.beep in {"true", "onExit"}:
                conference.room.announce(EXIT_BEEP)
            call.cut_short["DialCallDuration"] = str(round(call.now() - began))
        return VerbDone(dict(call.cut_short))

    def _conference(self, noun: ConferenceNoun) -> ConferenceResource:
        call = self._call
        conference = call.account.books.conferences.of(noun.name)
        if conference is None:
            at = call.account.clock.wallclock()
            conference = ConferenceResource(new_sid("CF"), call.record.account_sid, noun.name, at)
            call.account.books.conferences.add(conference)
        return conference

    def _absolute(self, noun: ConferenceNoun) -> ConferenceNoun:
        """Return the noun with callbacks that can be sent when its document is not the current one any more."""
        status, recording = noun.status, noun.recording
        if status.url:
            status = replace(status, url=self._call.absolute(status.url))
        if recording.url:
            recording = replace(recording, url=self._call.absolute(recording.url))
        return replace(noun, status=status, recording=recording)

    async def _wait_for_start(self, conference: ConferenceResource, seat: RoomSeat, noun: ConferenceNoun) -> None:
        """Wait, with what `waitUrl` gives, until the members hear each other."""
        started = asyncio.Event()
        seat.on_open = started.set
        self._call.line.connect(seat)  # so that somebody who is removed while waiting leaves at once
        if conference.status != "init":
            return
        fields = {"ConferenceSid": conference.sid, "FriendlyName": conference.name}
        url = self._call.absolute(noun.wait_url) if noun.wait_url else ""
        waiting = asyncio.create_task(
            wait_by_documents(self._call, url, noun.wait_method, lambda: fields, self._execute)
        )
        opening = asyncio.create_task(started.wait())
        removed = asyncio.create_task(self._call.line.far_hung_up.wait())
        try:
            await asyncio.wait({opening, removed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (waiting, opening, removed):
                task.cancel()
            await asyncio.gather(waiting, opening, removed, return_exceptions=True)

    async def _take_part(self, conference: ConferenceResource, verb: DialVerb) -> None:
        call, noun = self._call, conference.participants[self._call.record.sid].noun
        recording = None
        if noun.record and not conference.recorded:
            conference.recorded = True
            setup = RecordingSetup(callback=noun.recording)
            recording = self._recorder.start("Conference", setup, conference_sid=conference.sid)
        try:
            await wait_connected(call, limit_seconds=verb.time_limit_seconds, hangup_on_star=verb.hangup_on_star)
        finally:
            if recording is not None and recording.status != "completed":
                self._recorder.stop(recording.sid)

    def _tell(self, conference: ConferenceResource, events: list[ConferenceEvent]) -> None:
        for event in events:
            self._call.note(EventKind.CONFERENCE, event.name)
        report_conference(self._call.account, conference, events)
