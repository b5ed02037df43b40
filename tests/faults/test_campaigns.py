"""Campaigns: accounts that may not call, calls that fail, and verdicts and reports that come late or never."""

import asyncio
from itertools import count

import pytest
from support.callers import QUIET, SPEECH, ToldDetector
from support.campaigns import contacts, running_campaign
from support.dialling import Bench, wallclock
from support.faults import fault
from support.line import Line, begun
from support.virtual_time import virtually

from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.session.effects import StartSpeech
from telebridge.call.session.events import StreamLost, TransferEnded
from telebridge.call.session.stream_phase import Phase
from telebridge.campaigns.engine.contact import Lane, NewContact
from telebridge.campaigns.engine.outcomes import Outcome, RetryRules, outcome_of
from telebridge.campaigns.engine.pacing import Pacing
from telebridge.campaigns.engine.states import CampaignInput, CampaignStatus
from telebridge.campaigns.reporting.view import view_campaign
from telebridge.campaigns.reporting.why_waiting import Waiting
from telebridge.errors import TwilioAPIError
from telebridge.server.twilio.campaign_calls import talk_of
from telebridge.turns.barge_in import BargeInCause, BargeInOptions
from telebridge.turns.voice_activity import VoiceActivityOptions
from telebridge.twilio.calls import CallStatus
from telebridge.twilio.media_stream import AudioReceived, DigitPressed, MarkReturned

FRANCE = Lane(("Europe/Paris",), "FR")
TEN_A_SECOND = Pacing(10.0, 100)
ONE_CALL_ONLY = RetryRules(1, {})


def refusing(twilio, error, when=lambda _: True):
    """Let Twilio refuse calls; returns those that it refused."""
    refused, place = [], twilio.create

    async def create(request):
        if not when(request):
            return await place(request)
        twilio.asked += 1
        refused.append(request.to)
        await asyncio.sleep(0.05)
        raise error

    twilio.create = create
    return refused


def french(people):
    return [NewContact(f"+3314268{n:04d}", FRANCE, {}) for n in range(people)]


def is_french(request):
    return request.to.startswith("+33")


async def used_up(bench, campaign):
    return [one async for one in bench.store.reports.contacts(campaign.id) if one.attempts or one.outcome]


ACCOUNT_REFUSALS = [
    TwilioAPIError(401, 20003, "Authenticate"),
    TwilioAPIError(403, 20005, "Account is not active"),
    TwilioAPIError(403, None, "Forbidden"),
    TwilioAPIError(404, 20404, "The requested resource was not found"),
    TwilioAPIError(400, 10005, "Voice calling has been disabled for this account"),
    TwilioAPIError(400, 21210, "The source phone number provided is not yet verified for your account"),
    TwilioAPIError(400, 21216, "Call blocked by Twilio"),
    TwilioAPIError(400, 21219, "The number is unverified. Trial accounts may only make calls to verified numbers"),
    TwilioAPIError(400, 21205, "Url is not a valid URL"),
    TwilioAPIError(400, 63999, "something that no list has"),
    TwilioAPIError(402, None, "Payment required"),
    TwilioAPIError(422, None, "Unprocessable"),
]


@pytest.mark.slow
@fault(
    "Twilio refuses every call of a campaign, for the account's sake or for a reason that is in no list.",
    caller="Nobody is called.",
    operator="The campaign is paused after three refusals at most, with Twilio's words as the reason.",
    kept="Every contact and every attempt: `start` calls them once the account is mended.",
)
@pytest.mark.parametrize("people", [20, 2000])
@pytest.mark.parametrize("error", ACCOUNT_REFUSALS, ids=str)
@virtually
async def test_a_refusal_that_everybody_would_get_uses_nobody_up(error, people):
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(people), pacing=TEN_A_SECOND, retry=ONE_CALL_ONLY)
        refused = refusing(bench.twilio, error)
        bench.worker.start()
        await asyncio.sleep(5)
        paused = await bench.store.campaigns.find(campaign.id)
        assert paused.status is CampaignStatus.PAUSED
        assert str(error) in paused.reason
        assert len(refused) <= 5
        assert await used_up(bench, campaign) == []


