"""The Conference and Participant resources: who is in a room, when it starts and when it ends.

Follows Twilio's `<Conference>` ("Attributes", "Status callbacks") and its Conference and Participant resources: a
conference begins when two are in it, one of whom has `startConferenceOnEnter`, and ends with the last one, or with one
who has `endConferenceOnExit`.

One rule: nothing here waits or sends; each change returns the events that are to be reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from typing_extensions import override

from telebridge.simulator.media.room import AudioRoom, RoomSeat
from telebridge.simulator.resources.call import API_VERSION, rfc2822
from telebridge.simulator.resources.fields import RequestFields
from telebridge.simulator.resources.pages import Filter, ResourceBook, equal
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.twiml.verbs import NO_CALLBACK, ConferenceNoun, EventCallback


@dataclass(frozen=True, slots=True)
class ConferenceEvent:
    """An event of a conference, such as "participant-join", with the participant's call if it has one."""

    name: str
    call_sid: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The word in `statusCallbackEvent` that asks for it."""
        word = self.name.partition("-")[2]
        return {"unmute": "mute", "unhold": "hold"}.get(word, word)


@dataclass(slots=True)
class ParticipantResource:
    """A call in a conference."""

    conference: "ConferenceResource"
    call_sid: str
    noun: ConferenceNoun
    seat: RoomSeat
    created_at: datetime
    updated_at: datetime

    @property
    def sid(self) -> str:
        """What names it in its list: the sid of the call."""
        return self.call_sid

    def update(self, raw: Mapping[str, Sequence[str]], *, at: datetime) -> list[ConferenceEvent]:
        """Mute, hold or release the participant, as a REST request says."""
        fields, events = RequestFields(raw), []
        if "Muted" in raw and fields.flag("Muted") != self.seat.muted:
            self.seat.muted = fields.flag("Muted")
            events.append(self.conference.event(f"participant-{'' if self.seat.muted else 'un'}mute", self))
        if "Hold" in raw and fields.flag("Hold") != self.seat.hold:
            self.seat.hold = fields.flag("Hold")
            events.append(self.conference.event(f"participant-{'' if self.seat.hold else 'un'}hold", self))
        self.updated_at = at
        return events

    def as_json(self) -> dict[str, object]:
        """Return the resource as Twilio does."""
        started = self.conference.status == "in-progress"
        uri = f"{self.conference.path}/Participants/{self.call_sid}.json"
        return {
            "account_sid": self.conference.account_sid,
            "call_sid": self.call_sid,
            "label": self.noun.label or None,
            "call_sid_to_coach": None,
            "coaching": False,
            "conference_sid": self.conference.sid,
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.updated_at),
            "end_conference_on_exit": self.noun.end_on_exit,
            "muted": self.seat.muted,
            "hold": self.seat.hold,
            "start_conference_on_enter": self.noun.start_on_enter,
            "status": "connected" if started else "queued",
            "queue_time": None,
            "uri": uri,
        }


@dataclass(slots=True)
class ConferenceResource:
    """One conference; instants are aware UTC datetimes.

    Args:
        status: init, in-progress or completed.
        callback: Where the application is told; that of the first participant who has one.
        recorded: Whether a participant records it.
        events: How many events there were so far.
    """

    sid: str
    account_sid: str
    name: str
    created_at: datetime
    status: str = "init"
    updated_at: datetime | None = None
    reason_ended: str | None = None
    ended_by: str | None = None
    callback: EventCallback = NO_CALLBACK
    participants: dict[str, ParticipantResource] = field(default_factory=dict)
    room: AudioRoom = field(default_factory=lambda: AudioRoom(is_open=False))
    recorded: bool = False
    events: int = 0

    @property
    def path(self) -> str:
        """The path of the resource on the API's host, without `.json`."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Conferences/{self.sid}"

    def enter(self, call_sid: str, noun: ConferenceNoun, *, at: datetime) -> list[ConferenceEvent]:
        """Let a call in, and start the conference if it is the one that was waited for."""
        seat = self.room.enter(muted=noun.muted)
        participant = ParticipantResource(self, call_sid, noun, seat, at, at)
        self.participants[call_sid] = participant
        if not self.callback.url:
            self.callback = noun.status
        started = []
        starts = any(each.noun.start_on_enter for each in self.participants.values())
        if self.status == "init" and starts and len(self.participants) > 1:
            self.status, self.updated_at = "in-progress", at
            self.room.start()
            started.append(self.event("conference-start"))
        return [*started, self.event("participant-join", participant)]

    def leave(self, call_sid: str, reason: str, *, at: datetime) -> list[ConferenceEvent]:
        """Take a call out, and end the conference if it was the last one or one that ends it."""
        participant = self.participants.pop(call_sid, None)
        if participant is None:
            return []
        self.room.leave(participant.seat)
        events = [self.event("participant-leave", participant, {"ReasonParticipantLeft": reason})]
        if participant.noun.end_on_exit and self.participants:
            events += self.end("participant-with-end-conference-on-exit-left", call_sid, at=at)
        if not self.participants and self.status != "completed":
            events += self.end("last-participant-left", call_sid, at=at)
        return events

    def end(self, reason: str, call_sid: str = "", *, at: datetime) -> list[ConferenceEvent]:
        """End the conference: all who are in it have to leave."""
        if self.status == "completed":
            return []
        self.status, self.updated_at, self.reason_ended, self.ended_by = "completed", at, reason, call_sid or None
        self.room.close()
        fields = {"ReasonConferenceEnded": reason, "CallSidEndingConference": call_sid, "Reason": reason}
        return [self.event("conference-end", None, fields)]

    def event(
        self, name: str, participant: ParticipantResource | None = None, fields: Mapping[str, str] | None = None
    ) -> ConferenceEvent:
        """Return an event with the fields that every one of its kind has."""
        own: dict[str, str] = dict(fields or {})
        if participant is not None:
            own |= {
                "CallSid": participant.call_sid,
                "Muted": str(participant.seat.muted).lower(),
                "Hold": str(participant.seat.hold).lower(),
                "Coaching": "false",
                "EndConferenceOnExit": str(participant.noun.end_on_exit).lower(),
                "StartConferenceOnEnter": str(participant.noun.start_on_enter).lower(),
            }
            if participant.noun.label:
                own["ParticipantLabel"] = participant.noun.label
        self.events += 1
        identity = {"AccountSid": self.account_sid, "ConferenceSid": self.sid, "FriendlyName": self.name}
        own |= {**identity, "StatusCallbackEvent": name, "SequenceNumber": str(self.events)}
        return ConferenceEvent(name, None if participant is None else participant.call_sid, own)

    def as_json(self) -> dict[str, object]:
        """Return the resource as Twilio does."""
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "call_sid_ending_conference": self.ended_by,
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.updated_at or self.created_at),
            "friendly_name": self.name,
            "reason_conference_ended": self.reason_ended,
            "region": "us1",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {
                "participants": f"{self.path}/Participants.json",
                "recordings": f"{self.path}/Recordings.json",
            },
            "uri": f"{self.path}.json",
        }


