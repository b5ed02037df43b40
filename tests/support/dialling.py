"""A dialer with everything around it, on virtual time, and the killing of it."""

import asyncio
import random
from datetime import timedelta

from support.campaigns import ACCOUNT, START, TALK
from telebridge.campaigns.dialing.call_reports import AttemptReports
from telebridge.campaigns.dialing.dialer import Dialer, DialerOptions
from telebridge.campaigns.dialing.reconciler import Rescue, RescueOptions
from telebridge.campaigns.engine.attempt import CallReport
from telebridge.epoch import instant
from telebridge.simulator.setup.clock import VIRTUAL_START

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
    """One process that dials and rescues; `kill` ends it where it stands."""

    def __init__(self, store, twilio, name="w1", open_until=always_open, account=ACCOUNT, **options):
        self.dialer = Dialer(
            store,
            twilio,
            DialerOptions(account, PUBLIC_URL, name, **options),
            open_until=open_until,
            wallclock=wallclock,
        )
        self.rescue = Rescue(store, twilio, RescueOptions(name))
        self.tasks = []

    def start(self):
        self.tasks = [asyncio.create_task(self.dialer.run()), asyncio.create_task(self.rescue.run())]
        return self

    async def kill(self):
        tasks = [*self.tasks, *self.dialer._placing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def attach(twilio, store, worker=None):
    """Let a lossy Twilio tell of its calls here, and the bridge that speaks in them."""
    twilio.reports = AttemptReports(store, twilio, ended=worker.dialer.wake if worker else lambda: None)
    twilio.talked = lambda attempt_id, sid: store.attempts.report(attempt_id, CallReport(sid, talk=TALK))


def chance(seed):
    return random.Random(seed)