@fault(
    "The account may not call one of the countries of a campaign (21215: Voice Geographic Permissions).",
    caller="The people of the other countries are called; those of this one once it is permitted.",
    operator="A line in the log that names the country; in `status` its contacts wait for the permission.",
    kept="The country's contacts, and the others' calls.",
)
@pytest.mark.parametrize("people", [20, 2000])
@virtually
async def test_the_contacts_of_a_country_that_may_not_be_called_wait(people):
    async with Bench() as bench:
        everybody = [*french(people), *contacts(20)]
        campaign = await running_campaign(bench.store, everybody, pacing=TEN_A_SECOND, retry=ONE_CALL_ONLY)
        refused = refusing(bench.twilio, TwilioAPIError(400, 21215, "Account not authorized to call"), is_french)
        bench.worker.start()
        await asyncio.sleep(12)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"answered": 20}
        assert len(refused) <= 5
        assert [one for one in await used_up(bench, campaign) if one.phone.startswith("+33")] == []
        view = await view_campaign(bench.store, campaign.id, lambda _, now: now, wallclock=wallclock())
        assert view.explanation.waiting == {Waiting.COUNTRY: people}


@fault(
    "The owner permits a country while a campaign waits for it.",
    caller="The call, at most 15 minutes later.",
    operator="Nothing to do.",
    kept="The country's contacts.",
)
@virtually
async def test_a_country_that_is_permitted_is_called_within_fifteen_minutes():
    async with Bench(tick_seconds=2.0) as bench:
        campaign = await running_campaign(bench.store, french(8), pacing=TEN_A_SECOND, retry=ONE_CALL_ONLY)
        permitted = []
        error = TwilioAPIError(400, 21215, "Account not authorized to call")
        refusing(bench.twilio, error, lambda _: not permitted)
        bench.worker.start()
        await asyncio.sleep(30)
        permitted.append(True)
        await asyncio.sleep(900)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"answered": 8}


@fault(
    "Twilio refuses one number of a country for its geographic permissions, such as one at risk of fraud.",
    caller="The other people of the country are called.",
    operator="The contact waits for the permission.",
    kept="The contact, and the calls to all others.",
)
@virtually
async def test_one_number_that_may_not_be_called_holds_nobody_else_back():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(20), pacing=TEN_A_SECOND)
        first = contacts(1)[0].phone
        error = TwilioAPIError(400, 21215, "Account not authorized to call")
        refusing(bench.twilio, error, lambda request: request.to == first)
        bench.worker.start()
        await asyncio.sleep(20)
        assert (await bench.store.reports.progress(campaign.id)).contacts == {"done": 19, "ready": 1}


@fault(
    "Twilio refuses a call now and then for a reason that is in no list.",
    caller="The others are called.",
    operator="The contacts wait and are tried again; when only they are left, the campaign pauses with the reason.",
    kept="The contacts: none is used up.",
)
@virtually
async def test_an_unknown_refusal_now_and_then_pauses_only_when_nothing_else_is_left():
    async with Bench(tick_seconds=1.0) as bench:
        campaign = await running_campaign(bench.store, contacts(20), pacing=Pacing(2.0, 100))
        odd = {contacts(20)[n].phone for n in (3, 9)}
        refusing(bench.twilio, TwilioAPIError(400, 63999, "odd"), lambda request: request.to in odd)
        bench.worker.start()
        await asyncio.sleep(60)
        assert (await bench.store.campaigns.find(campaign.id)).status is CampaignStatus.RUNNING
        assert (await bench.store.reports.progress(campaign.id)).contacts == {"done": 18, "ready": 2}
        await asyncio.sleep(900)
        assert (await bench.store.campaigns.find(campaign.id)).status is CampaignStatus.PAUSED
        assert {one.phone for one in await used_up(bench, campaign)} == {one.phone for one in contacts(20)} - odd


@fault(
    "Most calls of a small campaign fail.",
    caller="Half of the people at most are called in vain.",
    operator="The campaign is paused with the figures as the reason.",
    kept="The contacts that were not called yet.",
)
@virtually
async def test_the_breaker_stops_a_campaign_of_twenty():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(20), pacing=Pacing(2.0, 100), retry=ONE_CALL_ONLY)
        bench.twilio.ends = (CallStatus.FAILED,)
        bench.twilio.talk_seconds = 0.1
        bench.worker.start()
        await asyncio.sleep(30)
        paused = await bench.store.campaigns.find(campaign.id)
        assert paused.status is CampaignStatus.PAUSED
        assert "calls failed, more than 50%" in paused.reason
        assert (await bench.store.reports.progress(campaign.id)).contacts["ready"] >= 6


