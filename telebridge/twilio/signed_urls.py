"""Tokens in a media stream's address: they tie its socket to the call whose webhook answered with that address.

Twilio signs the handshake's address only, and the handshake tells no CallSid; without a token, whoever learns the
address could speak into a call. A token is good once, for a short time, in the process group that shares the secret.

Variables of a call that we place, signed into the address that Twilio asks when the call is answered.

Whoever places a call is not always the process that Twilio asks; so what the flow is to know travels in the address. It
is signed and not hidden: Twilio shows the address in its call logs.

One rule: variables are plain values, small enough for an address.

Tokens in a prompt's address, for `<Play>` in somebody's own TwiML: they hold what is to be said, and in which voice.

Speech costs money, so only who knows the secret decides what is spoken. The same text and voice make the same address,
so that Twilio, which keeps what it played by its address, fetches each prompt once.
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
QUERY = "variables"
MOST_CHARACTERS = 4096
"""Signed. A stream's address bears them once more, and many servers and proxies refuse request lines beyond 8 KB."""

Variables = Mapping[str, str | int | float | bool | None]


class VariablesTooLong(TelebridgeError):
    """They do not fit an address.

    Args:
        characters: How long they are when signed.
    """

    def __init__(self, characters: int) -> None:
        super().__init__(characters)
        self.characters = characters

    @override
    def __str__(self) -> str:
        return f"signed they have {self.characters} characters, and at most {MOST_CHARACTERS} fit an address"


class VariablesForged(TelebridgeError):
    """They were not signed with our secret."""

    @override
    def __str__(self) -> str:
        return "the variables in the address were not signed by this bridge"


class CallVariables:
    """Writes variables into addresses, and reads them back.

    Args:
        secret: Shared by all processes behind one public address.
    """

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeSerializer(secret, salt=VARIABLES_SALT)

    def sign(self, variables: Variables) -> str:
        """Text that can stand in a query; empty for no variables.

        Raises:
            VariablesTooLong: They do not fit.
        """
        if not variables:
            return ""
        signed = str(self._serializer.dumps(dict(variables)))
        if len(signed) > MOST_CHARACTERS:
            raise VariablesTooLong(len(signed))
        return signed

    def read(self, signed: str) -> dict[str, Any]:
        """The variables that `sign` wrote.

        Raises:
            VariablesForged: Somebody else wrote them.
        """
        if not signed:
            return {}
        try:
            return dict(self._serializer.loads(signed))
        except BadData:
            raise VariablesForged from None


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


PROMPT_SALT = "telebridge.prompt-token"


class PromptTokenError(TelebridgeError):
    """A token is not good: `reason` is "forged" or "expired"."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the prompt's address is {reason}")
        self.reason = reason


class PromptTokens:
    """Signs what may be spoken.

    Args:
        secret: Shared by all processes behind one public address, and by whoever makes addresses.
    """

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeSerializer(secret, salt=PROMPT_SALT)

    def issue(
        self, text: str, voice: Mapping[str, str | int | float | bool], *, expires: datetime | None = None
    ) -> str:
        """A token that can stand in a path; anyone can read it.

        Args:
            text: What is to be said.
            voice: What overrides the settings' voice.
            expires: When it is good no more, with its zone; never by default.
        """
        until = None if expires is None else round(expires.timestamp())
        return str(self._serializer.dumps([text, dict(sorted(voice.items())), until]))

    def read(self, token: str, *, wallclock: datetime) -> tuple[str, dict[str, str | int | float | bool]]:
        """The text and the voice of a token.

        Raises:
            PromptTokenError: It is forged or expired.
        """
        try:
            content: Any = self._serializer.loads(token)
        except BadData:
            raise PromptTokenError("forged") from None
        text, voice, until = content
        if until is not None and until < wallclock.timestamp():
            raise PromptTokenError("expired")
        return text, voice
