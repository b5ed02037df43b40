"""What every store promises of the do-not-call list: `DoNotCallRecords`."""

from support.campaigns import (
    START,
    phone,
)


class DoNotCallRecordsConformance:
    async def test_the_whole_do_not_call_list_is_told_by_number(self, store):
        await store.do_not_call.add([phone(n) for n in range(600)], source="letter", reason="asked")
        await store.do_not_call.add([phone(3)], source="agent", scope="c1")
        told = [one async for one in store.do_not_call.all()]
        assert [one.phone for one in told] == sorted([*(phone(n) for n in range(600)), phone(3)])
        assert (told[3].scope, told[4].scope, told[4].source) == ("", "c1", "agent")
        behind = [one async for one in store.do_not_call.all(after=(phone(3), ""))]
        assert behind == told[4:]
        assert (told[0].source, told[0].reason, told[0].added_at) == ("letter", "asked", START)

    async def test_the_do_not_call_list_has_what_was_put_on_it(self, store):
        assert await store.do_not_call.add([phone(1), phone(2), phone(2)], source="letter", reason="asked") == 2
        assert await store.do_not_call.add([phone(2)], source="call") == 0
        assert await store.do_not_call.add([phone(3)], source="call", scope="c1") == 1
        assert await store.do_not_call.has(phone(1), campaign_id="c1")
        assert await store.do_not_call.has(phone(3), campaign_id="c1")
        assert not await store.do_not_call.has(phone(3))
        assert await store.do_not_call.remove(phone(1))
        assert not await store.do_not_call.remove(phone(1))
        assert not await store.do_not_call.has(phone(1))

    async def test_registers_have_the_date_of_their_last_comparison(self, store):
        await store.do_not_call.set_scrubbed("us", 5)
        await store.do_not_call.set_scrubbed("us", 9)
        await store.do_not_call.set_scrubbed("us-fl", 7)
        assert await store.do_not_call.scrubbed() == {"us": 9, "us-fl": 7}
