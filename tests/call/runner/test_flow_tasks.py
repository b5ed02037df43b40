"""A flow at work beside its call: led by a user's code, which may fail, and waiting for actions, which may be late."""

import asyncio
from datetime import UTC, datetime

import pytest

from telebridge.call.flows.requests import ActionRunner
from telebridge.call.record import CallRecord
from telebridge.call.runner.flow_tasks import FlowTasks
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.events import ActionDone, FlowEnded
from telebridge.errors import SpeechUnavailable
from telebridge.flows.steps import Done, Run, Said, Say
from telebridge.tasks import Tasks


class Session:
    """Answers a command with its name, in place of effects."""

    clean_streams = True

    def __init__(self):
        self.record = CallRecord("CA1", "test", "+1555", "+1666", "inbound", datetime.now(UTC))

    def perform_step(self, step, *, now):
        return [("perform_step", step)]

    def cancel_step(self, *, now):
        return [("cancel_step",)]


class Work:
    """The work of a call's flow, and what was delivered of it."""

    def __init__(self, **functions):
        self.tasks = Tasks("call")
        self.delivered = []
        self.flow = FlowTasks(ActionRunner(functions), self.tasks, Session())

    def lead(self, flow, checkpoint=None):
        self.flow.lead(flow, {"name": "Ann"}, checkpoint, perform=self.delivered.extend, deliver=self.delivered.append)

    async def settled(self):
        for _ in range(5):
            await asyncio.sleep(0)
        return self.delivered


async def test_a_python_flow_leads_until_it_returns():
    async def flow(call):
        await call.say(f"Hello {call.variables['name']}.")

    work = Work()
    work.lead(flow)
    assert await work.settled() == [("perform_step", Say("Hello Ann."))]
    work.flow.steps.report(Said())
    assert (await work.settled())[1:] == [FlowEnded()]


async def test_a_python_flow_that_another_process_led_is_given_what_it_knew():
    found = []

    async def flow(call):
        found.append((call.resumed, call.last_checkpoint, call.variables))

    work = Work()
    work.lead(flow, Checkpoint(name="asked", variables={"n": 1}))
    await work.settled()
    assert found == [(True, "asked", {"name": "Ann", "n": 1})]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(KeyError("name"), "flow failed: KeyError: 'name'"), (SpeechUnavailable("gone"), "speech failed: gone")],
)
async def test_what_a_python_flow_raises_is_how_it_ended(error, reason):
    async def flow(call):
        raise error

    work = Work()
    work.lead(flow)
    assert await work.settled() == [FlowEnded(reason)]


async def test_the_end_of_a_call_ends_what_its_flow_waits_for():
    async def flow(call):
        await call.say("Hello.")

    work = Work()
    work.flow.end()
    work.lead(flow)
    await work.settled()
    work.flow.end()
    assert FlowEnded() not in await work.settled()


async def test_an_action_is_performed_and_an_earlier_one_cancelled():
    async def answer(variables):
        await variables["wait"]()
        return 5

    async def for_ever():
        await asyncio.Event().wait()

    async def at_once():
        pass

    work = Work(answer=answer)
    work.flow.start_action(Run("answer", {"wait": for_ever}), work.delivered.append)
    await work.settled()
    work.flow.start_action(Run("answer", {"wait": at_once}), work.delivered.append)
    assert await work.settled() == [ActionDone(Done(5))]
