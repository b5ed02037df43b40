"""What is done to whole campaigns, in every store."""

from conformance.campaign_store.administration import AdministrationRecordsConformance


class TestAdministrationRecords(AdministrationRecordsConformance):
    pass
