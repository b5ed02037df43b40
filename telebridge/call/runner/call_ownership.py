"""Asks which process leads a call, and performs what follows from a report on it.

The decisions are in the table of `telebridge.call.ownership`; this performs its actions on the calls of this process
and on the rows of the database.

One rule: a handler asks one question for each report, and gets a runner, nothing, or an exception.
"""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from telebridge.call.ownership import FINAL_ACTIONS, FOLLOWS, Ownership, OwnershipAction, Report, of_row
from telebridge.call.runner.incoming_call import IncomingCall
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.events import CallOver
from telebridge.call.store.store import CallStore
from telebridge.call.store.table import StoredCall
from telebridge.errors import NotLive
from telebridge.logs import logger

log = logger(__name__)

CHECK_SECONDS = 0.5
"""How often the process checks whether it still owns its calls that have no stream."""
FLOW_OVER = "hung up by the flow"
OWNS = frozenset({Report.STREAM, Report.OWN_STREAM, Report.RINGING})
"""The reports after which this process owns a call that it begins, whoever began it before."""


class CallRegister(Protocol):
    """The calls of this process, as ownership changes them."""

    def __len__(self) -> int:
        """How many calls are live."""
        ...

    def find(self, call_sid: str) -> CallRunner | None:
        """The runner of a live call."""
        ...

    def has_ended(self, call_sid: str) -> bool:
        """Whether a call ended here, lately."""
        ...

    def without_stream(self) -> list[str]:
        """The CallSids of live calls that have no media stream."""
        ...

    def begin(self, incoming: IncomingCall) -> CallRunner:
        """Begin a call, unless it is live here already.

        Raises:
            ConfigurationError: There is no flow of that name.
        """
        ...

    def begin_owned(self, incoming: IncomingCall) -> None:
        """Begin a call, and write this process into its row as the owner, whoever is in it.

        Raises:
            ConfigurationError: There is no flow of that name.
        """
        ...

    def resume_from(self, call: StoredCall) -> None:
        """Resume a call at its checkpoint.

        Raises:
            ConfigurationError: There is no flow of that name.
        """
        ...

    def release(self, call_sid: str) -> None:
        """Stop a runner without a word to anybody."""
        ...

    def expect_error_message(self, call_sid: str) -> None:
        """The caller of an ended call must still hear an error message."""
        ...


