"""A dialer with everything around it, on virtual time, and the killing of it."""

import asyncio
import random
from datetime import timedelta

from support.campaigns import ACCOUNT, START, TALK
from support.lossy_twilio import Losses, LossyTwilio
from support.memory_store.store import memory_campaign_store
from telebridge.campaigns.dialing.call_reports import AttemptReports
from telebridge.campaigns.dialing.dialer import Dialer, DialerOptions
from telebridge.campaigns.dialing.reconciler import Reconciler, ReconcilerOptions
from telebridge.campaigns.engine.attempt import CallReport
from telebridge.simulator.setup.clock import VIRTUAL_START
from telebridge.timing.epoch import instant
from telebridge.twilio.calls import CallStatus

PUBLIC_URL = "https://bridge.example.com"


def virtual_clock():
    """The epoch milliseconds that go with virtual time."""
    return START + round(1000 * (asyncio.get_running_loop().time() - VIRTUAL_START))


def wallclock():
    return instant(virtual_clock())


def always_open(_lane, now):
    return now + timedelta(days=1)


class Slow:
    """A part of a store whose every operation takes a moment before and after its transaction: room to be killed in."""

    def __init__(self, part, chance):
        self._part, self._random = part, chance

    def __getattr__(self, name):
        operation = getattr(self._part, name)

        async def slowly(*args, **kwargs):
            await asyncio.sleep(self._random.random() * 0.05)
            answer = await operation(*args, **kwargs)
            await asyncio.sleep(self._random.random() * 0.05)
            return answer

        return slowly


class SlowStore:
    def __init__(self, store, chance):
        for part in ("campaigns", "contacts", "claims", "attempts", "do_not_call", "leases", "reports"):
            setattr(self, part, Slow(getattr(store, part), chance))


class Worker:
    """One process that dials and reconciles; `kill` ends it where it stands."""

    def __init__(
        self, store, twilio, name="w1", open_until=always_open, account=ACCOUNT, machine_clock=None, **options
    ):
        self.dialer = Dialer(
            store,
            twilio,
            DialerOptions(account, PUBLIC_URL, name, **options),
            open_until=open_until,
            wallclock=wallclock,
            machine_clock=machine_clock,
        )
        self.reconciler = Reconciler(store, twilio, ReconcilerOptions(name))
        self.tasks = []

    def start(self):
        self.tasks = [asyncio.create_task(self.dialer.run()), asyncio.create_task(self.reconciler.run())]
        return self

    async def kill(self):
        self.dialer.requests.cancel()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.dialer.requests.wait()


def attach(twilio, store, worker=None):
    """Let a lossy Twilio tell of its calls here, and the bridge that speaks in them."""
    twilio.reports = AttemptReports(store, twilio, on_call_ended=worker.dialer.wake if worker else None)
    twilio.talked = lambda attempt_id, sid: store.attempts.report(attempt_id, CallReport(sid, talk=TALK))


def chance(seed):
    return random.Random(seed)


class Bench:
    """A store, a Twilio and a worker."""

    def __init__(self, losses=None, store=None, twilio=None, **options):
        self.store = store or memory_campaign_store(virtual_clock)
        ends = (CallStatus.COMPLETED,)
        self.twilio = twilio or LossyTwilio(virtual_clock, chance(1), losses or Losses(), ends=ends)
        self.worker = Worker(self.store, self.twilio, **options)
        attach(self.twilio, self.store, self.worker)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.worker.kill()
        await self.twilio.aclose()

    async def attempts(self, campaign):
        return [attempt async for attempt in self.store.reports.attempts(campaign.id)]
