"""Processes that dial, beside a Twilio on loopback, and what they did together."""

import asyncio
import os
import subprocess
import sys
from bisect import bisect_left
from contextlib import asynccontextmanager, suppress
from itertools import accumulate
from math import inf
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from support import dialing_process
from support.campaigns import contacts, running_campaign
from support.dialling import attach, chance
from support.lossy_twilio import Losses, LossyTwilio
from support.lossy_twilio_http import LossyTwilioServer
from telebridge.campaigns.engine.states import AttemptState
from telebridge.timing.epoch import system_clock


class Processes:
    """Dialing processes that this test started."""

    def __init__(self, database, twilio):
        self.database, self.twilio, self.count, self.running = database, twilio, 0, []

    def start(self, *more):
        self.count += 1
        name = f"w{self.count}"
        command = [sys.executable, dialing_process.__file__, self.database, self.twilio, name, *more]
        environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.running.append(process)
        return process

    def kill(self, process):
        self.running.remove(process)
        process.kill()
        process.wait()
        process.stdout.close()

    async def kill_one(self):
        self.kill(self.running[0])
        await asyncio.to_thread(self.start().stdout.readline)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in list(self.running):
            self.kill(process)


class Forgiving:
    """Callbacks while the database is away are answered 5xx; here they are then lost."""

    def __init__(self, reports):
        self.reports = reports

    async def status(self, attempt_id, report):
        with suppress(DBAPIError, OSError):
            await self.reports.status(attempt_id, report)


@asynccontextmanager
async def lossy_twilio(store, losses, *, talk_seconds=0.4):
    """A Twilio on loopback whose callbacks go to the store; gives it and its address."""
    twilio = LossyTwilio(system_clock, chance(3), losses, talk_seconds=talk_seconds, latency_seconds=0.02)
    twilio.late_ms = 1500
    attach(twilio, store)
    twilio.reports = Forgiving(twilio.reports)
    async with LossyTwilioServer(twilio) as url:
        yield twilio, url


async def dialled(store, address, pacing, *, seconds, talk_seconds):
    """What two processes dial in so many seconds, from the first call on; answers the attempts."""
    people = contacts(round(pacing.calls_per_second * (seconds + 5)))
    campaign = await running_campaign(store, [], pacing=pacing)
    async with lossy_twilio(store, Losses(), talk_seconds=talk_seconds) as (_, url):
        with Processes(address, url) as processes:
            for _ in range(2):
                await asyncio.to_thread(processes.start().stdout.readline)
            await store.contacts.add(campaign.id, people, upto_line=len(people))
            await asyncio.sleep(seconds)
        return [attempt async for attempt in store.reports.attempts(campaign.id)]


def most_in_a_second(attempts):
    """The largest number of attempts begun within any second."""
    starts = sorted(attempt.intent_at for attempt in attempts)
    return max(bisect_left(starts, first + 1000) - place for place, first in enumerate(starts))


def most_at_once(attempts):
    """The largest number of attempts under way at one instant, from the intent to the end.

    Those that were never placed are left out: when they were given up is not kept.
    """
    attempts = [attempt for attempt in attempts if attempt.state is not AttemptState.VOID]
    begun = [(attempt.intent_at, 1) for attempt in attempts]
    over = [(inf if attempt.ended_at is None else attempt.ended_at, -1) for attempt in attempts]
    return max(accumulate(step for _, step in sorted(begun + over)))
