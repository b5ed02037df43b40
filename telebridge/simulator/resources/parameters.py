"""The parameters of the REST requests that create and update a call, checked as Twilio checks them.

Follows Twilio's Call resource ("Create a Call", "Update a Call"), its error dictionary and its test credentials page.

One rule: any request gives a `CallSetup` or `CallUpdate`, or raises an `ApiProblem` with Twilio's code.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from telebridge.simulator.resources.fields import RequestFields
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.twiml.nouns import CALL_EVENTS, RECORDING_EVENTS
from telebridge.simulator.twiml.verbs import NO_CALLBACK, EventCallback

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
ADDRESS = re.compile(r"(sip:|client:)\S+", re.IGNORECASE)
SEND_DIGITS = re.compile(r"[0-9A-Da-d#*wW]{1,32}")
LONGEST_TWIML = 4000

# Twilio's magic numbers; no telephone has them.
MAGIC_FROM = {"+15005550001": 21212}
MAGIC_TO = {"+15005550001": 21217, "+15005550002": 21214, "+15005550003": 21215, "+15005550004": 21216}


@dataclass(frozen=True, slots=True)
class MachineDetection:
    """The answering machine detection of a call."""

    mode: str
    asynchronous: bool = False
    callback: str | None = None
    callback_method: str = "POST"

    def verdict(self, answered_by: str) -> str:
        """Return Twilio's `AnsweredBy` for what answers according to the script."""
        if answered_by != "machine":
            return answered_by
        return "machine_start" if self.mode == "Enable" else "machine_end_beep"


@dataclass(frozen=True, slots=True)
class RecordingSetup:
    """How a call is recorded.

    Args:
        channels: 1, or 2 with the caller in the first.
        track: inbound, outbound or both.
        trim: Whether silence at both ends is cut.
        callback: Where the application is told about the recording.
    """

    channels: int = 1
    track: str = "both"
    trim: bool = False
    callback: EventCallback = NO_CALLBACK


@dataclass(frozen=True, slots=True)
class CallSetup:
    """The parameters of a call: of a create request, or of the number that an inbound call reaches."""

    to: str
    from_: str
    url: str | None = None
    method: str = "POST"
    twiml: str | None = None
    fallback_url: str | None = None
    fallback_method: str = "POST"
    status_callback: str | None = None
    status_callback_method: str = "POST"
    status_events: tuple[str, ...] = ("completed",)
    timeout_seconds: float = 60.0
    time_limit_seconds: float = 14_400.0
    send_digits: str = ""
    detection: MachineDetection | None = None
    recording: "RecordingSetup | None" = None


@dataclass(frozen=True, slots=True)
class CallUpdate:
    """The parameters of an update of a live call; `status` ends the call."""

    status: str | None = None
    url: str | None = None
    method: str = "POST"
    twiml: str | None = None


def read_create(raw: Mapping[str, Sequence[str]], *, owned_numbers: frozenset[str] | None = None) -> CallSetup:
    """Return the parameters of a create request.

    Args:
        raw: The form, a list of values for each name.
        owned_numbers: The values that `From` may have; None for any number.

    Raises:
        ApiProblem: As Twilio would answer.
    """
    fields = RequestFields(raw)
    to, from_ = _numbers(fields, owned_numbers)
    url, twiml = fields.url("Url"), fields.text("Twiml") or None
    if fields.text("ApplicationSid"):
        raise ApiProblem(400, 21218, fields.text("ApplicationSid"))
    if url is None and twiml is None:
        raise ApiProblem(400, 21205, "")
    if twiml is not None and len(twiml) > LONGEST_TWIML:
        raise ApiProblem(400, 20422, "Twiml")
    send_digits = fields.text("SendDigits")
    if send_digits and not SEND_DIGITS.fullmatch(send_digits):
        raise ApiProblem(400, 21206, send_digits)
    return CallSetup(
        to=to,
        from_=from_,
        url=url,
        method=fields.method("Method"),
        twiml=twiml if url is None else None,
        fallback_url=fields.url("FallbackUrl"),
        fallback_method=fields.method("FallbackMethod"),
        status_callback=_callback(fields, "StatusCallback"),
        status_callback_method=fields.method("StatusCallbackMethod"),
        status_events=_events(fields),
        timeout_seconds=fields.seconds("Timeout", 60, 1, 600, 21208),
        time_limit_seconds=fields.seconds("TimeLimit", 14_400, 60, 86_400),
        send_digits=send_digits,
        detection=None if send_digits else _detection(fields),
        recording=read_recording(raw) if fields.flag("Record") else None,
    )


