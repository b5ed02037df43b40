"""The records of a pharmacy, as a small web service that does what a test wants."""

import asyncio
from contextlib import asynccontextmanager

from aiohttp import web

from support.speech import serving

KNOWN = {
    "123456": {"found": True, "name": "Ibuprofen", "refills": 2},
    "765432": {"found": True, "name": "Codeine", "refills": 0},
}


class Pharmacy:
    """Answers look-ups and takes orders.

    `lookups` and `orders` are what it was asked. `slow` is how long it takes, and the statuses are what it
    answers with.
    """

    def __init__(self, *, slow=0.0, lookup_status=200, order_status=200):
        self.slow = slow
        self.lookup_status = lookup_status
        self.order_status = order_status
        self.lookups = []
        self.orders = []
        self.app = web.Application()
        self.app.router.add_get("/prescriptions/{number}", self.prescription)
        self.app.router.add_post("/orders", self.order)

    async def prescription(self, request):
        self.lookups.append(request.match_info["number"])
        await asyncio.sleep(self.slow)
        known = KNOWN.get(request.match_info["number"], {"found": False})
        return web.json_response(known, status=self.lookup_status)

    async def order(self, request):
        self.orders.append(await request.json())
        await asyncio.sleep(self.slow)
        return web.json_response({"code": f"{4070 + len(self.orders)}"}, status=self.order_status)


@asynccontextmanager
async def pharmacy(**options):
    """A pharmacy at work, and its address."""
    records = Pharmacy(**options)
    async with serving(records.app) as url:
        yield records, url