FILTERS: Mapping[str, Filter[ConferenceResource]] = {
    "FriendlyName": equal(lambda conference: conference.name),
    "Status": equal(lambda conference: conference.status),
}


class ConferenceBook(ResourceBook[ConferenceResource]):
    """The conferences of an account, newest last. A name stands for the conference of that name that goes on."""

    def __init__(self, account_sid: str) -> None:
        super().__init__(account_sid, "Conferences", "conferences", FILTERS)

    def of(self, name: str) -> ConferenceResource | None:
        """Return the conference of this name that goes on."""
        for conference in self._resources.values():
            if conference.name == name and conference.status != "completed":
                return conference
        return None

    @override
    def find(self, sid: str) -> ConferenceResource:
        """Return the conference of this sid, or of this name while it goes on.

        Raises:
            ApiProblem: There is none.
        """
        named = None if sid in self._resources else self.of(sid)
        return named or super().find(sid)

    def participant(self, sid: str, call_sid: str) -> ParticipantResource:
        """Return a participant by the sid of the call or by its label.

        Raises:
            ApiProblem: There is none.
        """
        conference = self.find(sid)
        for each in conference.participants.values():
            if call_sid in (each.call_sid, each.noun.label):
                return each
        raise ApiProblem(404, 20404, f"{conference.path}/Participants/{call_sid}.json")
