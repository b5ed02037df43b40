"""The Recording resource: the audio of a call, a message or a conference, and its list.

Follows Twilio's Recording resource and "Recording status callbacks". The media of a recording is served at the address
of the resource without `.json`.

One rule: a recording that is completed never changes.
"""

import audioop
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from typing_extensions import override

from telebridge.audio import wav
from telebridge.audio.mulaw import BYTES_PER_SECOND, FRAME_BYTES, PCM_WIDTH, from_pcm, to_pcm
from telebridge.simulator.caller.sounds import SILENCE, is_audible
from telebridge.simulator.resources.call import API_VERSION, rfc2822
from telebridge.simulator.resources.pages import Filter, ResourceBook, by_time
from telebridge.simulator.resources.problems import ApiProblem


@dataclass(slots=True)
class RecordingResource:
    """One recording; instants are aware UTC datetimes.

    Args:
        source: What began it: RecordVerb, DialVerb, OutboundAPI, StartCallRecordingAPI, Conference, …
        channels: 1, or 2 with the caller in the first.
        legs: What was recorded, as mu-law: the caller's audio, and what the caller heard; set when it is completed.
    """

    sid: str
    account_sid: str
    call_sid: str
    source: str
    started_at: datetime
    channels: int = 1
    track: str = "both"
    conference_sid: str | None = None
    status: str = "in-progress"
    updated_at: datetime | None = None
    legs: tuple[bytes, ...] = ()

    @property
    def duration_seconds(self) -> int | None:
        """How long it is; None while it goes on."""
        if self.status != "completed":
            return None
        return round(max(map(len, self.legs), default=0) / BYTES_PER_SECOND)

    @property
    def path(self) -> str:
        """The path of its media on the API's host."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Recordings/{self.sid}"

    def audio(self, channels: int | None = None) -> bytes:
        """Return the media as a WAV file of 16-bit samples.

        Args:
            channels: 1 for both sides mixed; by default as it was recorded.
        """
        file = io.BytesIO()
        if (channels or self.channels) == 2 and len(self.legs) == 2:
            wav.write_stereo(file, *self.legs)
        else:
            wav.write(file, mixed(self.legs))
        return file.getvalue()

    def as_json(self) -> dict[str, object]:
        """Return the resource as Twilio does."""
        seconds = self.duration_seconds
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "call_sid": self.call_sid,
            "conference_sid": self.conference_sid,
            "date_created": rfc2822(self.started_at),
            "date_updated": rfc2822(self.updated_at or self.started_at),
            "start_time": rfc2822(self.started_at),
            "duration": None if seconds is None else str(seconds),
            "sid": self.sid,
            "price": None,
            "price_unit": "USD",
            "status": self.status,
            "channels": self.channels,
            "source": self.source,
            "error_code": None,
            "track": self.track,
            "uri": f"{self.path}.json",
            "encryption_details": None,
            "subresource_uris": {
                "add_on_results": f"{self.path}/AddOnResults.json",
                "transcriptions": f"{self.path}/Transcriptions.json",
            },
            "media_url": f"https://api.twilio.com{self.path}",
        }


class RecordingBook(ResourceBook[RecordingResource]):
    """All recordings of an account, newest last."""

    def __init__(self, account_sid: str) -> None:
        super().__init__(account_sid, "Recordings", "recordings", FILTERS)

    @override
    def delete(self, sid: str) -> None:
        if self.find(sid).status not in {"completed", "absent"}:
            raise ApiProblem(409, 20009, sid)
        super().delete(sid)

    def find_of_call(self, sid: str, call_sid: str) -> RecordingResource:
        """Return the recording of this sid.

        Raises:
            ApiProblem: There is none, or none of this call.
        """
        recording = self.find(sid)
        if recording.call_sid != call_sid:
            raise ApiProblem(404, 20404, f"{recording.path}.json")
        return recording

    def page_of_owner(self, owner_sid: str, query: Mapping[str, str], uri: str) -> dict[str, object]:
        """Return a page of the recordings of one call or conference.

        Raises:
            ApiProblem: A filter or a number is not valid.
        """
        return self.page_of(list(filter(_owned_by(owner_sid), self.all())), query, uri)


def _owned_by(sid: str) -> Callable[[RecordingResource], bool]:
    return lambda recording: sid in (recording.call_sid, recording.conference_sid)


FILTERS: Mapping[str, Filter[RecordingResource]] = {
    "CallSid": _owned_by,
    "ConferenceSid": _owned_by,
    **by_time("DateCreated", lambda recording: recording.started_at),
}


def mixed(legs: tuple[bytes, ...]) -> bytes:
    """Return several legs of mu-law as one."""
    length = max(map(len, legs), default=0)
    if len(legs) < 2:
        return legs[0] if legs else b""
    mix = to_pcm(legs[0].ljust(length, SILENCE))
    for leg in legs[1:]:
        mix = audioop.add(mix, to_pcm(leg.ljust(length, SILENCE)), PCM_WIDTH)
    return from_pcm(mix)


def audible_span(mulaw: bytes) -> tuple[int, int]:
    """Return where the first audible frame begins and the last one ends; both 0 where all is silence."""
    audible = [at for at in range(0, len(mulaw), FRAME_BYTES) if is_audible(mulaw[at : at + FRAME_BYTES])]
    return (audible[0], min(audible[-1] + FRAME_BYTES, len(mulaw))) if audible else (0, 0)


def trimmed(legs: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the legs without the silence at both ends, which is that of both together."""
    begin, end = audible_span(mixed(legs))
    return tuple(leg[begin:end] for leg in legs)
