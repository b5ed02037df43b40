"""The API alone on a loopback port, over real calls whose control is played, or over `LiveCalls` itself."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import aiohttp
from aiohttp import web

from support.memory_keys import MemoryKeys
from support.memory_store.store import memory_campaign_store
from support.sources import ToldSpeech
from support.speech import serving
from telebridge.audio import wav
from telebridge.audio.mulaw import silence
from telebridge.call.messages.message import CallerMessage, MessageNote
from telebridge.call.record import CallRecord, SpokenUtterance
from telebridge.call.runner.feed import CallFeed
from telebridge.call.runner.ports import CallPorts
from telebridge.call.runner.runner import CallRunner
from telebridge.call.session.events import CallOver
from telebridge.call.session.session import CallSession, SessionOptions
from telebridge.call.session.stream_phase import Phase
from telebridge.call.store.opening import SetByHand
from telebridge.campaigns.administration.exporting import export_campaign
from telebridge.campaigns.calling_hours.hours import CallingLaw
from telebridge.campaigns.calling_hours.law import calling_rules
from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.contact import Lane, NewContact
from telebridge.campaigns.engine.states import CampaignStatus
from telebridge.campaigns.reporting.view import view_campaign
from telebridge.errors import ConfigurationError, NotLive
from telebridge.flows.model import Flow
from telebridge.server.api.call_lookup import CallLookup
from telebridge.server.api.calls import CallEndpoints
from telebridge.server.api.campaigns.administration import CampaignAdministrationEndpoints
from telebridge.server.api.campaigns.endpoints import CampaignEndpoints
from telebridge.server.api.campaigns.events import CampaignFeeds
from telebridge.server.api.campaigns.plan import planned
from telebridge.server.api.control import ControlEndpoints
from telebridge.server.api.desk.hours import HoursEndpoints
from telebridge.server.api.desk.messages import MessageEndpoints
from telebridge.server.api.do_not_call import DoNotCallEndpoints
from telebridge.server.api.endpoints import add_api
from telebridge.server.api.events import EventEndpoints
from telebridge.server.http.access import Access, guarded
from telebridge.server.http.problems import problem_documents
from telebridge.twilio.media_stream import StreamStarted, StreamStopped

SID = "CA" + "1" * 32
OVER = "CA" + "2" * 32
ORDER = {"to": "+15551230000", "from": "+15551230001"}


def record(call_sid=SID, started_at=None, **values):
    return CallRecord(
        **{
            "call_sid": call_sid,
            "flow": "front-desk",
            "from_number": "+15551230001",
            "to_number": "+15551230000",
            "direction": "inbound",
            "started_at": started_at or datetime(2026, 1, 1, 12, tzinfo=UTC),
            **values,
        }
    )


def to_phase(runner, phase):
    """Bring a call that waits for its stream to a phase, as Twilio and the API would."""
    call_sid = runner.session.record.call_sid
    if phase is not Phase.WAITING:
        runner.deliver(StreamStarted("MZ1", call_sid, "AC1", {}))
    if phase is Phase.AWAY:
        runner.transfer("+15551230100", timeout_seconds=30, caller_id=None, whisper=None)
    elif phase is Phase.HELD:
        runner.deliver(StreamStopped())
    elif phase is Phase.CLOSING:
        runner.hang_up(None)
    elif phase is Phase.OVER:
        runner.deliver(CallOver("completed"))
    assert runner.session.phase is phase


@dataclass
class PlayedControl:
    """A real call, whose announcements end when a test says so, or at once with `outcome`."""

    runner: CallRunner
    outcome: SpokenUtterance | Exception | None = None
    done: list = field(default_factory=list)
    saying: list = field(default_factory=list)
    refuses: str = ""
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def session(self):
        return self.runner.session

    def announce(self, step):
        self._check()
        self.done.append(step)
        heard = asyncio.get_running_loop().create_future()
        self.saying.append(heard)
        self.asked.set()
        if isinstance(self.outcome, Exception):
            heard.set_exception(self.outcome)
        elif self.outcome is not None:
            heard.set_result(self.outcome)
        return heard

    def clear(self):
        self._check()
        return bool(self.saying)

    def transfer(self, number, *, timeout_seconds, caller_id, whisper, at_once):
        self._check()
        self.done.append(("transfer", number, timeout_seconds, caller_id, whisper, *["now"] * at_once))

    def hang_up(self, goodbye):
        self._check()
        self.done.append(("hang up", goodbye))

    def _check(self):
        if self.refuses:
            raise NotLive(self.session.record.call_sid, self.refuses)


class PlayedCalls:
    """Calls of a process, as `LiveCalls` shows them: real sessions, played control."""

    def __init__(self):
        self.live = {}
        self.ended = {}

    def add(self, call, phase=Phase.LIVE, **control):
        """Begin a call and bring it to a phase."""
        session = CallSession(None, call, SessionOptions())
        runner = CallRunner(session, CallPorts(ToldSpeech()), on_end=lambda _: None)
        runner.start()
        to_phase(runner, phase)
        self.live[call.call_sid] = PlayedControl(runner, **control)
        return self.live[call.call_sid]

    def find(self, call_sid):
        return self.live.get(call_sid)

    def record(self, call_sid):
        control = self.live.get(call_sid)
        return self.ended.get(call_sid) if control is None else control.session.record

    def live_records(self):
        return (control.session.record for control in self.live.values())

    def ended_records(self):
        return iter(self.ended.values())


CAMPAIGN = "c1"
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
FILE = """
name = "played"
flow = "reminder"
kind = "informational"
from = "+12125550100"
"""


async def exported_campaign(file):
    """The bytes of a campaign of one contact that was exported elsewhere; `file` is where they are written."""
    store = memory_campaign_store()
    _, plan = planned(FILE.replace("played", "moved"), where="file", flows=PlayedFlows(), account="AC9", wallclock=NOW)
    campaign = await store.campaigns.create(plan)
    person = NewContact("+12125550119", Lane(("America/New_York",), "US-NY"), {"name": "Ada"})
    await store.contacts.add(campaign.id, [person], upto_line=2)
    await export_campaign(store, campaign, file, wallclock=NOW)
    return file.read_bytes()


class PlayedFlows:
    names = ("front-desk", "reminder")

    def find(self, name):
        if name not in ("front-desk", "reminder"):
            raise ConfigurationError(f"flow '{name}'", "does not exist", "known flows: front-desk")

    def needs_of(self, _name):
        return ()


class PlayedOpening:
    """Opening hours that are set by hand, in memory."""

    def __init__(self):
        self.known = {}

    def find(self, name):
        return self.known.get(name)

    async def set(self, name, state, until):
        self.known[name] = SetByHand(state, until, NOW)

    async def clear(self, name):
        return self.known.pop(name, None) is not None


class PlayedMessages:
    """Two messages, in memory; one has its file on this machine."""

    def __init__(self):
        self.folder = Path(mkdtemp())
        notes = [MessageNote(f"{SID}-{n}", SID, "desk", "+15551230001", "+15551230000", 2400, n) for n in (2, 1)]
        self.known = {note.id: CallerMessage(note, self.folder / f"{note.id}.wav") for note in notes}
        for message in self.known.values():
            wav.write(message.file, silence(2400))

    async def remove(self, _app):
        rmtree(self.folder)

    async def find(self, message_id):
        return self.known.get(message_id)

    async def page(self, *, heard, limit, before):
        found = [one for one in self.known.values() if heard is None or (one.heard_at is not None) is heard]
        later = [one for one in found if before is None or (one.note.recorded_at, one.note.id) < before]
        return later[:limit]

    async def mark(self, message_id, heard_at):
        self.known[message_id] = replace(self.known[message_id], heard_at=heard_at)

    async def delete(self, message_id):
        del self.known[message_id]


CLINIC = Flow.model_validate(
    {
        "flow": "clinic",
        "zone": "UTC",
        "start": "a",
        "nodes": {
            "a": {"hours": {"week": {"daily": "08:00-17:00"}}, "open": "b", "closed": "b"},
            "b": {"hang_up": None},
        },
    }
)


class PlayedOriginator:
    """Originates calls that ring nobody; `refusal` is raised instead, and `hold` keeps a call from being placed."""

    def __init__(self):
        self.orders = []
        self.refusal = None
        self.hold = None
        self.asked = asyncio.Event()

    async def originate(self, order):
        self.orders.append(order)
        self.asked.set()
        if self.hold is not None:
            await self.hold.wait()
        if self.refusal is not None:
            raise self.refusal
        return f"CA{len(self.orders):032x}"


def check_voice(voice):
    if unknown := voice.keys() - {"speaker", "lang"}:
        raise ConfigurationError(f"voice.{min(unknown)}", "is no parameter of Rime's voices")


class Api:
    """A client of the API, and what stands behind it."""

    def __init__(
        self,
        *,
        calls=None,
        keys=None,
        token="",
        host="127.0.0.1",
        past=None,
        keep_alive_seconds=15.0,
        look_seconds=0.05,
    ):
        self.calls = PlayedCalls() if calls is None else calls
        self.originator, self.feed, self.keys = PlayedOriginator(), CallFeed(), keys or MemoryKeys()
        self.app = web.Application(middlewares=[problem_documents(), guarded(Access(token, host))])
        known = CallLookup(self.calls, past)
        campaigns = self._campaigns()
        self.campaign_feeds = CampaignFeeds(self._look, every_seconds=look_seconds)
        events = EventEndpoints(self.feed, self.campaign_feeds, keep_alive_seconds=keep_alive_seconds)
        self.app.on_startup.append(self._fill)
        self.app.on_shutdown.append(events.close)
        messages = PlayedMessages()
        self.app.on_cleanup.append(messages.remove)
        add_api(
            self.app,
            CallEndpoints(known, PlayedFlows(), self.originator, self.keys),
            ControlEndpoints(self.calls.find, known, self.feed, check_voice),
            events,
            campaigns,
            CampaignAdministrationEndpoints(
                self.store, PlayedFlows(), "AC1", keep_attempts_days=1825, wallclock=lambda: NOW
            ),
            DoNotCallEndpoints(self.store),
            HoursEndpoints(PlayedOpening(), lambda: [CLINIC], lambda: NOW),
            MessageEndpoints(messages, lambda: 1),
        )
        self.url = ""
        self.session = None

    def _campaigns(self):
        """The endpoints of campaigns, over a store in memory, with no Twilio behind them."""
        self.store, self.ended_campaigns = memory_campaign_store(), []
        self.looks = 0
        law = CallingLaw(calling_rules())

        async def end_calls(campaign_id):
            self.ended_campaigns.append(campaign_id)
            return 1

        return CampaignEndpoints(
            self.store,
            PlayedFlows(),
            "AC1",
            open_until=law.open_until,
            end_calls=end_calls,
            wallclock=lambda: NOW,
        )

    async def _look(self, campaign_id):
        self.looks += 1
        return await view_campaign(self.store, campaign_id, CallingLaw(calling_rules()).open_until, wallclock=NOW)

    async def _fill(self, _app):
        """One campaign that dials, of two people."""
        _, plan = planned(FILE, where="file", flows=PlayedFlows(), account="AC1", wallclock=NOW)
        rows = self.store.campaigns._rows
        rows.campaigns[CAMPAIGN] = Campaign(CAMPAIGN, plan, CampaignStatus.RUNNING)
        lane = Lane(("America/New_York",), "US-NY")
        people = [NewContact(f"+1212555011{n}", lane, {"name": f"=n{n}"}) for n in (1, 2)]
        await self.store.contacts.add(CAMPAIGN, people, upto_line=2)

    async def ask(self, method, path, *, status=200, **kwargs):
        """Ask, and check the status; gives the JSON of the answer."""
        async with self.session.request(method, self.url + path, **kwargs) as answer:
            told = await answer.json(content_type=None)
            assert answer.status == status, told
            if status >= 400:
                assert answer.content_type == "application/problem+json"
                assert told["detail"]
                assert told["status"] == status
            return told

    async def get(self, path, **kwargs):
        return await self.ask("GET", path, **kwargs)

    async def post(self, path, body=None, **kwargs):
        return await self.ask("POST", path, json=body, **kwargs)


@asynccontextmanager
async def api(**options):
    """The API, served."""
    served = Api(**options)
    async with serving(served.app) as url, aiohttp.ClientSession() as session:
        served.url, served.session = url, session
        yield served
