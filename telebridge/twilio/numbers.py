"""The numbers of a Twilio account, and the webhooks that lead their calls to this bridge.

Follows Twilio, "IncomingPhoneNumber resource" (a number with an application or a trunk ignores its voice URL) and
"Webhooks: Connection overrides" (`#rc=5&rp=all`: five more tries, of any failure).

One rule: what was there before is kept, so that it can be put back.
"""

from dataclasses import dataclass
from typing import Any

from telebridge.twilio.client import TwilioCalls

OVERRIDES = "#rc=5&rp=all"
VOICE_PATH, STATUS_PATH = "/twilio/voice", "/twilio/status"
MOST_NUMBERS = 1000


@dataclass(frozen=True, slots=True)
class NumberWebhooks:
    """Where Twilio sends the requests of a number.

    Args:
        voice_url: Asked what to do with a call, with its connection overrides.
        voice_method: GET or POST.
        status_callback: Informed of the end of calls.
        status_callback_method: GET or POST.
        voice_application_sid: An application that comes before `voice_url`; empty for none.
        trunk_sid: A trunk that comes before both; empty for none.
    """

    voice_url: str
    voice_method: str = "POST"
    status_callback: str = ""
    status_callback_method: str = "POST"
    voice_application_sid: str = ""
    trunk_sid: str = ""

    @classmethod
    def of_bridge(cls, public_url: str, flow: str = "") -> "NumberWebhooks":
        """Return the webhooks of the bridge at a public address.

        Args:
            public_url: The address.
            flow: The flow that leads the calls; empty for the one that the settings name.
        """
        voice = f"{public_url}{VOICE_PATH}{f'/{flow}' if flow else ''}{OVERRIDES}"
        return cls(voice, status_callback=f"{public_url}{STATUS_PATH}")

    def leads_to(self, public_url: str) -> bool:
        """Whether calls come to the bridge at a public address, whichever flow and overrides the webhook names."""
        if self.voice_application_sid or self.trunk_sid:
            return False
        path = self.voice_url.partition("#")[0]
        return path == f"{public_url}{VOICE_PATH}" or path.startswith(f"{public_url}{VOICE_PATH}/")

    def differences(self, found: "NumberWebhooks") -> list[str]:
        """Return in words what differs in `found`; empty when it is the same."""
        told = []
        for name in self.__slots__:
            wanted, is_ = getattr(self, name), getattr(found, name)
            if wanted != is_:
                told.append(f"{name} is {is_ or 'empty'!r} and not {wanted or 'empty'!r}")
        return told


@dataclass(frozen=True, slots=True)
class AccountNumber:
    """A number of the account.

    Args:
        sid: Its SID.
        number: In E.164.
        name: What the account calls it.
        webhooks: Where its calls go.
        voice: Whether it takes calls.
    """

    sid: str
    number: str
    name: str
    webhooks: NumberWebhooks
    voice: bool = True


@dataclass(frozen=True, slots=True)
class AccountStatus:
    """The account.

    Args:
        name: Its name.
        status: "active", "suspended" or "closed".
        trial: Whether it is a trial account, which calls verified numbers alone, after an announcement.
    """

    name: str
    status: str
    trial: bool


class TwilioNumbers(TwilioCalls):
    """Reads and connects the numbers of one account. Make it on the event loop, and close it."""

    async def numbers(self, number: str = "") -> list[AccountNumber]:
        """Return the numbers of the account, or those that contain `number`.

        Raises:
            TwilioAPIError: Twilio refused, or gave no answer.
        """
        given = {"phone_number": number} if number else {}
        return await self._ask(
            lambda client: client.incoming_phone_numbers.list_async(limit=MOST_NUMBERS, **given),
            lambda found: [_number(each) for each in found],
        )

    async def set_webhooks(self, sid: str, webhooks: NumberWebhooks) -> AccountNumber:
        """Set where the calls of a number go, and return the number as Twilio has it afterwards.

        Raises:
            TwilioAPIError: Twilio refused, or gave no answer.
        """
        values = {name: getattr(webhooks, name) for name in NumberWebhooks.__slots__}
        await self._ask(lambda client: client.incoming_phone_numbers(sid).update_async(**values), _number)
        return await self._ask(lambda client: client.incoming_phone_numbers(sid).fetch_async(), _number)

    async def account(self) -> AccountStatus:
        """Return the account.

        Raises:
            TwilioAPIError: Twilio refused, or gave no answer.
        """
        return await self._ask(
            lambda client: client.api.v2010.accounts(str(client.account_sid)).fetch_async(), _account
        )


def _number(found: Any) -> AccountNumber:
    webhooks = NumberWebhooks(
        found.voice_url or "",
        (found.voice_method or "POST").upper(),
        found.status_callback or "",
        (found.status_callback_method or "POST").upper(),
        found.voice_application_sid or "",
        found.trunk_sid or "",
    )
    voice = bool((found.capabilities or {}).get("voice", True))
    return AccountNumber(found.sid, found.phone_number, found.friendly_name or "", webhooks, voice)


def _account(found: Any) -> AccountStatus:
    kind, status = (str(getattr(word, "value", word)) for word in (found.type, found.status))
    return AccountStatus(found.friendly_name or "", status, kind.lower() == "trial")
