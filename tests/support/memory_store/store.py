"""Campaigns in this process's memory: the twin of the SQL store, for tests.

It keeps every promise of `telebridge.campaigns.store.protocols` but one: it forgets everything at the end.
"""

from support.memory_store.administration import MemoryAdministration
from support.memory_store.attempts import MemoryAttempts
from support.memory_store.campaigns import MemoryCampaigns
from support.memory_store.claims import MemoryClaims
from support.memory_store.contacts import MemoryContacts
from support.memory_store.lists import MemoryDoNotCall, MemoryLeases
from support.memory_store.outbox import MemoryOutbox
from support.memory_store.reports import MemoryReports
from support.memory_store.rows import MemoryRows
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.timing.epoch import Clock, system_clock


def memory_campaign_store(clock: Clock = system_clock) -> CampaignStore:
    """Make a store whose parts share the same rows.

    Args:
        clock: Epoch milliseconds.
    """
    rows = MemoryRows(clock)
    return CampaignStore(
        campaigns=MemoryCampaigns(rows),
        contacts=MemoryContacts(rows),
        claims=MemoryClaims(rows),
        attempts=MemoryAttempts(rows),
        do_not_call=MemoryDoNotCall(rows),
        leases=MemoryLeases(rows),
        outbox=MemoryOutbox(rows.outbox, rows.campaigns, rows.clock),
        reports=MemoryReports(rows),
        administration=MemoryAdministration(rows),
    )
