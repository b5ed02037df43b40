"""Campaigns and imports in every store."""

from conformance.campaign_store.campaigns import CampaignRecordsConformance
from conformance.campaign_store.contacts import ContactRecordsConformance


class TestCampaignRecords(CampaignRecordsConformance):
    pass


class TestContactRecords(ContactRecordsConformance):
    pass
