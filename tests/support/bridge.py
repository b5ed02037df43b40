"""A whole bridge for tests: flows, a voice, the handlers, and a local Twilio that calls."""

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web_app

from support.databases import make_migrated
from support.speech import local_rime, serving
from telebridge.app.bridge import CALLS, create_app
from telebridge.settings.settings import Settings
from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN, SimulatorOptions


@dataclass
class Stack:
    """Everything that a call goes through, on one event loop."""

    simulator: Simulator
    calls: object
    url: str

    @property
    def webhook(self):
        return f"{self.url}/twilio/voice"

    async def call(self, script="wait; silence 2s; hang up", **kwargs):
        """Let somebody call and wait until it is over; gives the call at Twilio and its record at the bridge."""
        kwargs.setdefault("status_callback", f"{self.url}/twilio/status")
        placed = self.simulator.place_inbound_call(self.webhook, parse_script(script), **kwargs)
        await placed.finished
        return placed, self.calls.record(placed.record.sid)

    @property
    def runner(self):
        """The runner of the only live call."""
        [record] = self.calls.live_records()
        return self.calls.find(record.call_sid)


@asynccontextmanager
async def bridge(
    tmp_path, flow, *, protocol="ws3", model="arcana", rime=None, reach=None, twilio=None, python=None, **settings
):
    """A bridge whose default flow is the YAML text `flow`, over a speech server with the options `rime`.

    `reach` holds further settings of the section `rime`; nobody stands in for the speech server unless it says so.
    """
    flows = Path(tmp_path) / "flows"
    flows.mkdir(exist_ok=True)
    make_migrated(Path(tmp_path) / "telebridge.db")
    if flow is not None:
        (flows / "test.yaml").write_text(flow)
    async with AsyncExitStack() as stack:
        speech_url = await stack.enter_async_context(local_rime(**(rime or {})))
        values = {
            "default_flow": "test",
            "flows_dir": flows,
            "secret": "secret",
            "state_dir": Path(tmp_path),
            "twilio": {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN},
            "rime": {
                "url": speech_url,
                "api_key": "key",
                "protocol": protocol,
                "model": model,
                "local_fallback": False,
                **(reach or {}),
            },
            **settings,
        }
        # aiohttp remembers a thousand applications by their middlewares; each holds a model and more
        stack.callback(web_app._cached_build_middleware.cache_clear)
        app = create_app(Settings(**values), bridge=python)
        url = await stack.enter_async_context(serving(app))
        simulator = Simulator(SimulatorOptions(**(twilio or {})))
        stack.push_async_callback(simulator.aclose)
        yield Stack(simulator, app[CALLS], url)


def heard_by(placed):
    """What the caller heard, as stretches without a gap."""
    return [stretch.audio for stretch in placed.recording.heard]
