"""A campaign of a million people on a real database: their import, claims among 600 lanes, a look at it, and a pause.

On SQLite, and on a throwaway PostgreSQL where its programs are installed. Claims are measured with every bound there
is: caps of the law, daily caps of the numbers called from, a do-not-call list.
"""

import asyncio
import os
import random
import resource
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles

from campaign_import import DEFINITION, FEWEST_ROWS_PER_SECOND, MOST_MEGABYTES, write_contacts
from machine import described

from telebridge.campaigns.dialing.dialer import Dialer, DialerOptions
from telebridge.campaigns.engine.attempt import CallReport
from telebridge.campaigns.engine.campaign import Campaign, CampaignPlan, Cap, PoolNumber
from telebridge.campaigns.engine.claim import CampaignLane, Claim, OpenLane
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import CampaignInput
from telebridge.campaigns.importing.importing import ImportProgress, import_contacts
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.campaigns.store.sql_store import sql_campaign_store
from telebridge.database.engine import open_database
from telebridge.database.migration import migrate
from telebridge.twilio.calls import CallRequest, CallStatus
from telebridge.twilio.client import CallResource

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from support.postgresql import Cluster, programs

ACCOUNT = "AC00000000000000000000000000000000"
CLAIMED = 20
FEWEST_LANES = 600
PRIORITIES = 12
LONGEST_CLAIM_MS = 25
LONGEST_PAUSE_SECONDS = 0.5
CAPS = (Cap(3, 86_400), Cap(7, 7 * 86_400, conversations=True))
UNLIMITED = Pacing(calls_per_second=1_000_000.0, max_live=1_000_000)
STEADY = Pacing(calls_per_second=50.0, max_live=1_000_000)
OPEN = datetime.now(UTC) + timedelta(days=1)


