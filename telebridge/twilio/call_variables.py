"""Variables of a call that we place, signed into the address that Twilio asks when the call is answered.

Whoever places a call is not always the process that Twilio asks; so what the flow is to know travels in the address. It
is signed and not hidden: Twilio shows the address in its call logs.

One rule: variables are plain values, small enough for an address.
"""

from collections.abc import Mapping
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
