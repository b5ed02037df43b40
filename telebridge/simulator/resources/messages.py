"""The Message resource: a text message, its way to the receiver, and the list of messages.

Follows Twilio's Message resource ("Create a Message", "Message status values") and "Track outbound message status".

One rule: a status only advances along `NEXT_MESSAGE_STATUS`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from typing_extensions import override

from telebridge.simulator.resources.call import API_VERSION, rfc2822
from telebridge.simulator.resources.fields import RequestFields
from telebridge.simulator.resources.pages import Filter, ResourceBook, by_time, equal
from telebridge.simulator.resources.problems import ApiProblem

NEXT_MESSAGE_STATUS: Mapping[str, tuple[str, ...]] = {
    "queued": ("sending", "sent", "failed"),
    "sending": ("sent", "failed"),
    "sent": ("delivered", "undelivered"),
    "received": (),
    "delivered": (),
    "undelivered": (),
    "failed": (),
}
LONGEST_BODY = 1600
SEGMENT = 160
ADDRESS = re.compile(r"(whatsapp:|messenger:)?\+?[A-Za-z0-9_:.-]{3,40}")
E164 = re.compile(r"(whatsapp:)?\+[1-9][0-9]{6,14}")


@dataclass(slots=True)
class MessageResource:
    """One message; instants are aware UTC datetimes."""

    sid: str
    account_sid: str
    to: str
    from_: str
    body: str
    created_at: datetime
    direction: str = "outbound-api"
    status: str = "queued"
    media: tuple[str, ...] = ()
    error_code: int | None = None
    sent_at: datetime | None = None
    updated_at: datetime | None = None

    def move(self, status: str, *, at: datetime) -> None:
        """Change the status; one that does not follow is ignored."""
        if status not in NEXT_MESSAGE_STATUS[self.status]:
            return
        self.status, self.updated_at = status, at
        if status == "sent":
            self.sent_at = at

    @property
    def path(self) -> str:
        """The path of the resource on the API's host, without `.json`."""
        return f"/{API_VERSION}/Accounts/{self.account_sid}/Messages/{self.sid}"

    def as_json(self) -> dict[str, object]:
        """Return the resource as Twilio does."""
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "body": self.body,
            "date_created": rfc2822(self.created_at),
            "date_sent": rfc2822(self.sent_at),
            "date_updated": rfc2822(self.updated_at or self.created_at),
            "direction": self.direction,
            "error_code": self.error_code,
            "error_message": None,
            "from": self.from_,
            "messaging_service_sid": None,
            "num_media": str(len(self.media)),
            "num_segments": str(max(1, -(-len(self.body) // SEGMENT))),
            "price": None,
            "price_unit": "USD",
            "sid": self.sid,
            "status": self.status,
            "subresource_uris": {"media": f"{self.path}/Media.json", "feedback": f"{self.path}/Feedback.json"},
            "to": self.to,
            "uri": f"{self.path}.json",
        }


@dataclass(frozen=True, slots=True)
class MessageSetup:
    """The parameters of a message."""

    to: str
    from_: str
    body: str
    media: tuple[str, ...] = ()
    status_callback: str | None = None


def read_message(raw: Mapping[str, Sequence[str]], *, owned_numbers: frozenset[str] | None = None) -> MessageSetup:
    """Return the parameters of a create request.

    Raises:
        ApiProblem: As Twilio would answer.
    """
    fields = RequestFields(raw)
    to, from_ = fields.text("To"), fields.text("From") or fields.text("MessagingServiceSid")
    body, media = fields.text("Body"), fields.all("MediaUrl")
    if not to:
        raise ApiProblem(400, 21604)
    if not from_:
        raise ApiProblem(400, 21603)
    if not E164.fullmatch(to):
        raise ApiProblem(400, 21211, to)
    if not ADDRESS.fullmatch(from_) or (owned_numbers is not None and fields.text("From") not in {"", *owned_numbers}):
        raise ApiProblem(400, 21606, from_)
    if not body and not media and not fields.text("ContentSid"):
        raise ApiProblem(400, 21602)
    if len(body) > LONGEST_BODY:
        raise ApiProblem(400, 21617)
    return MessageSetup(to, from_, body, media, fields.url("StatusCallback", 21609))


FILTERS: Mapping[str, Filter[MessageResource]] = {
    "To": equal(lambda message: message.to),
    "From": equal(lambda message: message.from_),
    **by_time("DateSent", lambda message: message.sent_at),
}


class MessageBook(ResourceBook[MessageResource]):
    """All messages of an account, newest last."""

    def __init__(self, account_sid: str) -> None:
        super().__init__(account_sid, "Messages", "messages", FILTERS)

    @override
    def delete(self, sid: str) -> None:
        if self.find(sid).status in {"queued", "sending"}:
            raise ApiProblem(409, 20009, sid)
        super().delete(sid)
