"""Composes the campaign store over one SQL database."""

from telebridge.campaigns.store.administration import SqlAdministration
from telebridge.campaigns.store.attempts import SqlAttempts
from telebridge.campaigns.store.campaigns import SqlCampaigns
from telebridge.campaigns.store.claims import SqlClaims
from telebridge.campaigns.store.contacts import SqlContacts
from telebridge.campaigns.store.do_not_call import SqlDoNotCall, SqlLeases
from telebridge.campaigns.store.outbox import SqlOutbox
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.campaigns.store.reports import SqlReports
from telebridge.database.database import database_of
from telebridge.database.engine import DatabaseEngine
from telebridge.timing.epoch import Clock


def sql_campaign_store(engine: DatabaseEngine, clock: Clock | None = None) -> CampaignStore:
    """Make a store. Call it on the event loop, with an engine whose tables are migrated.

    Args:
        engine: From `open_database`; its owner disposes of it.
        clock: Returns epoch milliseconds, instead of the database's own clock.
    """
    database = database_of(engine, clock)
    return CampaignStore(
        campaigns=SqlCampaigns(database),
        contacts=SqlContacts(database),
        claims=SqlClaims(database),
        attempts=SqlAttempts(database),
        do_not_call=SqlDoNotCall(database),
        leases=SqlLeases(database),
        outbox=SqlOutbox(database),
        reports=SqlReports(database),
        administration=SqlAdministration(database),
    )
