"""Reading the progress of a campaign in every store."""

from conformance.campaign_store.reports import ReportRecordsConformance


class TestReportRecords(ReportRecordsConformance):
    pass
