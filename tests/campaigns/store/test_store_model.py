"""Stores against a model that knows the rules of an attempt and nothing of storing: any order of operations."""

import asyncio
import tempfile

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.campaigns import TALK, SteeredClock, claim, contacts, phone, running_campaign, said, sqlite_store
from support.memory_store.store import memory_campaign_store

from telebridge.campaigns.engine.attempt import NotPlacedReason, Receipt
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.twilio.calls import CallStatus

pytestmark = pytest.mark.slow

PEOPLE, MOST_LIVE, MOST_ATTEMPTS = 6, 4, 2
# Often what leads on: a line that is busy is called again, a call that was not placed does not count.
STATUSES = st.sampled_from([CallStatus.BUSY, CallStatus.BUSY, CallStatus.BUSY, *CallStatus])
WHYS = st.sampled_from([NotPlacedReason.AGAIN, NotPlacedReason.AGAIN, NotPlacedReason.AGAIN, *NotPlacedReason])


def ending(attempt_id, status):
    """What Twilio and the bridge say together."""
    return said(f"CA-{attempt_id}", status, talk=TALK if status is CallStatus.COMPLETED else {})


class StoreMachine(RuleBasedStateMachine):
    """The model: which attempts are live, which contacts are done, and how many calls each has had."""

    def __init__(self):
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = SteeredClock()
        self.live, self.over, self.calls, self.done, self.barred = {}, {}, {}, set(), set()
        self.running = True

    def run(self, work):
        return self.runner.run(work)

    @initialize()
    def open(self):
        self.store = self.run(self.open_store())
        rules = RetryRules(MOST_ATTEMPTS, {Outcome.BUSY: (60.0,)})
        pacing = Pacing(1_000_000.0, MOST_LIVE)
        self.campaign = self.run(running_campaign(self.store, contacts(PEOPLE), pacing=pacing, retry=rules))

    async def open_store(self):
        return memory_campaign_store(self.clock)

    @rule(wanted=st.sampled_from([9, 2, 1, 0]))
    def claim(self, wanted):
        claims = self.run(claim(self.store, wanted))
        assert len(claims) <= min(wanted, MOST_LIVE - len(self.live))
        assert self.running or not claims
        for one in claims:
            who = one.contact.phone
            assert who not in self.live.values()
            assert who not in self.done
            assert who not in self.barred
            assert self.calls.get(who, 0) < MOST_ATTEMPTS
            assert one.attempt_id not in self.live | self.over
            self.live[one.attempt_id] = who
            self.calls[who] = self.calls.get(who, 0) + 1

    @rule(data=st.data(), status=STATUSES)
    @precondition(lambda self: self.live)
    def report(self, data, status):
        attempt_id = data.draw(st.sampled_from(list(self.live)))
        receipt = self.run(self.store.attempts.report(attempt_id, ending(attempt_id, status)))
        assert receipt in {Receipt.APPLIED, Receipt.DUPLICATE}
        if status.is_final:
            who = self.live.pop(attempt_id)
            self.over[attempt_id] = who
            if status is not CallStatus.BUSY or self.calls[who] == MOST_ATTEMPTS:
                self.done.add(who)

    @rule(data=st.data(), why=WHYS)
    @precondition(lambda self: self.live)
    def not_placed(self, data, why):
        attempt_id = data.draw(st.sampled_from(list(self.live)))
        known = self.run(self.store.attempts.find(attempt_id)).call_sid is not None
        assert self.run(self.store.attempts.not_placed(attempt_id, why, error="no")) is not known
        if not known:
            who = self.live.pop(attempt_id)
            self.over[attempt_id] = who
            self.calls[who] -= 1
            if why.ends_contact:
                self.done.add(who)

    @rule(data=st.data(), status=st.sampled_from(CallStatus))
    @precondition(lambda self: self.over)
    def report_late(self, data, status):
        attempt_id = data.draw(st.sampled_from(list(self.over)))
        self.run(self.store.attempts.report(attempt_id, said(f"CA-{attempt_id}", status)))
        assert self.run(self.store.attempts.report(attempt_id, said("CA-other", status))) is Receipt.MISMATCH

    @rule(number=st.integers(0, PEOPLE - 1))
    def bar(self, number):
        self.run(self.store.do_not_call.add([phone(number)], source="letter"))
        self.barred.add(phone(number))

    @rule(seconds=st.sampled_from([61, 400, 0.5]))
    def wait(self, seconds):
        self.clock.advance(seconds)

    @rule()
    def rescue(self):
        overdue = self.run(self.store.attempts.take_expired_intents())
        silent = self.run(self.store.attempts.take_due_checks())
        assert {attempt.id for attempt in overdue.attempts + silent.attempts} <= set(self.live)

    @rule()
    def stop_or_go(self):
        happened = CampaignInput.PAUSE if self.running else CampaignInput.START
        self.run(self.store.campaigns.change(self.campaign.id, happened))
        self.running = not self.running

    @invariant()
    def counts_agree(self):
        if not hasattr(self, "campaign"):
            return
        progress = self.run(self.store.reports.progress(self.campaign.id))
        assert sum(progress.contacts.values()) == PEOPLE
        assert progress.contacts.get("live", 0) == len(self.live)
        assert progress.contacts.get("done", 0) == len(self.done)
        assert len(self.run(self.store.attempts.live(self.campaign.id))) == len(self.live)
        assert sum(progress.attempts.values()) == len(self.live) + len(self.over)

    def teardown(self):
        self.runner.close()


class SqliteMachine(StoreMachine):
    """The same over SQLite."""

    async def open_store(self):
        self.folder = tempfile.TemporaryDirectory()
        self.opened = sqlite_store(self.folder.name, self.clock)
        return await self.opened.__aenter__()

    def teardown(self):
        if hasattr(self, "opened"):
            self.run(self.opened.__aexit__(None, None, None))
            self.folder.cleanup()
        super().teardown()


@pytest.mark.parametrize(("machine", "examples", "steps"), [(StoreMachine, 150, 50), (SqliteMachine, 8, 50)])
def test_any_order_of_operations_agrees_with_the_model(machine, examples, steps):
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large]
    chosen = settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=quiet)
    run_state_machine_as_test(machine, settings=chosen)
