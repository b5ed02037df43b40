"""Resources beside calls, asked by the official package: recordings, streams, numbers, messages, conferences."""

import asyncio
import io
import wave

import aiohttp
import pytest
from support.speech import serving
from support.twilio_client import FROM, TO, Asked
from support.twiml_application import Application
from support.virtual_time import virtually
from twilio.base.exceptions import TwilioRestException

from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.setup.options import ACCOUNT_SID

PAUSE = "<Response><Pause length='{}'/></Response>"


async def fetched(url, **headers):
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
        return answer.status, answer.content_type, await answer.read()


@virtually
async def test_a_call_that_is_created_with_record_is_recorded():
    application = Application()
    async with Asked(anybody=parse_script("ring 1s; speak 2s; listen 60s")) as asked, serving(application.app) as web:
        created = await asked.client.calls.create_async(
            to=TO,
            from_=FROM,
            twiml=PAUSE.format(4),
            record=True,
            recording_channels="dual",
            recording_status_callback=f"{web}/recorded",
            status_callback=f"{web}/status",
        )
        await asyncio.sleep(9)
        [recording] = await asked.client.recordings.list_async(call_sid=created.sid)
        assert (recording.source, recording.duration, recording.channels) == ("OutboundAPI", "4", 2)
        assert [each.sid for each in await asked.client.calls(created.sid).recordings.list_async()] == [recording.sid]
        [recorded], [status] = application.fields("recorded"), application.fields("status")
        assert recorded["RecordingUrl"] == status["RecordingUrl"]
        _, kind, body = await fetched(recorded["RecordingUrl"])
        with wave.open(io.BytesIO(body)) as file:
            assert (kind, file.getnchannels(), file.getnframes()) == ("audio/x-wav", 2, 32_000)
        _, kind, body = await fetched(f"{recorded['RecordingUrl']}.mp3")
        assert (kind, len(body) > 4000) == ("audio/mpeg", True)
        assert await asked.client.recordings(recording.sid).delete_async()
        assert (await fetched(recorded["RecordingUrl"]))[0] == 404


@virtually
async def test_a_recording_is_started_paused_and_stopped_over_the_api():
    async with Asked(anybody=parse_script("ring 1s; speak 60s")) as asked:
        call = await asked.client.calls.create_async(to=TO, from_=FROM, twiml=PAUSE.format(60))
        with pytest.raises(TwilioRestException) as caught:
            await asked.client.calls(call.sid).recordings.create_async()
        assert caught.value.code == 21220
        await asyncio.sleep(3)
        recording = await asked.client.calls(call.sid).recordings.create_async()
        assert recording.status == "in-progress"
        recordings = asked.client.calls(call.sid).recordings
        for seconds, status in ((2, "paused"), (3, "in-progress"), (1, "stopped")):
            await asyncio.sleep(seconds)
            changed = await recordings("Twilio.CURRENT").update_async(status=status, pause_behavior="skip")
        assert (changed.sid, changed.status, changed.duration) == (recording.sid, "completed", "3")


@virtually
async def test_a_stream_that_fails_is_in_the_notifications():
    async with Asked() as asked:
        call = await asked.client.calls.create_async(to=TO, from_=FROM, twiml=PAUSE.format(9))
        await asyncio.sleep(2)
        stream = await asked.client.calls(call.sid).streams.create_async(url="wss://nobody.invalid/media", name="s")
        assert (stream.status, stream.name) == ("in-progress", "s")
        await asyncio.sleep(2)
        [notification] = await asked.client.calls(call.sid).notifications.list_async()
        assert notification.error_code.startswith("319")
        with pytest.raises(TwilioRestException) as caught:
            await asked.client.calls(call.sid).streams(stream.sid).update_async(status="stopped")
        assert caught.value.status == 404


@virtually
async def test_a_number_is_found_bought_connected_called_and_given_back():
    application = Application(answer="<Response><Hangup/></Response>")
    async with Asked(owned_numbers=frozenset({FROM})) as asked, serving(application.app) as web:
        offered = await asked.client.available_phone_numbers("US").local.list_async(area_code=415, limit=2)
        assert [each.phone_number for each in offered] == ["+14155550100", "+14155550101"]
        number = await asked.client.incoming_phone_numbers.create_async(
            phone_number=offered[0].phone_number, voice_url=f"{web}/answer", voice_method="GET", friendly_name="desk"
        )
        again = await asked.client.available_phone_numbers("US").local.list_async(area_code=415, limit=1)
        assert again[0].phone_number == "+14155550101"
        placed = asked.simulator.place_inbound_call(to_number=number.phone_number)
        await placed.finished
        assert application.requests[0][:1] == ("answer",)
        assert application.requests[0][1]["To"] == number.phone_number
        call = await asked.client.calls.create_async(to=TO, from_=number.phone_number, twiml=PAUSE.format(1))
        assert call._from == number.phone_number
        assert await asked.client.incoming_phone_numbers(number.sid).delete_async()
        for phone_number, code in (("+12", 21421), (FROM, 21422)):
            with pytest.raises(TwilioRestException) as caught:
                await asked.client.incoming_phone_numbers.create_async(phone_number=phone_number)
            assert caught.value.code == code


