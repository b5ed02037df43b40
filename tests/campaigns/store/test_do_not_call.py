"""The do-not-call list and task leases in every store."""

from conformance.campaign_store.do_not_call import DoNotCallRecordsConformance
from conformance.campaign_store.leases import TaskLeasesConformance


class TestDoNotCallRecords(DoNotCallRecordsConformance):
    pass


class TestTaskLeases(TaskLeasesConformance):
    pass
