"""The Twilio account of the settings."""

from typing import TypeVar

from telebridge.errors import ConfigurationError
from telebridge.settings.sections import TwilioSettings
from telebridge.twilio.client import TwilioCalls
from telebridge.twilio.numbers import TwilioNumbers
from telebridge.twilio.sms import TwilioMessages

Client = TypeVar("Client", bound=TwilioCalls)


def open_twilio(settings: TwilioSettings) -> TwilioNumbers:
    """Twilio's REST API of calls and numbers for the account of the settings; to be closed.

    Raises:
        ConfigurationError: The account or its credentials are not set.
    """
    return _open(TwilioNumbers, settings)


def open_messages(settings: TwilioSettings) -> TwilioMessages:
    """Twilio's REST API of text messages for the account of the settings; to be closed.

    Raises:
        ConfigurationError: The account or its credentials are not set.
    """
    return _open(TwilioMessages, settings)


def _open(client: type[Client], settings: TwilioSettings) -> Client:
    if not settings.account_sid:
        raise ConfigurationError("twilio.account_sid", "is not set", "set it, or TWILIO_ACCOUNT_SID")
    password = settings.api_key_secret if settings.api_key_sid else settings.auth_token
    if not password:
        where = "twilio.api_key_secret" if settings.api_key_sid else "twilio.auth_token"
        raise ConfigurationError(where, "is not set", "set it, or TWILIO_AUTH_TOKEN")
    return client(
        settings.account_sid, password, api_key_sid=settings.api_key_sid, base_url=settings.api_base_url or None
    )
