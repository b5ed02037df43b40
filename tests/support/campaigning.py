"""A whole campaign for tests: a bridge that dials, a local Twilio that rings people, on virtual time."""

import asyncio
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web

from support.databases import make_migrated
from support.speech import local_rime, serving
from telebridge.app.bridge import CALLS, CAMPAIGNS, create_app
from telebridge.app.campaigns import Clocks
from telebridge.campaigns.calling_hours.windows import hours_of, read_window
from telebridge.campaigns.dialing.start_checks import start_campaign
from telebridge.campaigns.engine.campaign import CampaignPlan, PoolNumber
from telebridge.campaigns.engine.contact import Lane, NewContact
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.reporting.report import report_rows
from telebridge.settings.settings import Settings
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.server import SIMULATOR
from telebridge.simulator.server import create_app as create_simulator
from telebridge.simulator.setup.clock import VIRTUAL_START, VIRTUAL_WALLCLOCK
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN, SimulatorOptions
from telebridge.timing.epoch import epoch_ms

NEW_YORK = Lane(("America/New_York",), "US-NY")
FLOW = """
flow: test
variables: {name: nobody}
start: greeting
entrances: [message]
nodes:
  greeting: {say: "Hello {{ name }}.", then: ask}
  ask:
    menu: "Press 1 to confirm, 9 for no more calls."
    choices: {1: yes_, 9: stop}
    no_input: {after: 4s, reprompt: 0, then: bye}
    no_match: {then: bye}
  yes_: {set: {answer: confirmed}, then: bye}
  stop: {opt_out: "You will not be called again.", then: bye}
  message: {say: "Please call us back.", then: bye}
  bye: {hang_up: "Goodbye."}
"""


def number(n):
    return f"+1212555{n:04d}"


class Callees(dict):
    """A script for each number, another for each call to it; the last holds for all that follow."""

    def __init__(self, scripts):
        super().__init__({phone: [parse_script(text) for text in texts] for phone, texts in scripts.items()})
        self.calls = dict.fromkeys(scripts, 0)

    def get(self, phone, otherwise=None):
        self.calls[phone] += 1
        return self[phone][min(self.calls[phone], len(self[phone])) - 1]


@dataclass
class CampaignStack:
    """A bridge that dials, the people it rings, and what is kept of them."""

    store: object
    calls: object
    callees: Callees
    simulator: object
    app_campaigns: object
    app_url: str

    def now(self):
        return VIRTUAL_WALLCLOCK + timedelta(seconds=asyncio.get_running_loop().time() - VIRTUAL_START)

    async def campaign(self, **plan):
        """A campaign that dials everybody there is."""
        hours = hours_of(dict.fromkeys(range(7), (read_window("08:00-21:00"),)))
        made = await self.store.campaigns.create(
            CampaignPlan(
                **{
                    "name": "spring",
                    "account": ACCOUNT_SID,
                    "flow": "test",
                    "numbers": (PoolNumber("+13125550100"),),
                    "hours": hours,
                    **plan,
                }
            )
        )
        people = [NewContact(phone, NEW_YORK, {"name": f"number {n}"}) for n, phone in enumerate(self.callees)]
        await self.store.contacts.add(made.id, people, upto_line=len(people))
        return await start_campaign(self.store, made, wallclock=self.now())

    async def done(self, campaign, *, within=600):
        async with asyncio.timeout(within):
            while (await self.store.campaigns.find(campaign.id)).status is not CampaignStatus.DONE:  # noqa: ASYNC110
                await asyncio.sleep(0.5)

    async def rows(self, campaign):
        return {row.contact.phone: row async for row in report_rows(self.store.reports, campaign.id)}


@asynccontextmanager
async def campaigning(tmp_path, scripts, *, flow=FLOW, campaigns=None, faults=None, **settings):
    """A bridge that dials these people, each with the scripts of its calls; on virtual time."""
    flows = Path(tmp_path) / "flows"
    flows.mkdir(exist_ok=True)
    (flows / "test.yaml").write_text(flow)
    callees = Callees(scripts)

    loop = asyncio.get_running_loop()

    def wallclock():  # the store asks in threads
        return VIRTUAL_WALLCLOCK + timedelta(seconds=loop.time() - VIRTUAL_START)

    async with AsyncExitStack() as stack:
        speech_url = await stack.enter_async_context(local_rime())
        options = SimulatorOptions(callers=callees, calls_per_second=100.0, **({"faults": faults} if faults else {}))
        simulator = create_simulator(options)
        api_url = await stack.enter_async_context(serving(simulator))
        listener = socket.create_server(("127.0.0.1", 0))
        values = {
            "default_flow": "test",
            "flows_dir": flows,
            "secret": "secret",
            "state_dir": Path(tmp_path),
            "public_url": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "twilio": {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "api_base_url": api_url},
            "rime": {"url": speech_url, "api_key": "key", "local_fallback": False},
            "campaigns": {"calls_per_second": 50.0, "max_live": 50, **(campaigns or {})},
            **settings,
        }
        make_migrated(Path(tmp_path) / "telebridge.db")
        app = create_app(Settings(**values), clocks=Clocks(wallclock, lambda: epoch_ms(wallclock())))
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.SockSite(runner, listener).start()
        yield CampaignStack(
            app[CAMPAIGNS].store, app[CALLS], callees, simulator[SIMULATOR], app[CAMPAIGNS], values["public_url"]
        )


def at(text):
    return datetime.fromisoformat(text).astimezone(UTC)
