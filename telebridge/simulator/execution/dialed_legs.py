"""The legs of `<Dial>`: a call of its own for each party, from ringing to its final status.

Follows Twilio's `<Number>`, `<Sip>` and `<Client>` ("Status callbacks") and its Call resource: a leg is a call with
`ParentCallSid`, in the direction `outbound-dial`.
"""

from dataclasses import dataclass

from telebridge.simulator.caller.caller import Pickup, Script
from telebridge.simulator.execution.live_call import LiveCallParts
from telebridge.simulator.http.webhook_fields import status_fields
from telebridge.simulator.new_sids import new_sid
from telebridge.simulator.resources.call import CallResource, event_of
from telebridge.simulator.twiml.verbs import Party
from telebridge.twilio.calls import CallStatus


@dataclass(slots=True)
class DialedLeg:
    """One party that is dialed.

    Args:
        call: The call that dials.
        party: Who is dialed.
        script: What they do.
        record: The resource of the leg.
    """

    call: LiveCallParts
    party: Party
    script: Script
    record: CallResource
    _sequence: int = 0

    @classmethod
    def dial(cls, call: LiveCallParts, party: Party, caller_id: str | None) -> "DialedLeg":
        """Begin to ring at a party."""
        script = call.options.script_for(party.number)
        parent = call.record
        record = CallResource(
            new_sid("CA"),
            parent.account_sid,
            party.number,
            caller_id or parent.from_,
            "outbound-dial",
            created_at=call.account.clock.wallclock(),
            parent_call_sid=parent.sid,
        )
        call.account.books.calls.add(record)
        leg = cls(call, party, script, record)
        leg.move(CallStatus.INITIATED)
        leg.move(CallStatus.RINGING)
        return leg

    def decides_after(self, timeout_seconds: float) -> tuple[float, CallStatus]:
        """Return for how many seconds the leg rings, and the status that follows."""
        rings = self.script.ring_seconds
        match self.script.pickup:
            case Pickup.ANSWER if rings <= timeout_seconds:
                return rings, CallStatus.IN_PROGRESS
            case Pickup.BUSY if rings <= timeout_seconds:
                return rings, CallStatus.BUSY
            case Pickup.FAILED if rings <= timeout_seconds:
                return rings, CallStatus.FAILED
            case _:
                return timeout_seconds, CallStatus.NO_ANSWER

    def move(self, status: CallStatus) -> None:
        """Change the status of the leg, and tell the application if the noun asks for that."""
        at = self.call.account.clock.wallclock()
        self.record.move(status, at=at)
        event = event_of(status)
        if event in self.party.status.events:
            fields = status_fields(self.record, sequence_number=self._sequence, at=at)
            self._sequence += 1
            self.call.send(f"dialed-{event}", self.party.status.url, self.party.status.method, fields)

    def end(self) -> None:
        """End the leg, if it has not ended: an answered one is completed, another one is canceled."""
        if not self.record.status.is_final:
            answered = self.record.status is CallStatus.IN_PROGRESS
            self.move(CallStatus.COMPLETED if answered else CallStatus.CANCELED)
