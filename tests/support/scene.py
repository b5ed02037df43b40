"""A bridge with something to look at: live calls, calls that are over, and a campaign that is half done.

The live calls are led by the real sessions: some have callers of the local Twilio, the others are given messages of a
media stream.
"""

import asyncio
import base64
import json
import logging
import random
import shutil
import sqlite3
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from datetime import UTC, datetime, timedelta

import structlog

from support.bridge import Stack
from support.databases import make_migrated
from support.speech import TalkingVoice, local_rime, serving
from telebridge.app.bridge import CALLS, CAMPAIGNS, create_app
from telebridge.audio.mulaw import silence
from telebridge.bundled import BUNDLED_FLOWS
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.record import CallRecord, SpokenUtterance
from telebridge.call.runner.incoming_call import IncomingCall
from telebridge.campaigns.engine.contact import Lane, NewContact
from telebridge.campaigns.store.protocols import dialing_task
from telebridge.server.api.campaigns.plan import planned
from telebridge.settings.settings import Settings
from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN, SimulatorOptions
from telebridge.timing.epoch import epoch_ms, wallclock_now
from telebridge.turns.barge_in import BargeIn, BargeInCause

CALLER = "wait; listen 1.6s; speak 1.4s; silence 1s; press *; listen 3s; speak 2s; " + "silence 1s; press *; " * 50
"""Somebody who listens to the choices of the front desk again and again."""
CAMPAIGN = """
name = "reminders-march"
flow = "reminder"
kind = "informational"
from = "+12125550100"
calls_per_second = 2
"""
OTHER_ACCOUNT = "AC" + "f" * 32
"""Campaigns of another account are shown, and this process dials none of their contacts."""
LANES = {
    Lane(("America/New_York",), "US-NY"): "+1212555",
    Lane(("America/Chicago",), "US-IL"): "+1312555",
    Lane(("America/Denver",), "US-CO"): "+1303555",
    Lane(("America/Los_Angeles",), "US-CA"): "+1213555",
    Lane(("Pacific/Honolulu",), "US-HI"): "+1808555",
}
OUTCOMES = {"answered": 1490, "no_answer": 410, "machine": 352, "busy": 88, "hung_up": 61, "call_back": 34,
            "opted_out": 19, "bad_number": 12, "failed": 9}  # fmt: skip
NAMES = ["Ada", "Bo", "Cy", "Dee", "Eli", "Fay", "Gus", "Hal", "Ida", "Jo"]
FLOWS = {"front-desk": "+15551230000", "clinic": "+15551230002", "pharmacy-refill": "+15551230003"}
ENDS = ("caller hung up", "caller hung up", "flow ended", "flow ended", "transferred", "call completed")
PROMPTS = (
    "Thank you for calling Acme. This call may be recorded.",
    "For sales press 1. For support press 2. For our hours press 3.",
    "One moment, I will connect you with sales.",
    "We are open Monday to Friday from nine to five. Goodbye.",
)


