"""Two callers of one account at a time, for tests of conferences, queues and streams."""

import asyncio
from contextlib import asynccontextmanager

from support.speech import serving
from support.twiml_application import Application
from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.setup.options import SimulatorOptions


class Account:
    """A simulated account whose calls are answered by one application.

    Attributes:
        simulator: The account.
        application: Answers, and keeps the requests.
        url: The application's address.
    """

    def __init__(self, simulator, application, url):
        self.simulator, self.application, self.url = simulator, application, url

    def call(self, path, script):
        """Place a call whose voice webhook has this path."""
        return self.simulator.place_inbound_call(f"{self.url}/{path}", parse_script(script))

    async def calls(self, *calls):
        """Place calls at their seconds, and return them when all are over."""
        began = asyncio.get_running_loop().time()
        placed = []
        for at, path, script in calls:
            await asyncio.sleep(began + at - asyncio.get_running_loop().time())
            placed.append(self.call(path, script))
        await asyncio.gather(*(each.finished for each in placed))
        await asyncio.sleep(1)  # callbacks that belong to no call
        return placed


@asynccontextmanager
async def account(documents, **options):
    """An account whose application answers with these documents."""
    application = Application(**documents)
    async with serving(application.app) as url:
        simulator = Simulator(SimulatorOptions(**options))
        try:
            yield Account(simulator, application, url)
        finally:
            await simulator.aclose()
