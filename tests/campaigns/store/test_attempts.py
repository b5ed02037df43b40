"""Attempts in every store."""

from conformance.campaign_store.attempts import AttemptRecordsConformance


class TestAttemptRecords(AttemptRecordsConformance):
    pass