@asynccontextmanager
async def scene(folder, *, live=0, callers=0, ended=0, voice=None, flow="", extend=None, **settings):
    """A bridge with pages.

    Args:
        folder: Where its state is.
        live: How many calls are live whose media streams are made up.
        callers: How many callers of the local Twilio are on the line besides.
        ended: How many calls are over.
        voice: Of the local Rime, which is in this process; by default one that detectors take for a voice.
        flow: Of the live calls; by default they are of several.
        extend: Adds routes to the application before it is served.
        settings: Of the bridge.
    """
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    flows = folder / "flows"
    shutil.copytree(BUNDLED_FLOWS, flows, dirs_exist_ok=True)
    database = folder / "telebridge.db"
    make_migrated(database)
    end_calls(database, ended)
    async with AsyncExitStack() as stack:
        speech_url = await stack.enter_async_context(local_rime(voice=voice or TalkingVoice()))
        values = {
            "default_flow": "front-desk",
            "flows_dir": flows,
            "secret": "secret",
            "state_dir": folder,
            "twilio": {"account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN},
            "rime": {"url": speech_url, "api_key": "key", "local_fallback": False},
            "calls": {"record": True},
            **settings,
        }
        app = create_app(Settings(**values))
        if extend is not None:
            extend(app)
        url = await stack.enter_async_context(serving(app))
        simulator = Simulator(SimulatorOptions())
        stack.push_async_callback(simulator.aclose)
        await half_done_campaign(app[CAMPAIGNS].store, database)
        kept = asyncio.create_task(keep_alive(app[CALLS], begin_calls(app[CALLS], live, flow=flow), flow))
        stack.callback(kept.cancel)
        for at in range(callers):
            simulator.place_inbound_call(f"{url}/twilio/voice", parse_script(CALLER), from_number=f"+1415555010{at}")
        yield Stack(simulator, app[CALLS], url)


def end_calls(database, count, *, now=None):
    """Write calls that are over into a database: one every seven minutes."""
    dice, now = random.Random(1), now or datetime.now(UTC)
    rows = []
    for at in range(count):
        began = now - timedelta(minutes=7 * at + 3)
        call_sid, flow = f"CA{at:032x}", dice.choice([*FLOWS])
        call = CallRecord(call_sid, flow, f"+1{dice.randrange(2125550000, 9195559999)}", FLOWS[flow], "inbound", began)
        call.path, call.digits, call.first_audio_ms = ["welcome", "main"], [str(dice.randrange(1, 4))], 180.0
        cut = BargeIn(BargeInCause.KEY, heard_text=PROMPTS[1][:20], heard_ms=1400, exact=True, stop_ms=20)
        call.utterances = [
            SpokenUtterance(PROMPTS[0], 3200, None),
            SpokenUtterance(PROMPTS[1], 4100, cut if at % 3 == 0 else None),
        ]
        call.end_reason = dice.choice(ENDS)
        values = (call_sid, "w", flow, call.from_number, call.to_number, "inbound", epoch_ms(began))
        rows.append((*values, epoch_ms(began) + 42_000, call.end_reason, json.dumps(call.as_json())))
    with closing(sqlite3.connect(database)) as connection, connection:
        columns = "call_sid, owner, flow, from_number, to_number, direction, started_at, ended_at, end_reason, record"
        connection.executemany(f"INSERT INTO call ({columns}) VALUES ({', '.join('?' * 10)})", rows)


def begin_calls(calls, count, *, first=0, flow=""):
    """Begin calls whose streams have started; `first` numbers the first of them. Gives their runners."""
    dice, runners = random.Random(2 + first), []
    for at in range(first, first + count):
        of = flow or dice.choice([*FLOWS])
        call_sid, stream_sid = f"CA{at:032x}".replace("CA0", "CAe"), f"MZ{at:032x}"
        number = f"+1{dice.randrange(2125550000, 9195559999)}"
        runner = calls.begin(IncomingCall(call_sid, of, number, FLOWS.get(of, "+15551230009"), "inbound"))
        details = {"accountSid": ACCOUNT_SID, "streamSid": stream_sid, "callSid": call_sid, "tracks": ["inbound"],
                   "customParameters": {},
                   "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}}  # fmt: skip
        runner.receive_text(json.dumps({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
        runner.receive_text(
            json.dumps({"event": "start", "sequenceNumber": "1", "streamSid": stream_sid, "start": details})
        )
        runners.append(runner)
    return runners


async def keep_alive(calls, runners, flow):
    """Give each stream a frame of silence every few seconds, without which it is taken for dead.

    Callers who say nothing are transferred or said goodbye to; for each that is gone another one calls.
    """
    wanted = begun = len(runners)
    frame = base64.b64encode(silence(20)).decode()
    for number in range(2, 1_000_000):
        for runner in runners:
            media = {"track": "inbound", "chunk": str(number), "timestamp": str(20 * number), "payload": frame}
            message = {"event": "media", "sequenceNumber": str(number), "streamSid": runner.stream_sid, "media": media}
            with suppress(Exception):  # the call is over
                runner.receive_text(json.dumps(message))
        runners = [runner for runner in runners if calls.find(runner.session.record.call_sid) is runner]
        missing = wanted - len(runners)
        runners += begin_calls(calls, missing, first=begun, flow=flow)
        begun += missing
        await asyncio.sleep(4)


async def half_done_campaign(store, database):
    """A campaign of 5,000 contacts that dials; about half of them have their outcomes."""
    flows = FlowCatalogue(BUNDLED_FLOWS)
    flows.load()
    _, plan = planned(CAMPAIGN, where="campaign", flows=flows, account=OTHER_ACCOUNT, wallclock=wallclock_now())
    campaign = await store.campaigns.create(plan)
    line = 0
    for lane, prefix in LANES.items():
        people = [
            NewContact(f"{prefix}{at:04}", lane, {"name": NAMES[at % 10], "appointment": "Monday at ten"})
            for at in range(1000)
        ]
        line += len(people)
        await store.contacts.add(campaign.id, people, upto_line=line)
    with closing(sqlite3.connect(database, timeout=10)) as connection, connection:
        fill_outcomes(connection, campaign.id)


def fill_outcomes(connection, campaign_id):
    """Let a campaign dial, and let about half of its contacts have been called."""
    dice, now = random.Random(3), epoch_ms(wallclock_now())
    connection.execute("UPDATE campaign SET status = 'running' WHERE id = ?", (campaign_id,))
    task = dialing_task(OTHER_ACCOUNT, "w")
    connection.execute("INSERT INTO task_lease VALUES (?, 'w', ?)", (task, now + 86_400_000))
    shuffled = connection.execute("SELECT id, phone FROM contact ORDER BY id * 7919 % 5003").fetchall()
    outcomes = [outcome for outcome, count in OUTCOMES.items() for _ in range(count)]
    dice.shuffle(outcomes)
    attempts = []
    for at, (outcome, (contact, phone)) in enumerate(zip(outcomes, shuffled, strict=False)):
        began = now - int(1_900 * (len(outcomes) - at) * dice.uniform(0.97, 1))
        connection.execute(
            "UPDATE contact SET state = 'done', outcome = ?, attempts = 1 WHERE id = ?", (outcome, contact)
        )
        attempts.append((f"a{at}", campaign_id, contact, phone, OTHER_ACCOUNT, began, began + 30_000, outcome))
    connection.executemany(
        "INSERT INTO attempt (id, campaign_id, contact_id, n, phone, account, from_number, worker, intent_at,"
        " lease_until, state, looks, ring_seconds, detects_machine, answered_by, ended_at, outcome, error,"
        " rules_version)"
        " VALUES (?, ?, ?, 1, ?, ?, '+12125550100', 'w', ?, 0, 'done', 0, 30, 0, '', ?, ?, '', '')",
        attempts,
    )
    retried = shuffled[len(outcomes) : len(outcomes) + 300]
    connection.executemany(
        "UPDATE contact SET due_at = ?, attempts = 1 WHERE id = ?",
        [(now + 3_600_000, contact) for contact, _ in retried],
    )
