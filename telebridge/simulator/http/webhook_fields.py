"""The form fields of Twilio's webhook requests, and the connection overrides in the URL's fragment.

Follows Twilio's "TwiML request parameters", Call resource ("StatusCallback"), `<Stream>` status callbacks, answering
machine detection, and "Webhooks connection overrides".

One rule: every value is a string, and empty fields that Twilio sends are sent.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from urllib.parse import parse_qsl, quote, urlsplit

from telebridge.simulator.resources.call import API_VERSION, CallResource, timestamp
from telebridge.twilio.calls import CallStatus

GEOGRAPHY = ("City", "State", "Zip", "Country")
ROLES = ("Called", "Caller", "From", "To")
SIP_CODES = {
    CallStatus.BUSY: 486,
    CallStatus.NO_ANSWER: 487,
    CallStatus.CANCELED: 487,
    CallStatus.FAILED: 404,
    CallStatus.COMPLETED: 200,
}
LONGEST_TOTAL_MS = 15_000


@dataclass(frozen=True, slots=True)
class ConnectionOverrides:
    """The time-outs and retries of a request, from the URL's fragment, such as `#ct=2000&rc=3&rp=5xx,ct`."""

    url: str
    connect_ms: int = 5000
    read_ms: int = 15_000
    total_ms: int = LONGEST_TOTAL_MS
    max_retries: int = 1
    retry_on: frozenset[str] = frozenset({"ct"})

    def retries(self, failure: str) -> bool:
        """Return whether a request that failed so (4xx, 5xx, ct, rt) is retried."""
        return failure in self.retry_on or "all" in self.retry_on


def connection_overrides(url: str) -> ConnectionOverrides:
    """Return the overrides of a URL; invalid values in its fragment are ignored."""
    target, _, fragment = url.partition("#")
    given = dict(parse_qsl(fragment))

    def number(name: str, default: int, least: int, most: int) -> int:
        text = given.get(name, "")
        valid = text.isascii() and text.isdecimal() and len(text) < 6 and least <= int(text) <= most
        return int(text) if valid else default

    return ConnectionOverrides(
        url=target,
        connect_ms=number("ct", 5000, 100, 10_000),
        read_ms=number("rt", 15_000, 100, 15_000),
        total_ms=number("tt", LONGEST_TOTAL_MS, 100, LONGEST_TOTAL_MS),
        max_retries=number("rc", 1, 0, 5),
        retry_on=frozenset(given.get("rp", "ct").split(",")),
    )


def call_fields(record: CallResource) -> dict[str, str]:
    """Return the fields of every request about a call."""
    numbers = {"Called": record.to, "Caller": record.from_, "From": record.from_, "To": record.to}
    fields = {
        "AccountSid": record.account_sid,
        "ApiVersion": API_VERSION,
        "CallSid": record.sid,
        "CallStatus": record.status.value,
        "Direction": record.direction,
        **numbers,
    }
    for role in ROLES:
        fields |= {f"{role}{part}": "" for part in GEOGRAPHY}
        fields[f"{role}Country"] = "US" if numbers[role].startswith("+1") else ""
    if record.parent_call_sid is not None:
        fields["ParentCallSid"] = record.parent_call_sid
    return fields


def first_inbound_fields(record: CallResource) -> dict[str, str]:
    """Return the fields of the first request of an inbound call only. The CallToken is itself percent-encoded."""
    token = quote(json.dumps({"parentCallInfoToken": "e30.e30.simulated", "identityHeaderTokens": []}), safe="")
    return {"CallToken": token, "StirVerstat": record.stir_verstat or "TN-Validation-Passed-A"}


def detection_fields(verdict: str, duration_ms: int) -> dict[str, str]:
    """Return the fields with the result of answering machine detection."""
    return {"AnsweredBy": verdict, "MachineDetectionDuration": str(duration_ms)}


def status_fields(record: CallResource, *, sequence_number: int, at: datetime) -> dict[str, str]:
    """Return the fields of a call status callback: CallDuration is in seconds, Duration in begun minutes."""
    fields = call_fields(record) | {
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(sequence_number),
        "Timestamp": timestamp(at),
    }
    seconds = record.duration_seconds
    if seconds is not None:
        fields |= {"CallDuration": str(seconds), "Duration": str(ceil(seconds / 60))}
        fields["SipResponseCode"] = str(record.sip_response_code or SIP_CODES[record.status])
    if record.answered_by is not None and record.status.is_final:
        fields["AnsweredBy"] = record.answered_by
    return fields


def stream_fields(
    record: CallResource,
    *,
    stream_sid: str,
    name: str,
    event: str,
    at: datetime,
    code: int | None = None,
    error: str = "",
) -> dict[str, str]:
    """Return the fields of a stream callback: stream-started, stream-stopped or stream-error."""
    fields = {
        "AccountSid": record.account_sid,
        "CallSid": record.sid,
        "StreamSid": stream_sid,
        "StreamName": name or stream_sid,
        "StreamEvent": event,
        "Timestamp": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06}000Z",
    }
    if code is not None:
        fields |= {"StreamErrorCode": str(code), "StreamError": error}
    return fields


def is_loopback(url: str) -> bool:
    """Whether a URL is on this machine: what Twilio itself would refuse and a simulator is for."""
    return (urlsplit(url).hostname or "") in {"localhost", "127.0.0.1", "::1"}
