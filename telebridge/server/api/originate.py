"""Originates calls: builds the request to Twilio, so that the bridge at the public address leads the call.

One rule: the command line and the API build their requests here.
"""

from collections.abc import Callable
from urllib.parse import quote, urlencode

from typing_extensions import override

from telebridge.errors import ConfigurationError
from telebridge.server.api.ports import CallOriginator, OutboundCall
from telebridge.twilio.calls import CallRequest
from telebridge.twilio.client import TwilioCalls
from telebridge.twilio.signed_urls import QUERY, CallVariables


def call_request(call: OutboundCall, public_url: str, variables: CallVariables | None = None) -> CallRequest:
    """Build the request to Twilio.

    Args:
        call: The call.
        public_url: Where Twilio reaches the bridge.
        variables: Signs the call's variables; may be left away when it has none.

    Raises:
        ConfigurationError: There is no public address.
        VariablesTooLong: The variables do not fit an address.
    """
    if not public_url:
        raise ConfigurationError("public_url", "is not set", "Twilio must know where `telebridge serve` answers")
    url = f"{public_url}/twilio/voice" + (f"/{quote(call.flow, safe='')}" if call.flow else "")
    signed = variables.sign(call.variables) if variables is not None and call.variables else ""
    return CallRequest(
        call.to,
        call.from_,
        url=f"{url}?{urlencode({QUERY: signed})}" if signed else url,
        status_callback=f"{public_url}/twilio/status",
        ring_seconds=call.ring_seconds,
        machine_detection=call.machine_detection,
    )


class TwilioOriginator(CallOriginator):
    """Originates calls through Twilio's REST API; the connection is made with the first call.

    Args:
        open_calls: Makes the client; raises `ConfigurationError` without an account.
        public_url: Where Twilio reaches the bridge.
        variables: Signs variables into addresses.
    """

    def __init__(self, open_calls: Callable[[], TwilioCalls], public_url: str, variables: CallVariables) -> None:
        self._open = open_calls
        self._public_url = public_url
        self._variables = variables
        self._calls: TwilioCalls | None = None

    @override
    async def originate(self, call: OutboundCall) -> str:
        request = call_request(call, self._public_url, self._variables)
        if self._calls is None:
            self._calls = self._open()
        return (await self._calls.create(request)).sid

    async def aclose(self) -> None:
        """Close the connections."""
        if self._calls is not None:
            await self._calls.aclose()
