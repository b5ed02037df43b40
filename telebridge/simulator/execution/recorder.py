"""The recordings of one call: begun and ended by verbs, by the REST API, and by the end of the call.

Follows Twilio's Recording resource ("Create", "Update") and "Recording status callbacks".

One rule: a recording is a span of the two legs that the call keeps anyway, so it costs nothing while it goes on.
"""

from dataclasses import dataclass, field

from telebridge.audio.mulaw import BYTES_PER_SECOND
from telebridge.simulator.caller.sounds import SILENCE
from telebridge.simulator.execution.live_call import LiveCallParts
from telebridge.simulator.media.recording import EventKind
from telebridge.simulator.new_sids import new_sid
from telebridge.simulator.resources.call import timestamp
from telebridge.simulator.resources.parameters import RecordingSetup
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.resources.recordings import RecordingResource, trimmed


@dataclass(slots=True)
class OpenRecording:
    """A recording that goes on.

    Args:
        spans: What was recorded before a pause, in bytes of the legs.
        since: Where what is recorded now begins; None while it is paused.
        silent_pauses: Whether a pause becomes silence; otherwise it is left out.
    """

    resource: RecordingResource
    setup: RecordingSetup
    since: int | None
    spans: list[tuple[int, int]] = field(default_factory=list)
    silent_pauses: bool = True


class RecordingControl:
    """Records one call.

    Args:
        call: The call; its line is open when a recording begins.
    """

    def __init__(self, call: LiveCallParts) -> None:
        self._call = call
        self._open: dict[str, OpenRecording] = {}

    def start(self, source: str, setup: RecordingSetup, *, conference_sid: str | None = None) -> RecordingResource:
        """Begin a recording, and tell the application if it asks for that."""
        record = self._call.record
        resource = RecordingResource(
            new_sid("RE"),
            record.account_sid,
            record.sid,
            source,
            self._call.account.clock.wallclock(),
            channels=setup.channels,
            track=setup.track,
            conference_sid=conference_sid,
        )
        self._call.account.books.recordings.add(resource)
        self._open[resource.sid] = OpenRecording(resource, setup, self._position())
        self._changed(resource, setup, "in-progress")
        return resource

    def stop(self, sid: str) -> RecordingResource:
        """End a recording: its audio is there at once.

        Raises:
            ApiProblem: No such recording goes on.
        """
        opened = self._find(sid)
        del self._open[opened.resource.sid]
        resource = opened.resource
        if opened.since is not None:
            opened.spans.append((opened.since, self._position()))
        resource.legs = self._legs(opened)
        if opened.setup.trim:
            resource.legs = trimmed(resource.legs)
        resource.status = "completed" if any(resource.legs) else "absent"
        resource.updated_at = self._call.account.clock.wallclock()
        self._changed(resource, opened.setup, resource.status)
        return resource

    def update(self, sid: str, status: str, *, silent_pauses: bool = True) -> RecordingResource:
        """Pause, resume or end a recording, as a REST request says.

        Raises:
            ApiProblem: No such recording goes on, or there is no such status.
        """
        opened = self._find(sid)
        if status == "stopped":
            return self.stop(opened.resource.sid)
        if status == "paused" and opened.since is not None:
            opened.spans.append((opened.since, self._position()))
            opened.since, opened.silent_pauses = None, silent_pauses
        elif status == "in-progress" and opened.since is None:
            opened.since = self._position()
        elif status not in {"paused", "in-progress"}:
            raise ApiProblem(400, 20422, "Status")
        opened.resource.status = status
        return opened.resource

    def stop_all(self) -> None:
        """End all recordings, because the call is over."""
        for sid in list(self._open):
            self.stop(sid)

    def fields_of(self, resource: RecordingResource) -> dict[str, str]:
        """Return the fields with which the application is told about a recording elsewhere, such as to an action."""
        url = self._call.account.api_url + resource.path
        fields = {"RecordingUrl": url, "RecordingSid": resource.sid}
        if (seconds := resource.duration_seconds) is not None:
            fields["RecordingDuration"] = str(seconds)
        return fields

    def _find(self, sid: str) -> OpenRecording:
        if sid == "Twilio.CURRENT" and self._open:
            return next(reversed(self._open.values()))
        if sid not in self._open:
            raise ApiProblem(404, 20404, sid)
        return self._open[sid]

    def _position(self) -> int:
        return round((self._call.now() - self._call.recording.opened_at) * BYTES_PER_SECOND)

    def _legs(self, opened: OpenRecording) -> tuple[bytes, ...]:
        call = self._call
        driver = call.line
        call.recording.heard = driver.line.playout.heard(now=call.now())
        end = self._position()
        both = {"inbound": call.recording.caller_leg(), "outbound": call.recording.bridge_leg()}
        tracks = ("inbound", "outbound") if opened.setup.track == "both" else (opened.setup.track,)
        legs = []
        for track in tracks:
            leg, pieces, at = both[track].ljust(end, SILENCE), [], None
            for begin, ends in opened.spans:
                if at is not None and opened.silent_pauses:
                    pieces.append(SILENCE * (begin - at))
                pieces.append(leg[begin:ends])
                at = ends
            legs.append(b"".join(pieces))
        return tuple(legs)

    def _changed(self, resource: RecordingResource, setup: RecordingSetup, event: str) -> None:
        self._call.note(EventKind.RECORDING, f"{event} {resource.source}")
        if event not in setup.callback.events:
            return
        record = self._call.record
        fields = {
            "AccountSid": record.account_sid,
            "CallSid": record.sid,
            **self.fields_of(resource),
            "RecordingStatus": event,
            "RecordingChannels": str(resource.channels),
            "RecordingTrack": resource.track,
            "RecordingSource": resource.source,
            "RecordingStartTime": timestamp(resource.started_at),
            "ErrorCode": "0",
        }
        if resource.conference_sid is not None:
            fields["ConferenceSid"] = resource.conference_sid
        self._call.send(f"recording-{event}", setup.callback.url, setup.callback.method, fields)
