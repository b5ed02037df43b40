"""Campaigns in this process's memory: the twin of the SQL store, for tests and for trying things out.

It keeps every promise of `telebridge.campaigns.store` but one: it forgets everything at the end.
"""

from telebridge.campaigns.epoch import Clock, system_clock
from telebridge.campaigns.memory_attempts import MemoryAttempts
from telebridge.campaigns.memory_campaigns import MemoryCampaigns
from telebridge.campaigns.memory_claims import MemoryClaims
from telebridge.campaigns.memory_contacts import MemoryContacts
from telebridge.campaigns.memory_lists import MemoryDoNotCall, MemoryLeases
from telebridge.campaigns.memory_outbox import MemoryOutbox
from telebridge.campaigns.memory_reports import MemoryReports
from telebridge.campaigns.memory_rows import MemoryRows


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