@virtually
async def test_a_message_is_sent_and_its_way_is_told():
    application = Application()
    callers = {"+15550009999": parse_script("fail")}
    async with Asked(callers=callers) as asked, serving(application.app) as web:
        sent = await asked.client.messages.create_async(
            to=TO, from_=FROM, body="Your table is ready.", status_callback=f"{web}/told"
        )
        lost = await asked.client.messages.create_async(to="+15550009999", from_=FROM, body="Hello?")
        assert (sent.status, sent.num_segments) == ("queued", "1")
        await asyncio.sleep(2)
        assert [fields["MessageStatus"] for fields in application.fields("told")] == ["sent", "delivered"]
        assert (await asked.client.messages(sent.sid).fetch_async()).status == "delivered"
        assert (await asked.client.messages(lost.sid).fetch_async()).error_code == 30003
        assert [each.sid for each in await asked.client.messages.list_async(to=TO)] == [sent.sid]
        with pytest.raises(TwilioRestException) as caught:
            await asked.client.messages.create_async(to=TO, from_=FROM)
        assert caught.value.code == 21602


@virtually
async def test_a_conference_is_looked_at_and_led_over_the_api():
    room = "<Response><Dial><Conference beep='false'>desk</Conference></Dial><Pause length='2'/></Response>"
    async with Asked(anybody=parse_script("ring 1s")) as asked:
        first = await asked.client.calls.create_async(to=TO, from_=FROM, twiml=room)
        await asyncio.sleep(2)
        [conference] = await asked.client.conferences.list_async(friendly_name="desk")
        assert conference.status == "init"
        added = await asked.client.conferences("desk").participants.create_async(from_=FROM, to="+15550003333")
        await asyncio.sleep(2)
        participants = asked.client.conferences(conference.sid).participants
        assert {each.call_sid for each in await participants.list_async()} == {first.sid, added.call_sid}
        assert (await participants(first.sid).update_async(muted=True)).muted is True
        assert await participants(added.call_sid).delete_async()
        await asyncio.sleep(1)
        assert [each.call_sid for each in await participants.list_async()] == [first.sid]
        ended = await asked.client.conferences(conference.sid).update_async(status="completed")
        assert ended.status == "completed"
        await asyncio.sleep(4)
        assert (await asked.client.calls(first.sid).fetch_async()).status == "completed"


@virtually
async def test_a_caller_is_taken_out_of_a_queue_over_the_api():
    application = Application(next=PAUSE.format(1))
    async with Asked(anybody=parse_script("ring 1s")) as asked, serving(application.app) as web:
        call = await asked.client.calls.create_async(
            to=TO, from_=FROM, twiml="<Response><Enqueue>support</Enqueue></Response>"
        )
        await asyncio.sleep(2)
        [queue] = await asked.client.queues.list_async()
        assert (queue.friendly_name, queue.current_size) == ("support", 1)
        [member] = await asked.client.queues(queue.sid).members.list_async()
        assert (member.call_sid, member.position) == (call.sid, 1)
        await asked.client.queues(queue.sid).members("Front").update_async(url=f"{web}/next")
        await asyncio.sleep(1)
        assert application.paths() == ["next"]
        assert (await asked.client.queues(queue.sid).fetch_async()).current_size == 0


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "Nonsense.json", 404, 20404),
        ("GET", "Recordings/RE1.json", 404, 20404),
        ("GET", "Recordings/RE1", 404, 20404),
        ("DELETE", "Calls.json", 405, 20004),
        ("GET", "IncomingPhoneNumbers.json?PageSize=many", 400, 20422),
        ("GET", "Messages.json?DateSent=soon", 400, 20422),
    ],
)
@virtually
async def test_errors_are_twilios_json(method, path, status, code):
    async with Asked() as asked, aiohttp.ClientSession() as session:
        headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, "simulated-auth-token")}
        async with session.request(
            method, f"{asked.url}/2010-04-01/Accounts/{ACCOUNT_SID}/{path}", headers=headers
        ) as answer:
            body = await answer.json()
    assert (answer.status, body["status"], body["code"]) == (status, status, code)
    assert body["more_info"] == f"https://www.twilio.com/docs/errors/{code}"


@virtually
async def test_a_trial_account_calls_verified_numbers_only_and_says_what_it_is():
    options = {"trial": True, "trial_announcement": True, "verified_numbers": frozenset({TO})}
    application = Application(voice=PAUSE.format(1))
    async with (
        Asked(anybody=parse_script("ring 1s; wait 3s; press 1"), **options) as asked,
        serving(application.app) as web,
    ):
        with pytest.raises(TwilioRestException) as caught:
            await asked.client.calls.create_async(to="+15550003333", from_=FROM, url=f"{web}/voice")
        assert caught.value.code == 21219
        call = await asked.client.calls.create_async(to=TO, from_=FROM, url=f"{web}/voice")
        await asyncio.sleep(3)
        assert application.paths() == []
        await asyncio.sleep(4)
        assert application.paths() == ["voice"]
        assert (await asked.client.calls(call.sid).fetch_async()).status == "completed"
        assert (await asked.client.api.accounts(ACCOUNT_SID).fetch_async()).type == "Trial"


@virtually
async def test_more_requests_than_the_rate_allows_are_refused():
    async with Asked(requests_per_second=2) as asked:
        statuses = []
        for _ in range(4):
            try:
                await asked.client.api.accounts(ACCOUNT_SID).fetch_async()
                statuses.append(200)
            except TwilioRestException as error:
                statuses.append(error.status)
        await asyncio.sleep(1)
        await asked.client.api.accounts(ACCOUNT_SID).fetch_async()
    assert statuses == [200, 200, 429, 429]
