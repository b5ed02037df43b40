"""What Twilio tells of a call before its media stream opens.

One rule: a stream token carries enough of it for any process to take the stream.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from telebridge.answering.plan import AnswerPlan, read_plan
from telebridge.twilio.signed_urls import MOST_CHARACTERS


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """A call for which Twilio asks the voice webhook: one that comes in, or one that was placed and is answered.

    Args:
        call_sid: Twilio's name for it.
        flow: The name of the flow that leads it.
        from_number: The number of whoever calls.
        to_number: The number that was called.
        direction: Twilio's `Direction`, such as "inbound" or "outbound-api".
        variables: What the flow knows from the beginning.
        answering: What follows when a machine answers; None where nobody is to tell it by words and sounds.
    """

    call_sid: str
    flow: str
    from_number: str
    to_number: str
    direction: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    answering: AnswerPlan | None = None

    def log_fields(self) -> dict[str, str]:
        """The fields that may be logged; the variables may be private and are left out."""
        return {"flow": self.flow, "from": self.from_number, "to": self.to_number, "direction": self.direction}

    def claims(self) -> dict[str, str]:
        """The claims of a stream token, without the CallSid, which the token has by itself."""
        claims = self.log_fields()
        if self.answering is not None:
            claims["answering"] = self.answering.as_text()
        variables = json.dumps(dict(self.variables), separators=(",", ":"))
        if not self.variables or len(variables) > MOST_CHARACTERS:  # a contact's may be long: its checkpoint has them
            return claims
        return {**claims, "variables": variables}

    @classmethod
    def from_claims(cls, call_sid: str, claims: Mapping[str, str]) -> "IncomingCall":
        """Read what `claims` made."""
        variables = json.loads(claims.get("variables", "{}"))
        answering = read_plan(claims["answering"]) if "answering" in claims else None
        return cls(call_sid, claims["flow"], claims["from"], claims["to"], claims["direction"], variables, answering)

    def flow_variables(self) -> dict[str, Any]:
        """The variables of the flow when the call begins."""
        return contact_variables(self.variables, from_number=self.from_number, to_number=self.to_number)


def contact_variables(variables: Mapping[str, Any], *, from_number: str, to_number: str) -> dict[str, Any]:
    """The variables of a flow when its call begins: the given ones, and the two numbers."""
    return {**variables, "from": from_number, "to": to_number}
