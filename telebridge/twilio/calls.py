"""A call as Twilio's REST API and its callbacks describe it: the request for it, its status, the order of statuses.

Follows Twilio, "Call resource": statuses, callback fields (`CallDuration` is in seconds, `Duration` in minutes), and
the warning that callbacks come in any order.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from telebridge.errors import RemoteProtocolError

SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}", re.ASCII)
"""A name that Twilio gives: two letters and 32 hexadecimal digits (Twilio, "Glossary: SID")."""


def is_sid(text: str) -> bool:
    """Whether a text is a SID. What is none comes from somebody else, and may be a path."""
    return SID.fullmatch(text) is not None


STATUS_EVENTS = ("initiated", "ringing", "answered", "completed")


class CallStatus(Enum):
    """The status of a call; the last five are final."""

    QUEUED = "queued"
    INITIATED = "initiated"
    RINGING = "ringing"
    IN_PROGRESS = "in-progress"
    COMPLETED = "completed"
    BUSY = "busy"
    FAILED = "failed"
    NO_ANSWER = "no-answer"
    CANCELED = "canceled"

    @property
    def is_final(self) -> bool:
        """Whether the call is over: no other status follows."""
        return self in FINAL


FINAL = frozenset({CallStatus.COMPLETED, CallStatus.BUSY, CallStatus.FAILED, CallStatus.NO_ANSWER, CallStatus.CANCELED})
ORDER = {
    status: rank
    for rank, statuses in enumerate(
        ({CallStatus.QUEUED}, {CallStatus.INITIATED}, {CallStatus.RINGING}, {CallStatus.IN_PROGRESS}, FINAL)
    )
    for status in statuses
}


def further_status(known: CallStatus | None, reported: CallStatus) -> CallStatus:
    """Return the status of a call after a report, which may come late, doubled or out of order.

    A status only advances: a final one is never left, and an earlier one never comes back.
    """
    return reported if known is None or ORDER[reported] > ORDER[known] else known


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A request for an outbound call.

    Args:
        to: The number to call, in E.164 for the most part.
        from_: A number that the account owns or has verified.
        url: The voice webhook that Twilio requests when the call is answered.
        status_callback: Gets a request for every status of the call; empty for none.
        fallback_url: Requested when `url` fails; empty for none.
        ring_seconds: How long it may ring.
        time_limit_seconds: How long the call may last; None for Twilio's own limit.
        machine_detection: "Enable", "DetectMessageEnd", or empty to take every answer for a human.
        amd_callback: With it, detection runs while the call already talks, and the verdict is sent there.
    """

    to: str
    from_: str
    url: str
    status_callback: str = ""
    fallback_url: str = ""
    ring_seconds: int = 60
    time_limit_seconds: int | None = None
    machine_detection: str = ""
    amd_callback: str = ""

    def parameters(self) -> dict[str, str | int | list[str]]:
        """Return the keyword arguments of the `twilio` package's `calls.create`, without fields that are not set."""
        parameters: dict[str, str | int | list[str]] = {
            "to": self.to,
            "from_": self.from_,
            "url": self.url,
            "timeout": self.ring_seconds,
        }
        if self.fallback_url:
            parameters["fallback_url"] = self.fallback_url
        if self.time_limit_seconds is not None:
            parameters["time_limit"] = self.time_limit_seconds
        if self.status_callback:
            parameters["status_callback"] = self.status_callback
            parameters["status_callback_event"] = list(STATUS_EVENTS)
        if self.machine_detection:
            parameters["machine_detection"] = self.machine_detection
        if self.machine_detection and self.amd_callback:
            parameters["async_amd"] = "true"  # the package sends a bool as "True", which Twilio does not take
            parameters["async_amd_status_callback"] = self.amd_callback
        return parameters


@dataclass(frozen=True, slots=True)
class CallStatusReport:
    """One status callback.

    Args:
        sequence: Counts the callbacks of a call from 0; None where Twilio sent none.
        duration_seconds: How long the call was, at its end.
        sip_code: How the telephone network answered, such as 486 for busy.
        answered_by: The verdict of machine detection, or empty.
    """

    call_sid: str
    status: CallStatus
    sequence: int | None = None
    duration_seconds: int | None = None
    sip_code: int | None = None
    answered_by: str = ""

    @classmethod
    def parse(cls, form: Mapping[str, str]) -> "CallStatusReport":
        """Parse the form of a callback. Unknown fields are ignored, and numbers that cannot be read are None.

        Raises:
            RemoteProtocolError: `CallSid` is missing, or the status is not one that Twilio documents.
        """
        call_sid = form.get("CallSid", "")
        if not call_sid:
            raise RemoteProtocolError("Twilio", "sent a status without a CallSid")
        try:
            status = CallStatus(form.get("CallStatus", ""))
        except ValueError:
            raise RemoteProtocolError("Twilio", "sent an unknown CallStatus", form.get("CallStatus", "")) from None
        return cls(
            call_sid,
            status,
            sequence=_number(form.get("SequenceNumber")),
            duration_seconds=_number(form.get("CallDuration")),
            sip_code=_number(form.get("SipResponseCode")),
            answered_by=form.get("AnsweredBy", ""),
        )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
