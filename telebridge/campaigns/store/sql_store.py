"""Campaigns in an SQL database: every part of a store over one engine."""

from sqlalchemy.ext.asyncio import AsyncEngine

from telebridge.campaigns.store.attempts import SqlAttempts
from telebridge.campaigns.store.campaigns import SqlCampaigns, SqlContacts
from telebridge.campaigns.store.claims import SqlClaims
from telebridge.campaigns.store.do_not_call import SqlDoNotCall, SqlLeases
from telebridge.campaigns.store.outbox import SqlOutbox
from telebridge.campaigns.store.reports import SqlReports
from telebridge.database.database import database_of
from telebridge.epoch import Clock


class SqlCampaignStore:
    """Every part of a store. Make it on the event loop, on an engine whose tables are migrated.

    Args:
        engine: From `open_database`; its owner disposes of it.
        clock: Epoch milliseconds, instead of the database's own clock.
    """

    def __init__(self, engine: AsyncEngine, clock: Clock | None = None) -> None:
        database = database_of(engine, clock)
        self.campaigns = SqlCampaigns(database)
        self.contacts = SqlContacts(database)
        self.claims = SqlClaims(database)
        self.attempts = SqlAttempts(database)
        self.do_not_call = SqlDoNotCall(database)
        self.leases = SqlLeases(database)
        self.outbox = SqlOutbox(database)
        self.reports = SqlReports(database)
