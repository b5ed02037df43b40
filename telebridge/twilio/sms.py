"""Twilio's Messages over HTTP: text messages that an account sends.

Follows Twilio, "Messages resource", *Create a Message*.

One rule: a request that may have sent a message is never repeated; it would be read, and paid for, twice.
"""

from dataclasses import dataclass

from telebridge.twilio.client import TwilioCalls

SERVICE = "MG"
"""The beginning of a messaging service's SID, which stands in the place of a sender's number."""


@dataclass(frozen=True, slots=True)
class MessageResource:
    """A message as Twilio's Message resource describes it.

    Args:
        sid: Its SID.
        status: Its status, such as "queued" or "accepted".
    """

    sid: str
    status: str


class TwilioMessages(TwilioCalls):
    """Sends text messages of one account. Close it after use."""

    async def send(self, body: str, *, to: str, sender: str) -> MessageResource:
        """Ask for a message. The answer means that Twilio has queued it, not that it has arrived.

        Args:
            body: The text, up to 1600 characters.
            to: The number that gets it, in E.164.
            sender: A number of the account, or the SID of a messaging service.

        Raises:
            TwilioAPIError: Twilio refused (`status`, `code`), or gave no answer in time (`status` 0: it may be sent).
        """
        named = {"messaging_service_sid" if sender.startswith(SERVICE) else "from_": sender}
        return await self._ask(
            lambda client: client.messages.create_async(to=to, body=body, **named),
            lambda message: MessageResource(message.sid, str(message.status or "")),
        )
