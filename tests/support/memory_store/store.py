"""Campaigns in this process's memory: the twin of the SQL store, for tests.

It keeps every promise of `telebridge.campaigns.store.protocols` but one: it forgets everything at the end.
"""

from support.memory_store.attempts import MemoryAttempts
from support.memory_store.campaigns import MemoryCampaigns
from support.memory_store.claims import MemoryClaims
from support.memory_store.contacts import MemoryContacts
from support.memory_store.lists import MemoryDoNotCall, MemoryLeases
from support.memory_store.outbox import MemoryOutbox
from support.memory_store.reports import MemoryReports
from support.memory_store.rows import MemoryRows
from telebridge.epoch import Clock, system_clock


class MemoryCampaignStore:
    """Every part of a store, over the same rows.

    Args:
        clock: Epoch milliseconds.
    """

    def __init__(self, clock: Clock = system_clock) -> None:
        rows = MemoryRows(clock)
        self.campaigns = MemoryCampaigns(rows)
        self.contacts = MemoryContacts(rows)
        self.claims = MemoryClaims(rows)
        self.attempts = MemoryAttempts(rows)
        self.do_not_call = MemoryDoNotCall(rows)
        self.leases = MemoryLeases(rows)
        self.outbox = MemoryOutbox(rows.outbox, rows.campaigns, rows.clock)
        self.reports = MemoryReports(rows)