class CallOwnership:
    """Keeps each call with one process.

    Args:
        register: The calls of this process.
        store: The calls of all processes; None when calls do not outlive this one.
    """

    def __init__(self, register: CallRegister, store: CallStore | None) -> None:
        self._calls = register
        self._store = store
        self._checking: asyncio.Task[None] | None = None

    def keep_checking(self) -> None:
        """Check in the background, until this process has no live call."""
        if self._store is not None and (self._checking is None or self._checking.done()):
            self._checking = asyncio.create_task(self._check_until_empty(), name="check ownership")

    async def resume(self, call_sid: str) -> CallRunner | None:
        """The runner of a call that Twilio asks about; a call that another process left is resumed here.

        Returns:
            None when the call is over or unknown; see `take_error_message`.

        Raises:
            SQLAlchemyError, OSError: The database is unreachable, and this process does not know the call.
        """
        return await self._follow(call_sid, Report.WEBHOOK)

    async def resume_with_stream(self, incoming: IncomingCall, *, own: bool = False) -> CallRunner:
        """The runner of a call whose stream opens: begun in this process, or in another that may be gone.

        Args:
            incoming: What the stream's token tells of the call.
            own: Whether this process issued the token; then a call that is live here needs no look at the database.

        Raises:
            ConfigurationError: There is no flow of that name.
            NotLive: The call is over: its flow ended while Twilio connected the stream.
        """
        report = Report.OWN_STREAM if own else Report.STREAM
        runner = await self._follow(incoming.call_sid, report, incoming=incoming)
        if runner is None:
            raise NotLive(incoming.call_sid, "is over")
        return runner

    async def begin(self, incoming: IncomingCall, *, ringing: bool = False) -> CallRunner | None:
        """The runner of a call whose voice webhook came: begun now, unless it has begun before.

        Args:
            incoming: What Twilio told of the call.
            ringing: Whether it rings still; then it begins without a look at the database.

        Returns:
            None when the call is over; see `take_error_message`.

        Raises:
            ConfigurationError: There is no flow of that name.
        """
        report = Report.RINGING if ringing else Report.BEGINNING
        return await self._follow(incoming.call_sid, report, incoming=incoming)

    async def end(self, call_sid: str, status: str) -> None:
        """Twilio reports a final status: the call is over, whichever process leads it.

        Args:
            call_sid: The call.
            status: Twilio's word for how it ended, such as "completed".
        """
        await self._follow(call_sid, Report.FINAL_STATUS, status=status)

    async def check(self, call_sids: Collection[str]) -> None:
        """Release calls that another process has taken over, and end those that another process knows to be over.

        Args:
            call_sids: Calls of this process.

        Raises:
            SQLAlchemyError, OSError: The database is unreachable.
        """
        if self._store is None or not call_sids:
            return
        before = {call_sid: self._calls.find(call_sid) for call_sid in call_sids}
        for call_sid, found in (await self._store.not_owned(call_sids)).items():
            if self._calls.find(call_sid) is before[call_sid]:  # while the database was asked
                status = found.end_reason.removeprefix("call ")
                await self._follow(call_sid, Report.CHECK, found.ownership, status=status)

    async def _follow(
        self,
        call_sid: str,
        report: Report,
        state: Ownership | None = None,
        *,
        status: str = "",
        incoming: IncomingCall | None = None,
    ) -> CallRunner | None:
        """Perform the actions that follow from a report.

        Args:
            call_sid: The call that the report is about.
            report: What was reported.
            state: What is known of the call; None for what this process knows by itself.
            status: How the call ended, if the report is that it did.
            incoming: What the stream's token tells of the call.
        """
        state = state or self._known(call_sid)
        failure: Exception | None = None
        while (action := FOLLOWS[state, report]) not in FINAL_ACTIONS:
            try:
                if action is OwnershipAction.BEGIN and incoming is not None:
                    state = self._begin(incoming, owned=report in OWNS)
                else:
                    state = await self._perform(action, call_sid, status)
            except (SQLAlchemyError, OSError) as error:
                log.error("the database is unreachable", call_sid=call_sid, action=action.value, error=str(error))
                state, failure = Ownership.UNREACHABLE, error
        if action is OwnershipAction.FAIL and failure is not None:
            raise failure
        return self._calls.find(call_sid) if action is OwnershipAction.USE else None

    def _known(self, call_sid: str) -> Ownership:
        """What this process knows of a call without asking the database."""
        if self._calls.find(call_sid) is not None:
            return Ownership.LIVE
        return Ownership.ENDED if self._calls.has_ended(call_sid) else Ownership.ABSENT

    async def _perform(self, action: OwnershipAction, call_sid: str, status: str) -> Ownership:
        """Perform an action that is not final; returns what is known then."""
        match action:
            case OwnershipAction.ASK:
                return await self._ask(call_sid)
            case OwnershipAction.RELEASE:
                self._calls.release(call_sid)
                return Ownership.ABSENT
            case OwnershipAction.END:
                if (runner := self._calls.find(call_sid)) is not None:
                    runner.deliver(CallOver(status))
                return Ownership.ENDED
            case OwnershipAction.CLOSE_ROW:
                await self._close_row(call_sid, f"call {status}" if status else FLOW_OVER)
                return Ownership.OVER
            case OwnershipAction.TAKE_OVER:
                return await self._take_over(call_sid)
            case _:
                raise AssertionError(action)

    async def _ask(self, call_sid: str) -> Ownership:
        """What the database says of a call."""
        store = self._store
        if self._calls.find(call_sid) is not None:
            return Ownership.OWNED if store is None else await self._ask_owned(store, call_sid)
        if self._calls.has_ended(call_sid):
            if store is None:
                return Ownership.CLOSED
            await store.writer.flush(call_sid)
            if await store.is_owned(call_sid):
                return Ownership.CLOSED
        call = None if store is None else await store.find(call_sid)
        if self._calls.find(call_sid) is not None:  # while the database was asked
            return Ownership.OWNED
        if call is None:
            return Ownership.UNKNOWN
        checkpoint = call.resume_point()
        ownership = of_row(ended=call.ended, checkpoint=checkpoint)
        if checkpoint.apology and ownership is not Ownership.LEFT:
            self._calls.expect_error_message(call_sid)
        return ownership

    async def _ask_owned(self, store: CallStore, call_sid: str) -> Ownership:
        """What the row of a call says that runs here; that it is owned when the database gives no answer."""
        before = self._calls.find(call_sid)
        try:
            found = (await store.not_owned([call_sid])).get(call_sid)
        except (SQLAlchemyError, OSError):
            found = None
        if (runner := self._calls.find(call_sid)) is not before:  # while the database was asked
            return self._known(call_sid) if runner is None else Ownership.OWNED
        return Ownership.OWNED if found is None else found.ownership

    async def _take_over(self, call_sid: str) -> Ownership:
        """Become the owner of a call that another process left, and resume it at its checkpoint."""
        call = None if self._store is None else await self._store.take_over(call_sid)
        if self._calls.find(call_sid) is not None:  # while the database was asked
            return Ownership.OWNED
        if call is None:
            return Ownership.OVER
        log.info("call taken over", call_sid=call_sid, flow=call.begun.flow)
        self._calls.resume_from(call)
        return Ownership.OWNED

    def _begin(self, incoming: IncomingCall, *, owned: bool) -> Ownership:
        """Begin a call; as its owner, whoever began it elsewhere, where its stream is here or it rings still."""
        if self._calls.find(incoming.call_sid) is None:
            if owned:
                self._calls.begin_owned(incoming)
            else:
                self._calls.begin(incoming)
        return Ownership.OWNED

    async def _close_row(self, call_sid: str, reason: str) -> None:
        """Write an end into the row of a call that does not run here, unless it has one."""
        if self._store is None:
            return
        try:
            if await self._store.close_row(call_sid, reason, wallclock=datetime.now(UTC)):
                log.info("a call of another process was ended", call_sid=call_sid, reason=reason)
        except (SQLAlchemyError, OSError) as error:
            log.error("a call cannot be ended: the database is unreachable", call_sid=call_sid, error=str(error))

    async def _check_until_empty(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if not len(self._calls):
                return
            try:
                await self.check(self._calls.without_stream())
            except (SQLAlchemyError, OSError):
                continue