@fault(
    "Twilio says of every number that it does not exist.",
    caller="Nobody is called.",
    operator="The campaign is paused with the figures; `campaign retry --outcome bad_number` puts the contacts back.",
    kept="Every contact.",
)
@virtually
async def test_contacts_that_were_used_up_can_be_put_back():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(20), pacing=Pacing(2.0, 100), retry=ONE_CALL_ONLY)
        calls, wrong = count(), [True]
        refusing(bench.twilio, TwilioAPIError(400, 21211, "not valid"), lambda _: wrong and next(calls) < 40)
        bench.worker.start()
        await asyncio.sleep(10)
        assert (await bench.store.campaigns.find(campaign.id)).status is CampaignStatus.PAUSED
        bad = (await bench.store.reports.progress(campaign.id)).outcomes["bad_number"]
        assert bad <= 11
        wrong.clear()
        assert await bench.store.contacts.retry(campaign.id, {"bad_number", "refused"}) == bad
        await bench.store.campaigns.change(campaign.id, CampaignInput.START)
        await asyncio.sleep(30)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"answered": 20}


def losing_final_callbacks(bench):
    """Let the last callback of every call be lost."""
    deliver = bench.twilio._report

    def report(call, status):
        if not status.is_final:
            deliver(call, status)

    bench.twilio._report = report


@fault(
    "The last callback of every call is lost.",
    caller="The call, on time: ended calls keep nobody out for more than some seconds.",
    operator="The outcomes, some seconds after the calls: Twilio is asked once the bridge has told of the end.",
    kept="The outcomes, and the places among `max_live`.",
)
@virtually
async def test_ten_lost_callbacks_do_not_stop_a_campaign_of_ten_live_calls():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(40), pacing=Pacing(10.0, 10))
        losing_final_callbacks(bench)
        bench.worker.start()
        await asyncio.sleep(60)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"answered": 40}


@fault(
    "The last callback of a call is lost, and Twilio fails when it is asked.",
    caller="Nothing.",
    operator="The outcome, within 30 seconds after Twilio is there again.",
    kept="The outcome, and the places among `max_live`.",
)
@virtually
async def test_a_look_that_fails_is_repeated_within_half_a_minute():
    async with Bench() as bench:
        campaign = await running_campaign(bench.store, contacts(10), pacing=Pacing(10.0, 10))
        losing_final_callbacks(bench)
        fetch, broken = bench.twilio.fetch, [True]

        async def failing(sid):
            if broken:
                raise TwilioAPIError(503, None, "unavailable")
            return await fetch(sid)

        bench.twilio.fetch = failing
        bench.worker.start()
        await asyncio.sleep(30)
        assert (await bench.store.reports.progress(campaign.id)).contacts == {"live": 10}
        broken.clear()
        await asyncio.sleep(30)
        assert (await bench.store.reports.progress(campaign.id)).outcomes == {"answered": 10}


CLINIC = """
flow: clinic
start: ask
entrances: [voicemail]
nodes:
  ask: {menu: "For yes press one, for no press two, and stay on the line for more.", choices: {1: leave, 2: desk}}
  leave: {record: "Please speak after the tone.", then: bye}
  desk: {transfer: "+15551230100", failed: ask}
  voicemail: {say: "Please call us back.", then: bye}
  bye: {hang_up: "Goodbye."}
"""
LONG_PROMPT = bytes(range(1, 251)) * 192  # 6 s


def answered(checkpoint=None):
    """A call in which the clinic's first prompt is begun."""
    listening = ListeningOptions(
        detector=ToldDetector,
        voice_activity=VoiceActivityOptions(silence_ms=200),
        barge_in=BargeInOptions(commit_after_ms=400),
    )
    line = Line(CLINIC, checkpoint=checkpoint, listening=listening)
    line.prompt = next((effect for effect in line.effects if isinstance(effect, StartSpeech)), None)
    return line


