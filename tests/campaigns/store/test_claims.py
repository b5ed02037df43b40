"""Claims in every store."""

from conformance.campaign_store.claims import ClaimRecordsConformance


class TestClaimRecords(ClaimRecordsConformance):
    pass
