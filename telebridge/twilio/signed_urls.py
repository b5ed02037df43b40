"""The signed values in our own addresses: variables of a call, tokens of media streams, tokens of prompts.

Twilio requests these addresses, and so can anybody who learns one. The values in them are therefore signed with the
secret that all processes behind one public address share. They are not hidden: Twilio shows addresses in its logs.
Twilio, "TwiML: Stream", strips the query from a stream's address, so a stream token is a segment of the path.

One rule: each kind of value has its own salt, so one kind is never accepted in the place of another.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from secrets import token_urlsafe
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from typing_extensions import override

from telebridge.errors import TelebridgeError

VARIABLES_SALT = "telebridge.call-variables"
STREAM_SALT = "telebridge.stream-token"
PROMPT_SALT = "telebridge.prompt-token"

QUERY = "variables"
"""The name of the query parameter that carries the variables of a call."""
MOST_CHARACTERS = 4096
"""The longest signed variables. A stream's address carries them once more, and many servers refuse lines over 8 KB."""

Variables = Mapping[str, str | int | float | bool | None]


def _read(serializer: URLSafeSerializer, signed: str) -> Any:
    """Return the value that was signed; None when it was not signed with this secret and salt."""
    try:
        return serializer.loads(signed)
    except BadData:
        return None


# Variables of a call.


class VariablesTooLong(TelebridgeError):
    """The variables of a call do not fit an address.

    Args:
        characters: How many characters they have when signed.
    """

    def __init__(self, characters: int) -> None:
        super().__init__(characters)
        self.characters = characters

    @override
    def __str__(self) -> str:
        return f"signed they have {self.characters} characters, and at most {MOST_CHARACTERS} fit an address"


class VariablesForged(TelebridgeError):
    """The variables in an address were not signed with our secret."""

    @override
    def __str__(self) -> str:
        return "the variables in the address were not signed by this bridge"


class CallVariables:
    """Signs the variables of a call that we place into the address that Twilio requests when the call is answered.

    The process that places a call is not always the one that gets the request, so the variables travel in the address.

    Args:
        secret: The secret that all processes behind one public address share.
    """

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeSerializer(secret, salt=VARIABLES_SALT)

    def sign(self, variables: Variables) -> str:
        """The signed variables as the value of a query parameter; empty when there are none.

        Raises:
            VariablesTooLong: They have more than `MOST_CHARACTERS` characters when signed.
        """
        if not variables:
            return ""
        signed = str(self._serializer.dumps(dict(variables)))
        if len(signed) > MOST_CHARACTERS:
            raise VariablesTooLong(len(signed))
        return signed

    def read(self, signed: str) -> dict[str, Any]:
        """The variables that `sign` was given.

        Raises:
            VariablesForged: They were not signed with this secret.
        """
        if not signed:
            return {}
        variables = _read(self._serializer, signed)
        if variables is None:
            raise VariablesForged
        return dict(variables)


# Tokens of media streams.

WORKER_END = "~"
"""Ends the number of a worker before a token; no token has it."""


