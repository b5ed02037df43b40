"""Connects a number of the Twilio account with this bridge, and puts back what was there before.

One rule: a number counts as connected when Twilio, asked again, has what was set.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

from telebridge.app.twilio import open_twilio
from telebridge.campaigns.numbers.numbers import DialableNumber, read_number
from telebridge.errors import ConfigurationError, TelebridgeError
from telebridge.settings.settings import Settings
from telebridge.twilio.calls import is_sid
from telebridge.twilio.numbers import AccountNumber, NumberWebhooks, TwilioNumbers

UNDO_SECONDS = 5.0
LOCAL = ("localhost", "localhost.localdomain")


async def find_number(twilio: TwilioNumbers, named: str, where: str = "NUMBER") -> AccountNumber:
    """Return a number of the account by its digits or its SID.

    Raises:
        ConfigurationError: The account has no such number.
        TwilioAPIError: Twilio refused, or gave no answer.
    """
    wanted = named if is_sid(named) else _e164(named, where)
    known = await twilio.numbers()
    found = next((one for one in known if wanted in {one.sid, one.number}), None)
    if found is None:
        numbers = ", ".join(one.number for one in known) or "none"
        raise ConfigurationError(where, f"the account has no number '{named}'", f"it has {numbers}")
    return found


def _e164(named: str, where: str) -> str:
    digits = "".join(each for each in named if each.isascii() and each.isdigit())
    if not (named.startswith("+") and digits):
        raise ConfigurationError(where, f"'{named}' is no number in E.164", f"write it as '+{digits or '15551230000'}'")
    number = read_number(named, country="", check="possible")
    if not isinstance(number, DialableNumber):
        raise ConfigurationError(where, number.reason, "`telebridge number list` shows how to write it")
    return number.e164


def address_problem(public_url: str) -> tuple[str, str] | None:
    """Return why Twilio cannot dial a public address, and what to do; None when nothing speaks against it."""
    parts = urlsplit(public_url)
    host = parts.hostname or ""
    if not public_url:
        return "is not set: Twilio cannot be told where this bridge is", "set it, or serve with --tunnel"
    if parts.path.rstrip("/").endswith(("/twilio/voice", "/twilio/status")):
        return (
            f"'{public_url}' ends with a webhook",
            f"write '{public_url.partition('/twilio/')[0]}': the bridge adds the rest",
        )
    if parts.scheme != "https":
        return f"'{public_url}' is not https: Twilio streams media over wss alone", f"write 'https://{parts.netloc}'"
    if host in LOCAL or _is_private(host):
        return f"'{host}' is an address of this machine or network, which Twilio cannot reach", "serve with --tunnel"
    return None


def _is_private(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return False  # a name


async def connect(
    settings: Settings, named: str, flow: str = "", where: str = "NUMBER"
) -> tuple[AccountNumber, AccountNumber]:
    """Send the calls of a number to this bridge; returns the number as it was before and as it is now.

    Raises:
        ConfigurationError: The account has no such number, or Twilio cannot reach `public_url`.
        TelebridgeError: Twilio has something else afterwards.
        TwilioAPIError: Twilio refused, or gave no answer.
    """
    is_twilio = not settings.twilio.api_base_url  # a stand-in dials any address
    problem = address_problem(settings.public_url) if is_twilio or not settings.public_url else None
    if problem is not None:
        raise ConfigurationError("public_url", *problem)
    async with open_twilio(settings.twilio) as twilio:
        before = await find_number(twilio, named, where)
        return before, await _set(twilio, before, NumberWebhooks.of_bridge(settings.public_url, flow))


async def _set(twilio: TwilioNumbers, number: AccountNumber, webhooks: NumberWebhooks) -> AccountNumber:
    after = await twilio.set_webhooks(number.sid, webhooks)
    if differences := webhooks.differences(after.webhooks):
        raise TelebridgeError(f"{number.number} is not as it was set at Twilio: {', '.join(differences)}")
    return after


@asynccontextmanager
async def connected(settings: Settings, named: str, tell: Callable[[str], None]) -> AsyncIterator[None]:
    """Have a number connected for as long as the block runs; what was there before is put back at its end.

    What somebody else has set meanwhile is left as it is.
    """
    before, now = await connect(settings, named, where="--connect")
    tell(f"{now.number} rings here: {now.webhooks.voice_url}")
    try:
        yield
    finally:
        try:
            async with asyncio.timeout(UNDO_SECONDS):
                tell(await _put_back(settings, before, now))
        except (TimeoutError, TelebridgeError) as error:
            was = before.webhooks.voice_url or "empty"
            tell(f"{now.number} could not be put back ({error or 'no answer'}); its voice webhook was: {was}")


async def _put_back(settings: Settings, before: AccountNumber, now: AccountNumber) -> str:
    async with open_twilio(settings.twilio) as twilio:
        found = await find_number(twilio, now.sid)
        if now.webhooks.differences(found.webhooks):
            return f"{now.number} was changed by somebody else meanwhile, and is left as it is"
        await _set(twilio, found, before.webhooks)
        return f"{now.number} is as it was before: {before.webhooks.voice_url or 'no voice webhook'}"
