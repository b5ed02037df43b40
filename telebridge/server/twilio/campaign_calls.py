"""Calls of campaigns in this process: whether they may speak, what follows a machine's answer, what is kept of them.

One rule: what cannot be written now is written later; only the decision whether a call may speak waits for the store.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from telebridge.answering.phrases import Answerer
from telebridge.answering.plan import AnswerPlan, AnswerReaction, OnAnswerer
from telebridge.call.record import CallRecord
from telebridge.call.runner.incoming_call import contact_variables
from telebridge.call.runner.live_calls import LiveCalls
from telebridge.campaigns.calling_hours.call_back import call_back_at
from telebridge.campaigns.dialing.call_reports import AttemptReports
from telebridge.campaigns.dialing.opt_out_files import OptOut, OptOutFiles
from telebridge.campaigns.engine.attempt import Attempt, CallReport
from telebridge.campaigns.engine.campaign import CampaignPlan, OnMachine, OnScreening
from telebridge.campaigns.engine.outcomes import MACHINES, Reported
from telebridge.campaigns.engine.states import AttemptState
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.flows.steps import CallBack
from telebridge.logs import logger
from telebridge.tasks import Tasks
from telebridge.timing.epoch import epoch_ms, wallclock_now
from telebridge.turns.barge_in import BargeInCause

log = logger(__name__)

SPEAK_WITHIN_MS = 2000.0
"""A call in which nothing is said within this time after the answer is abandoned: 47 CFR 64.1200(a)(7)."""
VERDICT_SECONDS = 40.0
LOOK_SECONDS = 2.0
RETRY_SECONDS = 1.0
CLOSE_SECONDS = 5.0
OVER = frozenset({AttemptState.DONE, AttemptState.VOID})


@dataclass(frozen=True, slots=True)
class _Callee:
    """The contact and the plan of an attempt."""

    attempt: Attempt
    variables: Mapping[str, str]
    plan: CampaignPlan


@dataclass(frozen=True, slots=True)
class AnsweredCall:
    """What a call of a campaign begins with.

    Args:
        variables: What its flow knows.
        answering: What follows when a machine answers.
    """

    variables: Mapping[str, str]
    answering: AnswerPlan | None


class CampaignCalls:
    """Connects the calls of this process with the campaigns. Close it with `aclose`.

    Args:
        store: The campaigns.
        reports: Writes reports on attempts.
        opt_outs: Keeps opt-outs until the database has them; None to keep them in memory only.
        wallclock: Returns the aware UTC instant.

    Attributes:
        live: The calls of this process; to be set before the first is answered.
        on_ringing: Called with a flow and its variables when the telephone of a contact rings; None for no-op.
        reports: As above.
    """

    def __init__(
        self,
        store: CampaignStore,
        reports: AttemptReports,
        opt_outs: OptOutFiles | None = None,
        wallclock: Callable[[], datetime] = wallclock_now,
    ) -> None:
        self.live: LiveCalls | None = None
        self.on_ringing: Callable[[str, Mapping[str, Any]], None] | None = None
        self.reports = reports
        self._store = store
        self._opt_outs = opt_outs
        self._wallclock = wallclock
        self._verdicts: dict[str, asyncio.Event] = {}
        self._tasks = Tasks("a campaign's call")
        self._writes = Tasks("write a campaign's call")

    def rings(self, attempt_id: str) -> None:
        """The telephone of an attempt rings, dialled by any process: prepare its first prompt in this one."""
        _ = self._tasks.start(self._make_ready(attempt_id))

    async def answered(self, attempt_id: str, call_sid: str) -> AnsweredCall | None:
        """Return what the flow of an answered call begins with; None when the call must be hung up.

        Raises:
            SQLAlchemyError, OSError: The database is away.
        """
        if not await self.reports.may_speak(attempt_id, call_sid):
            return None
        callee = await self._callee(attempt_id)
        if callee is None:
            return None
        if attempt_id not in self._verdicts:
            self._await_verdict(callee.attempt, call_sid, callee.plan)
        return AnsweredCall(callee.variables, answer_plan(callee.plan))

    async def _make_ready(self, attempt_id: str) -> None:
        try:
            callee = await self._callee(attempt_id)
        except (SQLAlchemyError, OSError) as error:
            log.warning("first words cannot be made ready: the database is away", error=str(error))
            return
        if callee is not None and self.on_ringing is not None:
            numbers = {"from_number": callee.attempt.from_number, "to_number": callee.attempt.phone}
            self.on_ringing(callee.plan.flow, contact_variables(callee.variables, **numbers))

    async def _callee(self, attempt_id: str) -> _Callee | None:
        attempt = await self._store.attempts.find(attempt_id)
        if attempt is None:
            return None
        contact = await self._store.contacts.of(attempt)
        campaign = await self._store.campaigns.find(attempt.campaign_id)
        if contact is None or campaign is None:
            return None
        return _Callee(attempt, contact.variables, campaign.plan)

    def verdict_arrived(self, attempt_id: str) -> None:
        """The verdict on who answered is in the store: look it up at once if the call is one of this process."""
        if (verdict := self._verdicts.get(attempt_id)) is not None:
            verdict.set()

    def opted_out(self, record: CallRecord) -> None:
        """Add the other end of a call to the do-not-call list."""
        person, _ = record.ends
        self._write(partial(self._write_opt_out, OptOut(person, record.call_sid)))

    def call_back(self, record: CallRecord, wanted: CallBack) -> None:
        """Let the contact of a call be called again at another time."""
        self._write(partial(self._write_call_back, record.call_sid, wanted, asked_at=self._wallclock()))

    async def take_up(self) -> None:
        """Write the opt-outs that an earlier process left in the files."""
        saved = iter(()) if self._opt_outs is None else self._opt_outs.saved()
        for opt_out in await asyncio.to_thread(list, saved):
            log.info("an opt-out of an earlier process is kept", call_sid=opt_out.call_sid)
            self._write(partial(self._write_opt_out, opt_out))

    def over(self, record: CallRecord) -> None:
        """Write what was said in a call of this process that has ended."""
        if record.direction.startswith("outbound"):
            lasted = datetime.now(UTC) - record.started_at
            self._write(partial(self._write_talk, record, lasted_ms=lasted.total_seconds() * 1000))

    async def aclose(self) -> None:
        """Finish what is still to be written, for at most `CLOSE_SECONDS`, and stop."""
        self._tasks.cancel()
        if not await self._writes.wait(CLOSE_SECONDS):
            self._writes.cancel()
        await self._writes.wait()
        await self._tasks.wait()

    # Who answered.

    def _await_verdict(self, attempt: Attempt, call_sid: str, plan: CampaignPlan) -> None:
        if not plan.machine_detection or plan.on_machine is OnMachine.CARRY_ON:
            return
        self._verdicts[attempt.id] = asyncio.Event()
        task = self._tasks.start(self._follow_verdict(attempt.id, call_sid, plan))
        task.add_done_callback(lambda _: self._verdicts.pop(attempt.id, None))

    async def _follow_verdict(self, attempt_id: str, call_sid: str, plan: CampaignPlan) -> None:
        """Wait for the verdict, which may arrive at another process, and do what the plan says."""
        come = self._verdicts[attempt_id]
        loop = asyncio.get_running_loop()
        until = loop.time() + VERDICT_SECONDS
        while loop.time() < until:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await come.wait()
            except TimeoutError:
                pass
            attempt = await self._look(attempt_id)
            if attempt is not None and attempt.answered_by:
                self._act(call_sid, attempt.answered_by, plan)
                return
            if attempt is not None and attempt.state in OVER:
                return
            come.clear()

    async def _look(self, attempt_id: str) -> Attempt | None:
        try:
            return await self._store.attempts.find(attempt_id)
        except (SQLAlchemyError, OSError) as error:
            log.warning("a verdict cannot be looked up: the database is away", error=str(error))
            return None

    def _act(self, call_sid: str, answered_by: str, plan: CampaignPlan) -> None:
        runner = None if self.live is None else self.live.find(call_sid)
        if runner is None or not answered_by.startswith(MACHINES):
            return
        leaves_message = plan.on_machine is OnMachine.LEAVE_MESSAGE and answered_by.startswith("machine_end")
        log.info("a machine answered", call_sid=call_sid, answered_by=answered_by, leaves_message=leaves_message)
        node = plan.message_node if leaves_message else None
        runner.machine_answered(node, beeped=answered_by == "machine_end_beep")

    # What is written in the background.

    async def _write_opt_out(self, opt_out: OptOut) -> None:
        if self._opt_outs is not None:
            await asyncio.to_thread(self._opt_outs.save, opt_out)
        await self._store.do_not_call.add([opt_out.number], source="call", reason=opt_out.call_sid)
        if self._opt_outs is not None:
            await asyncio.to_thread(self._opt_outs.remove, opt_out)
        attempt = await self._store.attempts.find_by_call(opt_out.call_sid)
        if attempt is not None:
            await self.reports.reported(attempt.id, opt_out.call_sid, Reported.OPTED_OUT)

    async def _write_call_back(self, call_sid: str, wanted: CallBack, *, asked_at: datetime) -> None:
        attempt = await self._store.attempts.find_by_call(call_sid)
        if attempt is None:
            log.info("a call-back is not kept: the call is no campaign's", call_sid=call_sid)
            return
        contact = await self._store.contacts.of(attempt)
        if contact is None:
            return
        at = call_back_at(wanted, await self._store.contacts.lane(contact), asked_at=asked_at)
        await self.reports.reported(attempt.id, call_sid, Reported.CALL_BACK, call_back_at=epoch_ms(at))

    async def _write_talk(self, record: CallRecord, *, lasted_ms: float) -> None:
        attempt = await self._store.attempts.find_by_call(record.call_sid)
        if attempt is None:
            return
        talk = {**talk_of(record), "seconds": round(lasted_ms / 1000, 1)}
        report = CallReport(record.call_sid, reported=reported_of(record, lasted_ms), talk=talk)
        await self._store.attempts.report(attempt.id, report)

    def _write(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        _ = self._writes.start(_until_written(work))


async def _until_written(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    while True:
        try:
            await work()
        except (SQLAlchemyError, OSError) as error:
            log.error("a campaign's call waits to be written: the database is away", error=str(error))
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


MACHINE_REACTIONS = {
    OnMachine.CARRY_ON: OnAnswerer.CARRY_ON,
    OnMachine.HANG_UP: OnAnswerer.HANG_UP,
    OnMachine.LEAVE_MESSAGE: OnAnswerer.GO_TO,
}
SCREENING_REACTIONS = {
    OnScreening.CARRY_ON: OnAnswerer.CARRY_ON,
    OnScreening.HANG_UP: OnAnswerer.HANG_UP,
    OnScreening.ANSWER: OnAnswerer.GO_TO,
}


def answer_plan(plan: CampaignPlan) -> AnswerPlan | None:
    """What a campaign wants of a call when a machine answers; None where it is never looked for."""
    kind = MACHINE_REACTIONS[plan.on_machine] if plan.machine_detection else OnAnswerer.CARRY_ON
    screening = SCREENING_REACTIONS[plan.on_screening]
    wanted = AnswerPlan(AnswerReaction(kind, plan.message_node), AnswerReaction(screening, plan.screening_node))
    return wanted if wanted.needs_words else None


def talk_of(record: CallRecord) -> dict[str, Any]:
    """Return what a campaign's report contains of a call."""
    return {
        "heard": [one.text if one.interruption is None else one.interruption.heard_text for one in record.utterances],
        "digits": "".join(record.digits),
        "result": record.result,
        "path": record.path,
        "interruptions": sum(one.interruption is not None for one in record.utterances),
        "first_audio_ms": record.first_audio_ms,
        "end_reason": record.end_reason,
        "person": record.is_person,
        **({} if record.answered_by is None else {"answered_by": record.answered_by.who.value}),
    }


REPORTED_BY = {Answerer.PERSON: None, Answerer.VOICEMAIL: Reported.MACHINE, Answerer.SCREEN: Reported.SCREENED}


def reported_of(record: CallRecord, lasted_ms: float) -> Reported | None:
    """Return what the end of a call says beside Twilio's status; None for nothing."""
    if record.opted_out:
        return Reported.OPTED_OUT
    if record.answered_by is not None and record.answered_by.acted_on and not record.is_person:
        return REPORTED_BY[record.answered_by.who]
    late = record.first_audio_ms is None or record.first_audio_ms > SPEAK_WITHIN_MS
    if late and lasted_ms > SPEAK_WITHIN_MS:
        return Reported.ABANDONED
    cut = record.utterances[0].interruption if len(record.utterances) == 1 else None
    at_once = not record.utterances or (cut is not None and cut.cause is BargeInCause.HANG_UP)
    return Reported.HUNG_UP if at_once and not record.digits else None
