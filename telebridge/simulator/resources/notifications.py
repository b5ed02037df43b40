"""The Notification resource: the errors and warnings of an account, as Twilio's debugger lists them.

Follows Twilio's Call Notification resource; `log` is 0 for an error and 1 for a warning.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from telebridge.simulator.resources.call import API_VERSION, rfc2822
from telebridge.simulator.resources.pages import page_of
from telebridge.simulator.resources.problems import ApiProblem

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

    def as_json(self) -> dict[str, object]:
        """Return the resource as Twilio does."""
        return {
            "account_sid": self.account_sid,
            "api_version": API_VERSION,
            "call_sid": self.call_sid,
            "date_created": rfc2822(self.at),
            "date_updated": rfc2822(self.at),
            "error_code": str(self.code),
            "log": "0" if self.is_error else "1",
            "message_date": rfc2822(self.at),
            "message_text": self.text,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "request_method": "POST",
            "request_url": self.request_url,
            "sid": self.sid,
            "uri": f"/{API_VERSION}/Accounts/{self.account_sid}/Notifications/{self.sid}.json",
        }


class NotificationBook:
    """The notifications of an account, newest last; the oldest are forgotten."""

    def __init__(self, account_sid: str) -> None:
        self.account_sid = account_sid
        self._notifications: dict[str, NotificationResource] = {}

    def add(self, notification: NotificationResource) -> None:
        """Add a notification."""
        self._notifications[notification.sid] = notification
        while len(self._notifications) > KEPT_NOTIFICATIONS:
            del self._notifications[next(iter(self._notifications))]

    def find(self, sid: str) -> NotificationResource:
        """Return the notification of this sid.

        Raises:
            ApiProblem: There is none.
        """
        if sid not in self._notifications:
            raise ApiProblem(404, 20404, f"/{API_VERSION}/Accounts/{self.account_sid}/Notifications/{sid}.json")
        return self._notifications[sid]

    def page(self, query: Mapping[str, str], uri: str, *, call_sid: str | None = None) -> dict[str, object]:
        """Return a page of the list, newest first; of one call or of all.

        Raises:
            ApiProblem: A number is not valid.
        """
        found = [
            each
            for each in reversed(self._notifications.values())
            if call_sid in (None, each.call_sid) and query.get("Log", "") in ("", "0" if each.is_error else "1")
        ]
        return page_of(found, "notifications", uri, query, filters=("Log",))
