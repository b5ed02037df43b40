"""Tokens in a media stream's address: they tie its socket to the call whose webhook answered with that address.

Twilio signs the handshake's address only, and the handshake tells no CallSid; without a token, whoever learns the
address could speak into a call. A token is good once, for a short time, in the process group that shares the secret.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from secrets import token_urlsafe
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from telebridge.errors import TelebridgeError

STREAM_SALT = "telebridge.stream-token"


class StreamTokenError(TelebridgeError):
    """A token is not good: `reason` is "forged", "expired" or "used before"."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the stream's token is {reason}")
        self.reason = reason


class StreamTokens:
    """Issues tokens, and redeems each once.

    Redeemed tokens are remembered in this process until they expire; another process that shares the secret does not
    know them.

    Args:
        secret: Shared by all processes behind one public address.
        lifetime_seconds: From the TwiML to the socket; Twilio connects within a second.
    """

    def __init__(self, secret: str, *, lifetime_seconds: float = 60.0) -> None:
        self._serializer = URLSafeSerializer(secret, salt=STREAM_SALT)
        self._lifetime = lifetime_seconds
        self._used: OrderedDict[str, float] = OrderedDict()

    def issue(self, call_sid: str, claims: Mapping[str, str], *, wallclock: datetime) -> str:
        """A token that can stand in a path.

        Args:
            call_sid: The only call whose stream may come with it.
            claims: What the process that takes the stream needs to know; readable by anyone, so no secrets.
            wallclock: The time now, with its zone.
        """
        expires = wallclock.timestamp() + self._lifetime
        return str(self._serializer.dumps([token_urlsafe(9), round(expires, 3), call_sid, dict(claims)]))

    def redeem(self, token: str, *, wallclock: datetime) -> tuple[str, dict[str, str]]:
        """The CallSid and the claims of a token, which is used up by this.

        Raises:
            StreamTokenError: It is forged, expired, or was redeemed before.
        """
        try:
            content: Any = self._serializer.loads(token)
        except BadData:
            raise StreamTokenError("forged") from None
        nonce, expires, call_sid, claims = content
        now = wallclock.timestamp()
        if expires < now:
            raise StreamTokenError("expired")
        if nonce in self._used:
            raise StreamTokenError("used before")
        self._forget_expired(now)
        self._used[nonce] = expires
        return call_sid, claims

    def _forget_expired(self, now: float) -> None:
        while self._used and next(iter(self._used.values())) < now:
            self._used.popitem(last=False)
