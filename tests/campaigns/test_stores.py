"""Every campaign store keeps the promises of the conformance suite."""

import pytest_asyncio
from conformance.campaign_store import CampaignStoreConformance, SkippedOutboxConformance
from support.campaigns import memory_store


class TestEveryStore(CampaignStoreConformance):
    pass


class TestMemoryStore(SkippedOutboxConformance):
    @pytest_asyncio.fixture
    async def store(self, clock):
        async with memory_store(clock) as made:
            yield made
