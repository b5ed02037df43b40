"""What the caller wants of later calls: none at all, or one at another time.

One rule: each wish is noted once; a wish that is known already has no effects.
"""

from telebridge.call.record import CallRecord
from telebridge.call.session.effects import CallEffect, PublishEvent, SaveCallBack, SaveOptOut
from telebridge.flows.position import FlowPosition
from telebridge.flows.steps import CallBack


class CallerPreferences:
    """The wishes of one caller, kept in the record of the call."""

    __slots__ = ("_record",)

    def __init__(self, record: CallRecord) -> None:
        self._record = record

    def opt_out(self) -> list[CallEffect]:
        """Note that the caller wants no further call."""
        if self._record.opted_out:
            return []
        self._record.opted_out = True
        return [SaveOptOut(), PublishEvent("opt-out", {})]

    def call_back(self, wanted: CallBack | None) -> list[CallEffect]:
        """Note when the caller wants to be called again; None changes nothing."""
        if wanted is None or wanted == self._record.call_back:
            return []
        self._record.call_back = wanted
        at = None if wanted.at is None else wanted.at.isoformat()
        return [SaveCallBack(wanted), PublishEvent("call-back", {"in_seconds": wanted.in_seconds, "at": at})]

    def of_position(self, position: FlowPosition) -> list[CallEffect]:
        """Note what a flow file knows of the caller's wishes at this position."""
        return [*(self.opt_out() if position.opted_out else []), *self.call_back(position.call_back)]
