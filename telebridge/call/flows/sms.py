"""Sends the text messages of flows, to numbers that they may be sent to.

One rule: without a list only the person at the other end, and numbers that a flow file writes out, get messages; a
number that a caller types might cost its owner's money.
"""

from collections.abc import Callable, Iterable, Iterator

from telebridge.call.record import CallRecord
from telebridge.errors import ConfigurationError, TwilioAPIError
from telebridge.flows.model import Flow
from telebridge.flows.nodes.twilio import SmsNode
from telebridge.flows.steps import Done, SendSms
from telebridge.flows.values import ADDRESS
from telebridge.logs import logger
from telebridge.twilio.sms import TwilioMessages

log = logger(__name__)


class SmsSender:
    """Sends text messages. Close it after use.

    Args:
        open_client: Returns Twilio's client; raises `ConfigurationError` when there is no account.
        prefixes: `sms.allowed`: a number that begins with one of them gets messages; None for those in `flows`.
        flows: Returns the flow files that are in service.
    """

    def __init__(
        self,
        open_client: Callable[[], TwilioMessages],
        prefixes: tuple[str, ...] | None = None,
        flows: Callable[[], Iterable[Flow]] = tuple,
    ) -> None:
        self._open_client = open_client
        self._prefixes = prefixes
        self._flows = flows
        self._client: TwilioMessages | None = None

    async def send(self, sms: SendSms, record: CallRecord) -> Done:
        """Send a message, whatever comes of it."""
        person, ours = record.ends
        to, sender = sms.to or person, sms.sender or ours
        if to != person and not self._may_get(to):
            problem = f"{to}: gets no text messages: name its prefix under sms.allowed"
        else:
            try:
                if self._client is None:
                    self._client = self._open_client()
                sent = await self._client.send(sms.body, to=to, sender=sender)
            except (TwilioAPIError, ConfigurationError) as error:
                problem = f"{to}: {error}"
            else:
                log.info("text message sent", call_sid=record.call_sid, to=to, message_sid=sent.sid)
                return Done({"sid": sent.sid, "status": sent.status})
        log.warning("text message not sent", call_sid=record.call_sid, error=problem)
        return Done(problem=problem)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    def _may_get(self, to: str) -> bool:
        if self._prefixes is not None:
            return to.startswith(self._prefixes)
        return any(to in _written(flow) for flow in self._flows())


def _written(flow: Flow) -> frozenset[str]:
    """The numbers that a flow file writes out, at a text message or as the value of a variable."""
    return frozenset(text for text in _texts(flow) if isinstance(text, str) and ADDRESS.fullmatch(text))


def _texts(flow: Flow) -> Iterator[object]:
    yield from flow.variables.values()
    yield from (node.to for node in flow.nodes.values() if isinstance(node, SmsNode))
