"""What every store promises of task leases: `TaskLeases`."""


class TaskLeasesConformance:
    async def test_a_task_is_one_owners_until_it_is_released_or_runs_out(self, store, clock):
        assert await store.leases.take("close", "w1", 10)
        assert await store.leases.take("close", "w1", 10)
        assert not await store.leases.take("close", "w2", 10)
        clock.advance(10)
        assert await store.leases.take("close", "w2", 10)
        await store.leases.release("close", "w1")
        assert not await store.leases.take("close", "w1", 10)
        await store.leases.release("close", "w2")
        assert await store.leases.take("close", "w1", 10)