def in_prompt():
    line = answered().started()
    line.spoken(line.prompt, LONG_PROMPT)
    hear(line, QUIET, 150)
    return line


def hear(line, payload, frames):
    for _ in range(frames):
        line.tell(AudioReceived(payload, round(line.now * 1000)), after=0.02)


def after_a_key_in_a_prompt():
    line = in_prompt()
    line.tell(DigitPressed("7"))
    return line


def after_an_answer():
    line = in_prompt()
    line.tell(DigitPressed("1"))
    return line


def after_speech():
    line = in_prompt()
    hear(line, SPEECH, 40)
    hear(line, QUIET, 40)
    return line


def in_a_recording():
    line = after_an_answer()
    line.tell(MarkReturned(line.spoken(begun(line.effects))), after=1.0)
    return line


def in_a_transfer():
    line = in_prompt()
    line.tell(DigitPressed("2"))
    assert line.session.phase is Phase.AWAY
    return line


def after_a_transfer_that_failed():
    line = in_a_transfer()
    line.tell(TransferEnded("no-answer"), after=20.0)
    return line


def after_a_lost_stream():
    line = after_a_key_in_a_prompt()
    line.tell(StreamLost())
    return line.started()


def in_another_process(moment):
    return lambda: answered(Checkpoint.decode(moment().kept.encode()))


MOMENTS = {
    "a key in a prompt": after_a_key_in_a_prompt,
    "a key that answered a question": after_an_answer,
    "speech that took the floor": after_speech,
    "a recording in progress": in_a_recording,
    "a transfer in progress": in_a_transfer,
    "a transfer that failed": after_a_transfer_that_failed,
    "a stream that was lost and came back": after_a_lost_stream,
}
MOMENTS |= {f"{name}, taken over by another process": in_another_process(moment) for name, moment in MOMENTS.items()}


@fault(
    "Twilio takes a person for a machine, and says so late: after a key or speech, in a recording or a transfer.",
    caller="The flow, as if nothing had been said.",
    operator="The outcome `answered`; `talk.person` is true, beside `answered_by`.",
    kept="The call: nobody who answered the flow is hung up, or told the words for a voicemail.",
)
@pytest.mark.parametrize("node", [None, "voicemail"])
@pytest.mark.parametrize("moment", MOMENTS.values(), ids=MOMENTS.keys())
def test_a_late_verdict_ends_no_call_of_a_person(moment, node):
    line = moment()
    phase, path = line.session.phase, list(line.session.record.path)
    assert line.session.machine_answered(node, now=line.now) == []
    assert (line.session.phase, line.session.record.path) == (phase, path)
    talk = talk_of(line.session.record)
    assert outcome_of(CallStatus.COMPLETED, "machine_start", None, talk) is Outcome.ANSWERED


@fault(
    "A machine answers, and the verdict comes before the first word or in the first prompt.",
    caller="The machine: the words for a voicemail, or the end of the call.",
    operator="The outcome `machine`.",
    kept="The retry rules: the contact is called again as they say.",
)
@pytest.mark.parametrize("moment", [answered, in_prompt], ids=["before the first word", "in the first prompt"])
def test_a_machine_that_did_nothing_else_is_left_its_message_or_hung_up(moment):
    line = moment()
    assert line.session.machine_answered("voicemail", now=line.now)
    assert line.session.record.path[-1] == "voicemail"
    assert outcome_of(CallStatus.COMPLETED, "machine_start", None, talk_of(line.session.record)) is Outcome.MACHINE
    line = moment()
    assert line.session.machine_answered(None, now=line.now)
    assert line.session.phase.is_ending


@fault(
    "The greeting of a machine begins over our first words, and takes the floor from them.",
    caller="The machine: the words for a voicemail, once the verdict is there.",
    operator="The outcome `machine`.",
    kept="The verdict: a greeting is no answer to the flow.",
)
def test_the_greeting_of_a_machine_over_our_first_words_is_no_answer():
    line = answered().started()
    line.spoken(line.prompt, LONG_PROMPT)
    hear(line, QUIET, 20)
    hear(line, SPEECH, 60)
    assert line.session.record.utterances[-1].interruption.cause is BargeInCause.SPEECH
    assert not line.session.record.is_person
