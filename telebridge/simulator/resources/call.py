"""The Call resource of Twilio's REST API: the states of a call, and its JSON.

Follows Twilio's Call resource ("Call status values") and the schema `api.v2010.account.call` of its OpenAPI.

One rule: the status changes only along `NEXT`; a final status never changes.
"""

from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from telebridge.errors import LocalProtocolError
from telebridge.twilio.calls import CallStatus

API_VERSION = "2010-04-01"


UNANSWERED = frozenset({CallStatus.BUSY, CallStatus.FAILED, CallStatus.NO_ANSWER, CallStatus.CANCELED})
NEXT: dict[CallStatus, frozenset[CallStatus]] = {
    CallStatus.QUEUED: frozenset({CallStatus.INITIATED, CallStatus.CANCELED, CallStatus.FAILED}),
    CallStatus.INITIATED: frozenset({CallStatus.RINGING, *UNANSWERED}),
    CallStatus.RINGING: frozenset({CallStatus.IN_PROGRESS, *UNANSWERED, CallStatus.COMPLETED}),
    CallStatus.IN_PROGRESS: frozenset({CallStatus.COMPLETED, CallStatus.FAILED}),
    CallStatus.COMPLETED: frozenset(),
    **dict.fromkeys(UNANSWERED, frozenset()),
}

SUBRESOURCES = (
    "events",
    "notifications",
    "payments",
    "recordings",
    "siprec",
    "streams",
    "transcriptions",
    "user_defined_message_subscriptions",
    "user_defined_messages",
)


@dataclass(slots=True)
class CallResource:
    """One call; instants are aware UTC datetimes."""

    sid: str
    account_sid: str
    to: str
    from_: str
    direction: str
    created_at: datetime
    status: CallStatus = CallStatus.QUEUED
    updated_at: datetime | None = None
    started_at: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    parent_call_sid: str | None = None
    answered_by: str | None = None
    phone_number_sid: str | None = None
    stir_verstat: str | None = None
    queue_time_ms: int = 0
    sip_response_code: int | None = None

    def move(self, status: CallStatus, *, at: datetime) -> None:
        """Change the status.

        Raises:
            LocalProtocolError: `NEXT` has no such transition.
        """
        if status not in NEXT[self.status]:
            raise LocalProtocolError(f"a call cannot go from {self.status.value} to {status.value}")
        self.status = status
        self.updated_at = at
        if status is CallStatus.INITIATED:
            self.started_at = at
        elif status is CallStatus.IN_PROGRESS:
            self.answered_at = at
        if status.is_final:
            self.ended_at = at

    @property
    def duration_seconds(self) -> int | None:
        """How long the line was open, in seconds; None before the end, 0 if it was never open."""
        if self.ended_at is None:
            return None
        return 0 if self.answered_at is None else round((self.ended_at - self.answered_at).total_seconds())

    @property
    def uri(self) -> str:
        """The path of the resource on the API's host."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Calls/{self.sid}.json"

    def as_json(self) -> dict[str, object]:
        """Return the Call resource as Twilio does."""
        base = self.uri.removesuffix(".json")
        completed = self.status is CallStatus.COMPLETED
        return {
            "sid": self.sid,
            "date_created": rfc2822(self.created_at),
            "date_updated": rfc2822(self.updated_at or self.created_at),
            "parent_call_sid": self.parent_call_sid,
            "account_sid": self.account_sid,
            "to": self.to,
            "to_formatted": formatted(self.to),
            "from": self.from_,
            "from_formatted": formatted(self.from_),
            "phone_number_sid": self.phone_number_sid,
            "status": word_in_resource(self.status),
            "start_time": rfc2822(self.answered_at or self.started_at),
            "end_time": rfc2822(self.ended_at),
            "duration": str(self.duration_seconds) if completed else None,
            "price": None,
            "price_unit": "USD",
            "direction": self.direction,
            "answered_by": self.answered_by,
            "api_version": API_VERSION,
            "forwarded_from": None,
            "group_sid": None,
            "caller_name": None,
            "queue_time": str(self.queue_time_ms),
            "trunk_sid": None,
            "uri": self.uri,
            "subresource_uris": {name: f"{base}/{_path_word(name)}.json" for name in SUBRESOURCES},
        }


def event_of(status: CallStatus) -> str:
    """Return the word in `StatusCallbackEvent` that asks for a status; every final one is `completed`."""
    match status:
        case CallStatus.IN_PROGRESS:
            return "answered"
        case CallStatus.INITIATED:
            return "initiated"
        case CallStatus.RINGING:
            return "ringing"
        case _:
            return "completed"


def word_in_resource(status: CallStatus) -> str:
    """Return the status in the Call resource, whose list of values has no `initiated`."""
    return "queued" if status is CallStatus.INITIATED else status.value


def formatted(number: str) -> str:
    """Return a North American number in its local notation, any other number unchanged."""
    if len(number) == 12 and number.startswith("+1") and number[2:].isdecimal():
        return f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    return number


def timestamp(at: datetime) -> str:
    """Return an instant as resources and callbacks write it (RFC 2822)."""
    return format_datetime(at.replace(microsecond=0))


def rfc2822(at: datetime | None) -> str | None:
    """Return an instant of a resource, which may not have come yet."""
    return None if at is None else timestamp(at)


def _path_word(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
