"""The numbers of the simulated account, and the account itself, as REST resources.

Follows Twilio's IncomingPhoneNumber resource ("Read multiple", "Fetch", "Update") and its Account resource.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5

from telebridge.simulator.resources.call import API_VERSION
from telebridge.simulator.resources.fields import RequestFields
from telebridge.simulator.resources.offered import first_free, is_offered
from telebridge.simulator.resources.pages import page_of
from telebridge.simulator.resources.problems import ApiProblem

URLS = {
    "VoiceUrl": "voice_url",
    "VoiceFallbackUrl": "voice_fallback_url",
    "StatusCallback": "status_callback",
    "SmsUrl": "sms_url",
    "SmsFallbackUrl": "sms_fallback_url",
}
METHODS = {
    "VoiceMethod": "voice_method",
    "VoiceFallbackMethod": "voice_fallback_method",
    "StatusCallbackMethod": "status_callback_method",
    "SmsMethod": "sms_method",
    "SmsFallbackMethod": "sms_fallback_method",
}
ALWAYS_AVAILABLE, NEVER_AVAILABLE = "+15005550006", "+15005550000"
"""The magic numbers of Twilio's test credentials."""
TEXTS = {"FriendlyName": "friendly_name", "VoiceApplicationSid": "voice_application_sid", "TrunkSid": "trunk_sid"}


@dataclass(slots=True)
class IncomingPhoneNumber:
    """A number of the account.

    Args:
        phone_number: The number, in E.164.
        account_sid: The account.
        values: What an update may change, by the name in the resource.
    """

    phone_number: str
    account_sid: str
    values: dict[str, str] = field(default_factory=dict)

    @property
    def sid(self) -> str:
        """The SID, which is the same in every run."""
        return f"PN{md5(self.phone_number.encode(), usedforsecurity=False).hexdigest()}"

    def update(self, raw: Mapping[str, Sequence[str]]) -> None:
        """Change what a request names.

        Raises:
            ApiProblem: A value is not valid; nothing has changed.
        """
        fields, changes = RequestFields(raw), dict[str, str]()
        for name, key in URLS.items():
            if name in raw:
                changes[key] = fields.url(name) or ""
        changes |= {key: fields.method(name) for name, key in METHODS.items() if name in raw}
        changes |= {key: fields.text(name) for name, key in TEXTS.items() if name in raw}
        self.values |= changes

    def as_json(self) -> dict[str, object]:
        """Return the resource."""
        own: dict[str, object] = dict.fromkeys((*URLS.values(), *METHODS.values(), *TEXTS.values()), "")
        own |= dict.fromkeys(METHODS.values(), "POST")
        own |= {"friendly_name": self.phone_number, "voice_application_sid": None, "trunk_sid": None}
        own |= {
            name: value or (None if name in ("voice_application_sid", "trunk_sid") else "")
            for name, value in self.values.items()
        }
        return {
            "sid": self.sid,
            "account_sid": self.account_sid,
            "phone_number": self.phone_number,
            "api_version": API_VERSION,
            "capabilities": {"voice": True, "sms": True, "mms": True, "fax": False},
            "voice_receive_mode": "voice",
            "status": "in-use",
            "beta": False,
            "origin": "twilio",
            "uri": f"/{API_VERSION}/Accounts/{self.account_sid}/IncomingPhoneNumbers/{self.sid}.json",
            **own,
        }


class NumberBook:
    """The numbers of the account."""

    def __init__(self, account_sid: str, numbers: Iterable[str]) -> None:
        self.account_sid = account_sid
        self._numbers = {number: IncomingPhoneNumber(number, account_sid) for number in sorted(numbers)}

    @property
    def owned(self) -> set[str]:
        """All numbers of the account."""
        return set(self._numbers)

    def buy(self, raw: Mapping[str, Sequence[str]]) -> IncomingPhoneNumber:
        """Buy a number by itself or by its area code, with its webhooks.

        Raises:
            ApiProblem: It cannot be bought, or a value is not valid.
        """
        fields = RequestFields(raw)
        phone_number = fields.text("PhoneNumber")
        if not phone_number:
            if not fields.text("AreaCode"):
                raise ApiProblem(400, 21421, "")
            phone_number = first_free(fields.text("AreaCode"), self.owned)
        if phone_number in self._numbers or phone_number == NEVER_AVAILABLE:
            raise ApiProblem(400, 21422, phone_number)
        if not is_offered(phone_number) and phone_number != ALWAYS_AVAILABLE:
            raise ApiProblem(400, 21421, phone_number)
        number = IncomingPhoneNumber(phone_number, self.account_sid)
        number.update(raw)
        self._numbers[phone_number] = number
        return number

    def release(self, sid: str) -> None:
        """Give a number back.

        Raises:
            ApiProblem: There is none.
        """
        del self._numbers[self.find(sid).phone_number]

    def of(self, phone_number: str) -> IncomingPhoneNumber | None:
        """Return a number by what is dialled."""
        return self._numbers.get(phone_number)

    def find(self, sid: str) -> IncomingPhoneNumber:
        """Return a number by its SID.

        Raises:
            ApiProblem: There is none.
        """
        for number in self._numbers.values():
            if number.sid == sid:
                return number
        raise ApiProblem(404, 20404, f"/{API_VERSION}/Accounts/{self.account_sid}/IncomingPhoneNumbers/{sid}.json")

    def page(self, query: Mapping[str, str]) -> dict[str, object]:
        """Return a page of the list. `PhoneNumber` matches a part of a number, `FriendlyName` all of a name."""
        wanted, name = query.get("PhoneNumber", ""), query.get("FriendlyName", "")
        shown = [number for number in self._numbers.values() if wanted.strip("%*") in number.phone_number]
        shown = [number for number in shown if name in ("", number.as_json()["friendly_name"])]
        uri = f"/{API_VERSION}/Accounts/{self.account_sid}/IncomingPhoneNumbers.json"
        return page_of(shown, "incoming_phone_numbers", uri, query, filters=("PhoneNumber", "FriendlyName"))


def account_json(account_sid: str, *, trial: bool, name: str = "the account of the local Twilio") -> dict[str, object]:
    """Return the resource of the account."""
    uri = f"/{API_VERSION}/Accounts/{account_sid}"
    parts = ("AvailablePhoneNumbers", "Calls", "Conferences", "IncomingPhoneNumbers", "Messages", "Notifications")
    return {
        "sid": account_sid,
        "friendly_name": name,
        "auth_token": None,
        "date_created": None,
        "date_updated": None,
        "status": "active",
        "type": "Trial" if trial else "Full",
        "owner_account_sid": account_sid,
        "subresource_uris": {
            re.sub(r"(?<!^)([A-Z])", r"_\1", part).lower(): f"{uri}/{part}.json"
            for part in (*parts, "Queues", "Recordings")
        },
        "uri": f"{uri}.json",
    }
