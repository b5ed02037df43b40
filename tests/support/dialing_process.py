"""A dialing process to be killed: `python dialing_process.py DATABASE TWILIO NAME [stop]` dials until it dies.

Leases and looks are short, so that a test sees in seconds what takes minutes in earnest.
"""

import asyncio
import os
import signal
import sys
from datetime import timedelta

from telebridge.campaigns.dialing.dialer import Dialer, DialerOptions
from telebridge.campaigns.dialing.reconciler import Reconciler, ReconcilerOptions
from telebridge.campaigns.engine import reconciliation
from telebridge.campaigns.engine import transitions as settling
from telebridge.campaigns.store import attempts as sql_attempts
from telebridge.campaigns.store.sql_store import sql_campaign_store
from telebridge.database.engine import open_database
from telebridge.twilio.client import TwilioCalls

HURRY = [
    (reconciliation, "LOOKS_MS", (0, 1000, 2000, 3000, 4000)),
    (reconciliation, "LOOK_AGAIN_MS", 500),
    (settling, "CHECK_AFTER_RING_MS", 1000),
    (settling, "CHECK_AGAIN_MS", 1500),
    (settling, "TALK_WITHIN_MS", 3000),
    (sql_attempts, "CHECK_FAILED_AGAIN_MS", 1500),
]
LEASE_SECONDS, NEEDED_SECONDS, REQUEST_SECONDS = 3.0, 1.5, 1.0


def stop_after_a_claim(claims):
    """Stop this process once, between a claim and the request for its call."""
    original = claims.claim

    async def claim_and_stop(*args, **kwargs):
        claimed = await original(*args, **kwargs)
        if claimed:
            claims.claim = original
            os.kill(os.getpid(), signal.SIGSTOP)
        return claimed

    claims.claim = claim_and_stop


async def dial(database, twilio, name, stopping=""):
    for module, name_of, value in HURRY:
        setattr(module, name_of, value)
    store = sql_campaign_store(open_database(database))
    if stopping:
        stop_after_a_claim(store.claims)
    options = DialerOptions(
        "AC1",
        "https://bridge.example.com",
        name,
        lease_seconds=LEASE_SECONDS,
        needed_seconds=NEEDED_SECONDS,
        trouble_seconds=0.2,
    )
    async with TwilioCalls("AC1", "token", base_url=twilio, timeout_seconds=REQUEST_SECONDS) as calls:
        dialer = Dialer(store, calls, options, open_until=lambda _, now: now + timedelta(days=1))
        reconciler = Reconciler(store, calls, ReconcilerOptions(name, every_seconds=0.3, closing_seconds=0.5))
        sys.stdout.write("dialing\n")
        sys.stdout.flush()
        await asyncio.gather(dialer.run(), reconciler.run())


if __name__ == "__main__":
    asyncio.run(dial(*sys.argv[1:]))