def run(*, rows: int, claims: int, pauses: int) -> dict[str, object]:
    """Measure."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "contacts.csv"
        write_contacts(path, rows, priorities=PRIORITIES)
        found = {}
        with _sqlite() as url:
            found["sqlite"] = asyncio.run(_measure(url, path, claims, pauses))
        if programs() is not None:
            with _postgresql() as url:
                found["postgresql"] = asyncio.run(_measure(url, path, claims, pauses))
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "rows": rows,
        "machine": described(),
        "concluded": len(found) == 2,
        "why": "" if len(found) == 2 else "there is no PostgreSQL here: its half was left out",
        "medians": found,
        "peak_megabytes": round(megabytes, 1),
        "peak_megabytes_of_a_reader": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 1),
        "bars_met": {
            "peak_megabytes": megabytes <= MOST_MEGABYTES,
            **{f"{name}.{bar}": met for name, figures in found.items() for bar, met in _bars(figures).items()},
        },
    }


def _bars(figures: dict[str, float]) -> dict[str, bool]:
    return {
        "rows_per_second": figures["rows_per_second"] >= FEWEST_ROWS_PER_SECOND,
        "lanes": figures["lanes"] >= FEWEST_LANES,
        "claim_p99_ms": figures["claim_p99_ms"] < LONGEST_CLAIM_MS,
        "pause_max_seconds": figures["pause_max_seconds"] <= LONGEST_PAUSE_SECONDS,
    }


@contextmanager
def _sqlite():
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite:///{folder}/telebridge.db"


@contextmanager
def _postgresql():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101 - the cluster's own user must come in
        cluster = Cluster(Path(folder))
        cluster.start()
        try:
            yield cluster.url
        finally:
            cluster.stop()


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[CampaignStore]:
    engine = open_database(url)
    await migrate(engine)
    try:
        yield sql_campaign_store(engine)
    finally:
        await engine.dispose()


async def _measure(url: str, path: Path, claims: int, pauses: int) -> dict[str, float]:
    async with _opened(url) as store:
        campaign, imported = await _filled(store, path)
        await store.campaigns.change(campaign.id, CampaignInput.START)
        lanes = [
            OpenLane(lane.id, campaign.id, round(OPEN.timestamp() * 1000), CAPS)
            for lane in await store.campaigns.lanes(ACCOUNT)
        ]
        claim_ms = await _claims(store, lanes, claims)
        look_ms = [await _timed(store.reports.progress(campaign.id)) for _ in range(3)]
        async with _opened(url) as another:
            paused = [await _pause(store, another, campaign) for _ in range(pauses)]
    return {
        "contacts": imported.added,
        "lanes": len(lanes),
        "rows_per_second": round(imported.rows_per_second),
        "import_seconds": round(imported.seconds, 1),
        "claim_p50_ms": round(median(claim_ms), 2),
        "claim_p99_ms": round(quantiles(claim_ms, n=100)[98], 2),
        "progress_p50_ms": round(median(look_ms), 1),
        "pause_p50_seconds": round(median(paused), 3),
        "pause_max_seconds": round(max(paused), 3),
    }


async def _filled(store: CampaignStore, path: Path) -> tuple[Campaign, ImportProgress]:
    numbers = (PoolNumber("+12125550100", daily_cap=1_000_000), PoolNumber("+12125550101"))
    campaign = await store.campaigns.create(CampaignPlan(name="bench", account=ACCOUNT, flow="bench", numbers=numbers))
    await store.contacts.begin_import(campaign.id, "bench", owner="bench")
    done = await import_contacts(
        path,
        DEFINITION,
        store.contacts,
        campaign_id=campaign.id,
        rejects=path.with_suffix(".rejects.csv"),
    )
    await store.contacts.finish_import(campaign.id, owner="bench")
    await store.do_not_call.add((f"+1212556{n:04d}" for n in range(10_000)), source="bench")
    return campaign, done


async def _claims(store: CampaignStore, lanes: Sequence[OpenLane], claims: int) -> list[float]:
    """Each claim finds the calls of the one before over, and other lanes first."""
    await store.claims.set_pacing(ACCOUNT, UNLIMITED)
    chance = random.Random(7)
    took = []
    for _ in range(claims):
        order = chance.sample(lanes, len(lanes))
        begun = asyncio.get_running_loop().time()
        claimed = await store.claims.claim(ACCOUNT, order, worker="bench", wanted=CLAIMED, lease_seconds=30.0)
        took.append((asyncio.get_running_loop().time() - begun) * 1000)
        assert len(claimed) == CLAIMED
        for claim in claimed:
            await _answered(store, claim)
    return took[len(took) // 10 :]


async def _answered(store: CampaignStore, claim: Claim) -> None:
    await store.attempts.report(claim.attempt_id, CallReport(f"CA{claim.attempt_id}", CallStatus.COMPLETED))


async def _timed(work) -> float:
    begun = asyncio.get_running_loop().time()
    await work
    return (asyncio.get_running_loop().time() - begun) * 1000


class _Twilio:
    """Places every call, and remembers when it was last asked."""

    def __init__(self) -> None:
        self.asked_at = 0.0
        self.count = 0

    async def create(self, request: CallRequest) -> CallResource:
        self.asked_at = asyncio.get_running_loop().time()
        self.count += 1
        return CallResource(f"CA{random.randbytes(16).hex()}", CallStatus.QUEUED, None, request.to, request.from_, None)

    async def hang_up(self, sid: str) -> None:
        pass


def _always_open(_: CampaignLane, __: datetime) -> datetime:
    return OPEN


def _capped(_: CampaignLane) -> tuple[Cap, ...]:
    return CAPS


async def _pause(store: CampaignStore, another: CampaignStore, campaign: Campaign) -> float:
    """Seconds from the order to pause, given over another connection, until Twilio is asked for the last call."""
    loop, twilio = asyncio.get_running_loop(), _Twilio()
    await store.claims.set_pacing(ACCOUNT, STEADY)
    options = DialerOptions(ACCOUNT, "https://bridge.example.com", "bench")
    dialer = Dialer(store, twilio, options, open_until=_always_open, caps_of=_capped)
    running = asyncio.create_task(dialer.run())
    while twilio.count < 50:  # noqa: ASYNC110 - a second of dialling
        await asyncio.sleep(0.01)
    begun = loop.time()
    await another.campaigns.change(campaign.id, CampaignInput.PAUSE, reason="bench")
    paused = loop.time()
    await asyncio.sleep(1.5)
    last = max(twilio.asked_at, paused) - begun
    await dialer.drain()
    await running
    await store.campaigns.change(campaign.id, CampaignInput.START)
    return last
