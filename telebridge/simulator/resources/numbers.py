"""The numbers of the simulated account, and the account itself, as REST resources.

Follows Twilio's IncomingPhoneNumber resource ("Read multiple", "Fetch", "Update") and its Account resource.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5

from telebridge.simulator.resources.call import API_VERSION
from telebridge.simulator.resources.fields import RequestFields
from telebridge.simulator.resources.offered import first_free, is_offered
from telebridge.simulator.resources.pages import Filter, ResourceBook, equal
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
        return number_sid(self.phone_number)

    @property
    def friendly_name(self) -> str:
        """The name that the account gave it; by default the number itself."""
        return self.values.get("friendly_name", self.phone_number)

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
        own |= {"friendly_name": self.friendly_name, "voice_application_sid": None, "trunk_sid": None}
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


def number_sid(phone_number: str) -> str:
    """Return the SID of a number."""
    return f"PN{md5(phone_number.encode(), usedforsecurity=False).hexdigest()}"


def _is_part(wanted: str) -> Callable[[IncomingPhoneNumber], bool]:
    return lambda number: wanted.strip("%*") in number.phone_number


FILTERS: Mapping[str, Filter[IncomingPhoneNumber]] = {
    "PhoneNumber": _is_part,
    "FriendlyName": equal(lambda number: number.friendly_name),
}


class NumberBook(ResourceBook[IncomingPhoneNumber]):
    """The numbers of the account."""

    def __init__(self, account_sid: str, numbers: Iterable[str]) -> None:
        super().__init__(account_sid, "IncomingPhoneNumbers", "incoming_phone_numbers", FILTERS, newest_first=False)
        for number in sorted(numbers):
            self.add(IncomingPhoneNumber(number, account_sid))

    @property
    def owned(self) -> set[str]:
        """All numbers of the account."""
        return {number.phone_number for number in self._resources.values()}

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
        if phone_number in self.owned or phone_number == NEVER_AVAILABLE:
            raise ApiProblem(400, 21422, phone_number)
        if not is_offered(phone_number) and phone_number != ALWAYS_AVAILABLE:
            raise ApiProblem(400, 21421, phone_number)
        number = IncomingPhoneNumber(phone_number, self.account_sid)
        number.update(raw)
        self.add(number)
        return number

    def of(self, phone_number: str) -> IncomingPhoneNumber | None:
        """Return a number by what is dialled."""
        return self._resources.get(number_sid(phone_number))


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
