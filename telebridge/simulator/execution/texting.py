"""Sends text messages: for `<Sms>`, and for the Message resource.

Follows Twilio's Message resource and "Track outbound message status": a message is queued, sent and delivered, and the
application is told of each change. How a number takes messages is the script of whoever answers there: who cannot be
called (`fail`) does not get them (error 30003).
"""

import asyncio

from telebridge.simulator.callbacks import Callback
from telebridge.simulator.caller.caller import Pickup
from telebridge.simulator.execution.live_call import Account
from telebridge.simulator.new_sids import new_sid
from telebridge.simulator.resources.call import API_VERSION
from telebridge.simulator.resources.messages import MessageResource, MessageSetup
from telebridge.tasks import Tasks

SEND_SECONDS, DELIVERY_SECONDS = 0.1, 0.5
UNREACHABLE = 30003


class MessageSender:
    """Sends the messages of one account. Close it with `aclose`."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._under_way = Tasks("simulated message")

    def send(self, setup: MessageSetup, *, direction: str = "outbound-api") -> MessageResource:
        """Create a message, which is on its way then."""
        account = self._account
        message = MessageResource(
            new_sid("SM"),
            account.options.account_sid,
            setup.to,
            setup.from_,
            setup.body,
            account.clock.wallclock(),
            direction=direction,
            media=setup.media,
        )
        account.books.messages.add(message)
        _ = self._under_way.start(self._deliver(message, setup.status_callback))
        return message

    async def aclose(self) -> None:
        """Drop the messages that are on their way."""
        self._under_way.cancel()
        await self._under_way.wait()

    async def _deliver(self, message: MessageResource, callback: str | None) -> None:
        await asyncio.sleep(SEND_SECONDS)
        self._move(message, "sent", callback)
        await asyncio.sleep(DELIVERY_SECONDS)
        reachable = message.to not in self._account.options.callers or (
            self._account.options.callers[message.to].pickup is not Pickup.FAILED
        )
        if not reachable:
            message.error_code = UNREACHABLE
        self._move(message, "delivered" if reachable else "undelivered", callback)

    def _move(self, message: MessageResource, status: str, callback: str | None) -> None:
        message.move(status, at=self._account.clock.wallclock())
        if not callback:
            return
        fields = {
            "AccountSid": message.account_sid,
            "ApiVersion": API_VERSION,
            "From": message.from_,
            "To": message.to,
            "MessageSid": message.sid,
            "SmsSid": message.sid,
            "MessageStatus": status,
            "SmsStatus": status,
        }
        if message.error_code is not None:
            fields["ErrorCode"] = str(message.error_code)
        self._account.callbacks.send(Callback(f"message-{status}", callback, "POST", fields))
