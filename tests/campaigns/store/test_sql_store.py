"""Every campaign store keeps the promises of the conformance suite."""

from conformance.campaign_store import CampaignStoreConformance, SkippedOutboxConformance


class TestEveryStore(CampaignStoreConformance, SkippedOutboxConformance):
    pass
