"""The Notification resource: the errors and warnings of an account, as Twilio's debugger lists them.

Follows Twilio's Call Notification resource; `log` is 0 for an error and 1 for a warning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from typing_extensions import override

from telebridge.simulator.resources.call import API_VERSION, rfc2822
from telebridge.simulator.resources.pages import ResourceBook, equal

KEPT_NOTIFICATIONS = 10_000


@dataclass(frozen=True, slots=True)
class NotificationResource:
    """One error or warning."""

    sid: str
    account_sid: str
    call_sid: str
    code: int
    text: str
    at: datetime
    is_error: bool = False
    request_url: str = ""

    @property
    def log(self) -> str:
        """How serious it is, as the resource has it."""
        return "0" if self.is_error else "1"

    def as_json(self) -> dict[str, object]:
        """Return the resource as Twilio does."""
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "call_sid": self.call_sid,
            "date_created": rfc2822(self.at),
            "date_updated": rfc2822(self.at),
            "error_code": str(self.code),
            "log": self.log,
            "message_date": rfc2822(self.at),
            "message_text": self.text,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "request_method": "POST",
            "request_url": self.request_url,
            "sid": self.sid,
            "uri": f"/{API_VERSION}/Accounts/{self.account_sid}/Notifications/{self.sid}.json",
        }


class NotificationBook(ResourceBook[NotificationResource]):
    """The notifications of an account, newest last; the oldest are forgotten."""

    def __init__(self, account_sid: str) -> None:
        super().__init__(account_sid, "Notifications", "notifications", {"Log": equal(lambda each: each.log)})

    @override
    def add(self, resource: NotificationResource) -> None:
        super().add(resource)
        while len(self._resources) > KEPT_NOTIFICATIONS:
            del self._resources[next(iter(self._resources))]

    def page_of_call(self, call_sid: str, query: Mapping[str, str], uri: str) -> dict[str, object]:
        """Return a page of the notifications of one call.

        Raises:
            ApiProblem: A number is not valid.
        """
        return self.page_of([each for each in self.all() if each.call_sid == call_sid], query, uri)