class StreamTokenError(TelebridgeError):
    """A stream token is refused.

    Args:
        reason: "forged", "expired" or "used before".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the stream's token is {reason}")
        self.reason = reason


class StreamTokens:
    """Issues the tokens that bind a media stream to its call, and redeems each once.

    Twilio signs only the address of the handshake, and the handshake does not carry the CallSid; without a token,
    whoever learns an address could speak into a call. Redeemed tokens are remembered by this process until they expire;
    what other processes redeemed is in the database, by the name that `name` returns.

    Args:
        secret: The secret that all processes behind one public address share.
        lifetime_seconds: How long a token is valid after it was issued; Twilio connects within a second.
        worker: The number of the process that issues, which stands before its tokens, so that the stream reaches it;
            it is not signed, because any process may take the stream. None when there is one process.
    """

    def __init__(self, secret: str, *, lifetime_seconds: float = 60.0, worker: int | None = None) -> None:
        self._worker = "" if worker is None else f"{worker}{WORKER_END}"
        self._serializer = URLSafeSerializer(secret, salt=STREAM_SALT)
        self._lifetime = lifetime_seconds
        self._used: OrderedDict[str, float] = OrderedDict()  # the expiry of each redeemed token, by its nonce
        self._issued: OrderedDict[str, float] = OrderedDict()  # the same of those issued here

    def issue(self, call_sid: str, claims: Mapping[str, str], *, wallclock: datetime) -> str:
        """A token that can stand in a path.

        Args:
            call_sid: The only call whose stream may use it.
            claims: What the process that takes the stream needs to know. Anyone can read them.
            wallclock: The present time, with its zone.
        """
        expires = wallclock.timestamp() + self._lifetime
        nonce = token_urlsafe(9)
        _forget_expired(self._issued, wallclock.timestamp())
        self._issued[nonce] = expires
        token = self._serializer.dumps([nonce, round(expires, 3), call_sid, dict(claims)])
        return f"{self._worker}{token}"

    def redeem(self, token: str, *, wallclock: datetime) -> tuple[str, dict[str, str]]:
        """The CallSid and the claims of a token. The token cannot be redeemed again.

        Raises:
            StreamTokenError: It is forged, has expired, or was redeemed before.
        """
        value = _read(self._serializer, token.rpartition(WORKER_END)[2])
        if value is None:
            raise StreamTokenError("forged")
        nonce, expires, call_sid, claims = value
        now = wallclock.timestamp()
        if expires < now:
            raise StreamTokenError("expired")
        if nonce in self._used:
            raise StreamTokenError("used before")
        _forget_expired(self._used, now)
        self._used[nonce] = expires
        return call_sid, claims

    def name(self, token: str) -> str:
        """The name of a token that `redeem` has taken: unique, and the same however the token is spelt."""
        return str(_read(self._serializer, token.rpartition(WORKER_END)[2])[0])

    def is_own(self, token: str) -> bool:
        """Whether a token that `redeem` has taken was issued by this process."""
        return self.name(token) in self._issued


def _forget_expired(expiries: OrderedDict[str, float], now: float) -> None:
    while expiries and next(iter(expiries.values())) < now:
        expiries.popitem(last=False)


# Tokens of prompts.


class PromptTokenError(TelebridgeError):
    """A prompt token is refused.

    Args:
        reason: "forged" or "expired".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the prompt's address is {reason}")
        self.reason = reason


class PromptTokens:
    """Signs a text and its voice into an address for `<Play>` in somebody's own TwiML.

    Synthesis costs money, so only those who know the secret decide what is spoken. The same text and voice give the
    same address; Twilio caches audio by its address, so it fetches each prompt once.

    Args:
        secret: The secret that all processes behind one public address and all makers of addresses share.
    """

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeSerializer(secret, salt=PROMPT_SALT)

    def issue(
        self, text: str, voice: Mapping[str, str | int | float | bool], *, expires: datetime | None = None
    ) -> str:
        """A token that can stand in a path. Anyone can read it.

        Args:
            text: The text to be spoken.
            voice: The synthesis parameters that override the voice of the settings.
            expires: The time, with its zone, after which the token is refused; None for never.
        """
        until = None if expires is None else round(expires.timestamp())
        return str(self._serializer.dumps([text, dict(sorted(voice.items())), until]))

    def read(self, token: str, *, wallclock: datetime) -> tuple[str, dict[str, str | int | float | bool]]:
        """The text and the voice of a token.

        Raises:
            PromptTokenError: It is forged or has expired.
        """
        value = _read(self._serializer, token)
        if value is None:
            raise PromptTokenError("forged")
        text, voice, until = value
        if until is not None and until < wallclock.timestamp():
            raise PromptTokenError("expired")
        return text, voice
