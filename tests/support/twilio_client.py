"""The official package of Twilio, pointed at a local Twilio."""

import asyncio

from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from support.speech import serving
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.server import SIMULATOR, create_app
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN, SimulatorOptions

SAY = "<Response><Say>Hello.</Say><Pause length='60'/></Response>"
TO, FROM = "+15550001111", "+15550002222"


class Asked:
    """The official client, pointed at a local Twilio."""

    def __init__(self, **options):
        self.options = SimulatorOptions(**{"calls_per_second": 1000, "anybody": parse_script("ring 0.05s"), **options})

    async def __aenter__(self):
        app = create_app(self.options)
        self.context = serving(app)
        self.url = await self.context.__aenter__()
        self.simulator = app[SIMULATOR]
        self.simulator.api_url = self.url
        self.http = AsyncTwilioHttpClient()
        self.client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=self.http)
        self.client.api.base_url = self.url
        return self

    async def __aexit__(self, *error):
        await self.http.close()
        await self.context.__aexit__(*error)

    async def until(self, sid, *statuses):
        """The call, once it has one of the statuses."""
        async with asyncio.timeout(10):
            while (call := await self.client.calls(sid).fetch_async()).status not in statuses:  # noqa: ASYNC110
                await asyncio.sleep(0.01)  # a REST API has nothing to wait on
        return call
