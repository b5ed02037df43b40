"""A call as Twilio's REST API and its callbacks describe it: what is asked for, what is reported, and in which order.

Follows Twilio, "Call resource": statuses, callback fields (`CallDuration` is in seconds, `Duration` in minutes), and
the warning that callbacks come in any order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from telebridge.errors import RemoteProtocolError

STATUS_EVENTS = ("initiated", "ringing", "answered", "completed")


class CallStatus(Enum):
    """How far a call is; the last five are final."""

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
        """Whether the call is over, and no other status follows."""
        return self in FINAL


FINAL = frozenset({CallStatus.COMPLETED, CallStatus.BUSY, CallStatus.FAILED, CallStatus.NO_ANSWER, CallStatus.CANCELED})
ORDER = {
    status: rank
    for rank, statuses in enumerate(
        ({CallStatus.QUEUED}, {CallStatus.INITIATED}, {CallStatus.RINGING}, {CallStatus.IN_PROGRESS}, FINAL)
    )
    for status in statuses
}


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A call to be placed.

    Args:
        to: Whom to ring, E.164 for the most part.
        from_: A number that the account owns or has verified.
        url: The voice webhook that Twilio asks when the call is answered.
        status_callback: Told of every step of the call; empty for none.
        fallback_url: Asked when `url` fails; empty for none.
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
        """The keyword arguments of the `twilio` package's `calls.create`; what is not asked for is left out."""
        told: dict[str, str | int | list[str]] = {
            "to": self.to,
            "from_": self.from_,
            "url": self.url,
            "timeout": self.ring_seconds,
        }
        if self.fallback_url:
            told["fallback_url"] = self.fallback_url
        if self.time_limit_seconds is not None:
            told["time_limit"] = self.time_limit_seconds
        if self.status_callback:
            told["status_callback"] = self.status_callback
            told["status_callback_event"] = list(STATUS_EVENTS)
        if self.machine_detection:
            told["machine_detection"] = self.machine_detection
        if self.machine_detection and self.amd_callback:
            told["async_amd"] = "true"  # the package sends a bool as "True", which Twilio does not take
            told["async_amd_status_callback"] = self.amd_callback
        return told


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
        """Read a callback's form; unknown fields are ignored, and numbers that are none are left out.

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


class CallProgress:
    """The status of one call from reports that come late, doubled and out of order.

    It only goes forward: a final status is never left, and an earlier one never comes back.
    """

    def __init__(self) -> None:
        self.status = CallStatus.QUEUED

    def receive(self, report: CallStatusReport) -> bool:
        """Take a report; whether it is news."""
        if ORDER[report.status] <= ORDER[self.status]:
            return False
        self.status = report.status
        return True


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