def read_recording(raw: Mapping[str, Sequence[str]]) -> RecordingSetup:
    """Return how a call or a part of it is to be recorded.

    Raises:
        ApiProblem: As Twilio would answer.
    """
    fields = RequestFields(raw)
    channels = fields.word("RecordingChannels", "mono", ("mono", "dual"))
    track = fields.word("RecordingTrack", "both", ("inbound", "outbound", "both"))
    trim = fields.word("Trim", "do-not-trim", ("trim-silence", "do-not-trim"))
    url, method = fields.url("RecordingStatusCallback"), fields.method("RecordingStatusCallbackMethod")
    events = tuple(word for value in fields.all("RecordingStatusCallbackEvent") for word in value.split())
    if any(event not in RECORDING_EVENTS for event in events):
        raise ApiProblem(400, 20422, "RecordingStatusCallbackEvent")
    callback = EventCallback(url, method, events or ("completed",)) if url else EventCallback()
    return RecordingSetup(2 if channels == "dual" else 1, track, trim == "trim-silence", callback)


def read_update(raw: Mapping[str, Sequence[str]]) -> CallUpdate:
    """Return the parameters of an update request.

    Raises:
        ApiProblem: As Twilio would answer.
    """
    fields = RequestFields(raw)
    status, url, twiml = fields.text("Status") or None, fields.url("Url"), fields.text("Twiml") or None
    if status not in {None, "canceled", "completed"}:
        raise ApiProblem(400, 20422, "Status")
    if url is not None and twiml is not None:
        raise ApiProblem(400, 20422, "Twiml")
    return CallUpdate(status, url, fields.method("Method"), twiml)


def _numbers(fields: RequestFields, owned_numbers: frozenset[str] | None) -> tuple[str, str]:
    to, from_ = fields.text("To"), fields.text("From")
    if not to:
        raise ApiProblem(400, 21201)
    if not from_:
        raise ApiProblem(400, 21213)
    if not _is_address(to) or to == from_:
        raise ApiProblem(400, 21211, to)
    if not _is_address(from_) or from_ in MAGIC_FROM:
        raise ApiProblem(400, 21212, from_)
    if owned_numbers is not None and from_ not in owned_numbers:
        raise ApiProblem(400, 21210, from_)
    if to in MAGIC_TO:
        raise ApiProblem(400, MAGIC_TO[to], to)
    return to, from_


def _is_address(text: str) -> bool:
    return bool(E164.fullmatch(text) or ADDRESS.fullmatch(text))


def _callback(fields: RequestFields, name: str) -> str | None:
    url = fields.url(name, 21609)
    if url is not None and "_" in (urlsplit(url).hostname or ""):
        raise ApiProblem(400, 21609, url)
    return url


def _events(fields: RequestFields) -> tuple[str, ...]:
    # One repeated key as documented; the space-separated list that TwiML uses is taken too.
    events = tuple(word for value in fields.all("StatusCallbackEvent") for word in value.split())
    for event in events:
        if event not in CALL_EVENTS:
            raise ApiProblem(400, 21626, event)
    return events or ("completed",)


def _detection(fields: RequestFields) -> MachineDetection | None:
    mode = fields.text("MachineDetection")
    if mode not in {"", "Enable", "DetectMessageEnd"}:
        raise ApiProblem(400, 21234, mode)
    if not mode:
        return None
    # The value is a string, and only the lower-case word is documented: Python's "True" is not it.
    asynchronous = fields.text("AsyncAmd", "false") == "true"
    callback = fields.url("AsyncAmdStatusCallback")
    return MachineDetection(mode, asynchronous, callback, fields.method("AsyncAmdStatusCallbackMethod"))
