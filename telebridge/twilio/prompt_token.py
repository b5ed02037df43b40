"""Tokens in a prompt's address, for `<Play>` in somebody's own TwiML: they hold what is to be said, and in which voice.

Speech costs money, so only who knows the secret decides what is spoken. The same text and voice make the same address,
so that Twilio, which keeps what it played by its address, fetches each prompt once.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from telebridge.errors import TelebridgeError

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
