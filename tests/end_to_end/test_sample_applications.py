"""Applications in the way of Twilio's samples run unchanged, driven by the official packages."""

import asyncio
import json
import os
import shutil
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.sample_applications import PUBLIC, ConferenceLine, Listener, SessionTree, Voicemail
from support.speech import serving
from support.twilio_client import FROM, TO, Asked
from support.virtual_time import virtually

from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.caller.voices import speech
from telebridge.simulator.setup.options import ACCOUNT_SID, AUTH_TOKEN

OTHER = "+15550003333"
NODE = Path(__file__).parents[1] / "data" / "node" / "drive.js"
PACKAGE = Path(__file__).parents[2] / "node_modules" / "twilio"
"""Where Node looks from `drive.js`; another place may be named by NODE_PATH."""


@asynccontextmanager
async def running(sample, *scripts, **options):
    """A sample application at its public address, and a client of the account that calls it."""
    callers = {number: parse_script(script) for number, script in zip((TO, OTHER), scripts, strict=False)}
    application = sample(AUTH_TOKEN)
    async with serving(application.app) as web:
        routes = {PUBLIC: web}
        async with Asked(callers=callers, routes=routes, require_wss=True, **options) as asked:
            yield application, asked


async def over(asked, *sids):
    """Wait until calls are over, and their callbacks are sent."""
    for sid in sids:
        await asked.simulator.find(sid).finished
    await asyncio.sleep(1)


@virtually
async def test_a_phone_tree_with_a_session_in_a_cookie():
    async with running(SessionTree, "ring 1s; listen 6s; press 2; listen 20s") as (tree, asked):
        call = await asked.client.calls.create_async(to=TO, from_=FROM, url=f"{PUBLIC}/voice")
        other = await asked.client.calls.create_async(to=OTHER, from_=FROM, url=f"{PUBLIC}/voice")
        await over(asked, call.sid)
        await asked.client.calls(other.sid).update_async(status="completed")
    of_first = [kept for kept in tree.kept if kept[0] == FROM]
    assert ("", 0) not in [kept[:2] for kept in tree.kept]
    assert (FROM, 1, "2") in of_first or (FROM, 2, "2") in of_first, "the session of each call counts alone"
    assert [kept[2] for kept in tree.kept].count("in-progress") == 1


@virtually
async def test_voicemail_that_is_fetched_when_it_is_ready():
    async with running(Voicemail, "ring 1s; silence; speak 3s; press #; listen 9s") as (voicemail, asked):
        call = await asked.client.calls.create_async(to=TO, from_=FROM, url=f"{PUBLIC}/voice")
        await over(asked, call.sid)
        [recording] = await asked.client.recordings.list_async(call_sid=call.sid)
    assert sorted(voicemail.kept) == [("#", "3"), ("completed", 3)]
    assert (recording.source, recording.status) == ("RecordVerb", "completed")


@virtually
async def test_a_call_that_is_listened_to_beside_a_gather():
    async with running(Listener, "ring 1s; wait 1s; speak 1s; press 5; listen 9s") as (listener, asked):
        call = await asked.client.calls.create_async(to=TO, from_=FROM, url=f"{PUBLIC}/voice")
        await over(asked, call.sid)
    assert sorted(listener.kept) == ["5", "connected", "start", "stop"]
    assert speech(1000) in listener.audio["inbound"]
    assert len(listener.audio["outbound"]) == len(listener.audio["inbound"])


@virtually
async def test_a_conference_of_two_with_a_recording():
    scripts = ("ring 1s; listen 3s; speak 1s; listen 2s; hang up", "ring 2s; listen 60s")
    async with running(ConferenceLine, *scripts) as (line, asked):
        sids = [
            (await asked.client.calls.create_async(to=number, from_=FROM, url=f"{PUBLIC}/voice")).sid
            for number in (TO, OTHER)
        ]
        await over(asked, *sids)
        [conference] = await asked.client.conferences.list_async(friendly_name="Standup")
        recordings = await asked.client.conferences(conference.sid).recordings.list_async()
    assert (conference.status, conference.call_sid_ending_conference) == ("completed", sids[0])
    assert line.kept[:3] == ["participant-join", "conference-start", "participant-join"]
    assert line.kept.count("conference-end") == line.kept.count("recorded Conference") == 1
    assert [recording.source for recording in recordings] == ["Conference"]


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("node") is None or not (PACKAGE.exists() or "NODE_PATH" in os.environ),
    reason="Node or its package twilio is not installed: npm install --no-save axe-core twilio",
)
async def test_the_official_package_of_node_drives_an_application():
    async with running(Voicemail, "ring 100ms; silence; speak 1s; press #; listen 9s") as (voicemail, asked):
        node = await asyncio.create_subprocess_exec(
            "node",
            NODE,
            asked.url,
            ACCOUNT_SID,
            AUTH_TOKEN,
            f"{PUBLIC}/voice",
            TO,
            FROM,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await node.communicate()
        told = json.loads(out)
    assert told["call"] == {"status": "completed", "direction": "outbound-api"}
    assert told["recordings"] == [{"source": "RecordVerb", "duration": "1"}]
    assert told["number"] == {"phoneNumber": "+14155550100", "voiceUrl": f"{PUBLIC}/voice"}
    assert told["message"] == "delivered"
    assert told["notFound"] == {"status": 404, "code": 20404}
    assert sorted(voicemail.kept) == [("#", "1"), ("completed", 1)]
