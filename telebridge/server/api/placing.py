"""Placing a call: what Twilio is asked for, so that the bridge behind the public address speaks when it is answered.

One rule: whoever places a call, the command line or the API, asks for it in these words.
"""

from collections.abc import Callable
from urllib.parse import quote, urlencode

from typing_extensions import override

from telebridge.errors import ConfigurationError
from telebridge.server.api.ports import CallOrder, Placer
from telebridge.twilio.calls import CallRequest
from telebridge.twilio.client import TwilioCalls
from telebridge.twilio.signed_urls import QUERY, CallVariables


def call_request(order: CallOrder, public_url: str, variables: CallVariables | None = None) -> CallRequest:
    """What Twilio is asked for.

    Args:
        order: The call.
        public_url: Where Twilio reaches the bridge.
        variables: Signs the order's variables; may be left away when it has none.

    Raises:
        ConfigurationError: There is no public address.
        VariablesTooLong: The variables do not fit an address.
    """
    if not public_url:
        raise ConfigurationError("public_url", "is not set", "Twilio must know where `telebridge serve` answers")
    url = f"{public_url}/twilio/voice" + (f"/{quote(order.flow, safe='')}" if order.flow else "")
    signed = variables.sign(order.variables) if variables is not None and order.variables else ""
    return CallRequest(
        order.to,
        order.from_,
        url=f"{url}?{urlencode({QUERY: signed})}" if signed else url,
        status_callback=f"{public_url}/twilio/status",
        ring_seconds=order.ring_seconds,
        machine_detection=order.machine_detection,
    )


class TwilioPlacer(Placer):
    """Places calls through Twilio's REST API; the connection is made with the first call.

    Args:
        open_calls: Makes the client, on the event loop; raises `ConfigurationError` without an account.
        public_url: Where Twilio reaches the bridge.
        variables: Signs variables into addresses.
    """

    def __init__(self, open_calls: Callable[[], TwilioCalls], public_url: str, variables: CallVariables) -> None:
        self._open = open_calls
        self._public_url = public_url
        self._variables = variables
        self._calls: TwilioCalls | None = None

    @override
    async def place(self, order: CallOrder) -> str:
        request = call_request(order, self._public_url, self._variables)
        if self._calls is None:
            self._calls = self._open()
        return (await self._calls.create(request)).sid

    async def aclose(self) -> None:
        """Close the connections."""
        if self._calls is not None:
            await self._calls.aclose()
