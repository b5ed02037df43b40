"""Contacts with several numbers, in every store."""

from conformance.campaign_store.several_numbers import SeveralNumbersConformance


class TestSeveralNumbers(SeveralNumbersConformance):
    pass
