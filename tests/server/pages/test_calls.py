"""The list of calls and the page of one: who, what is said and heard, what can be done, and what is never shown."""

import asyncio
import re
import wave
from io import BytesIO

import pytest
from support.api import OVER, SID, record
from support.pages import events, pages

from telebridge.call.record import SpokenUtterance
from telebridge.call.runner.call_recording import CallRecordingFile
from telebridge.call.session.events import CallOver
from telebridge.call.store.table import StoredCall
from telebridge.server.pages.live import MOST_STREAMS
from telebridge.server.pages.masking import masked_number
from telebridge.server.pages.transcript import transcript_line
from telebridge.turns.barge_in import BargeIn, BargeInCause

CUT = BargeIn(BargeInCause.SPEECH, heard_text="Press one", heard_ms=1200, exact=True, stop_ms=70)
SCRIPT = "<script>alert(1)</script>"


def ended(**values):
    call = record(OVER, end_reason="completed", **values)
    call.utterances.append(SpokenUtterance("Press one for sales.", 2000, CUT))
    return call


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+14155551234", "+141 ••• ••34"),
        ("+442071234567", "+442 ••• ••67"),
        ("12345", "1 ••• ••45"),
        ("client:browser", "client:browser"),
        ("sip:+14155551234@example.com", "sip:+141 ••• ••34@example.com"),
        ("911", "911"),
    ],
)
def test_numbers_are_masked(number, shown):
    assert masked_number(number) == shown


async def test_the_list_shows_live_and_ended_calls_with_masked_numbers(tmp_path):
    async with pages(tmp_path) as served:
        served.calls.add(record(path=["start", "menu"]))
        served.past.records.append(ended())
        text = await served.get("/calls")
        assert all(part in text for part in (SID, OVER, "front-desk", "menu", "+155 ••• ••01", "completed"))
        assert "5551230001" not in text
        assert "Live now: <span" in text


async def test_live_calls_of_other_processes_are_listed_once(tmp_path):
    async with pages(tmp_path) as served:
        served.calls.add(record())
        mine, other, ending = record(), record("CA" + "3" * 32, from_number="+14155550199"), record(OVER)
        served.calls.ended[OVER] = ending
        served.past.elsewhere = [StoredCall(each, False, None, None) for each in (mine, other, ending)]
        text = await served.get("/calls")
        assert 'data-value="total">2<' in text
        assert text.count(f'data-key="{SID}"') == 1
        assert f'data-key="{other.call_sid}"' in text
        assert 'data-field="phase">elsewhere<' in text
        assert "4155550199" not in text
        assert f'data-key="{OVER}"' not in text


async def test_the_list_is_filtered_and_paged(tmp_path):
    async with pages(tmp_path) as served:
        served.calls.add(record())
        served.past.records = [ended() for _ in range(30)]
        text = await served.get("/calls?q=1230001&flow=front-desk")
        assert SID in text
        assert "cursor=" in text
        assert SID not in await served.get("/calls?flow=reminder")
        assert served.past.searches[0] == ("1230001", 26, "front-desk", None)
        await served.get("/calls?cursor=nonsense", status=422)


async def test_without_the_database_live_calls_are_shown_still(tmp_path):
    async with pages(tmp_path) as served:
        served.calls.add(record())
        served.past.away = True
        text = await served.get("/calls")
        assert SID in text
        assert "database is away" in text


async def test_a_call_is_shown_with_what_was_heard_and_its_numbers_only_on_demand(tmp_path):
    async with pages(tmp_path) as served:
        served.past.records.append(ended(path=["menu"], digits=["1"]))
        text = await served.get(f"/calls/{OVER}")
        assert '<span class="heard">Press one</span><span class="unheard"> for sales.</span>' in text
        assert "cut off when the caller spoke, after 1.2 s, silent within 70 ms" in text
        assert "5551230001" not in text
        assert "+15551230001" in await served.post(f"/calls/{OVER}", status=200)
        await served.get(f"/calls/{SID}", status=404)
        await served.get("/calls/..%2F..%2Fetc", status=404)


async def test_what_can_be_done_is_done_and_refusals_are_told(tmp_path):
    async with pages(tmp_path) as served:
        control = served.calls.add(record())
        assert await served.post(f"/calls/{SID}/say", text="Hello.") == f"/calls/{SID}?done=say"
        assert "It will be said" in await served.get(f"/calls/{SID}?done=say")
        await served.post(f"/calls/{SID}/clear")
        await served.post(f"/calls/{SID}/transfer", to="+15551230100")
        await served.post(f"/calls/{SID}/hang-up", say="")
        say, transfer, hang_up = control.done
        assert (say.text, transfer[1], hang_up) == ("Hello.", "+15551230100", ("hang up", None))
        assert "is wrong" not in await served.post(f"/calls/{SID}/transfer", status=422, to="nobody")
        control.refuses = "is ending"
        text = await served.post(f"/calls/{SID}/say", status=409, text="Hello <all>.")
        assert "is ending" in text
        assert "required>Hello &lt;all&gt;.</textarea>" in text, "what was typed stays"
        await served.post(f"/calls/{OVER}/say", status=404, text="Hello.")


async def test_recordings_and_messages_are_served_in_ranges(tmp_path):
    for name in (f"flights/{OVER}.wav", f"recordings/{OVER}-1.wav"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(bytes(range(100)))
    (tmp_path / "secret").write_text("secret")
    (tmp_path / f"flights/{OVER}.jsonl").write_text(
        '{"at_ms": 0, "kind": "node", "node": "menu"}\n{"at_ms": 10, "kind": "speak", "text": "Press one."}\n'
        '{"at_ms": 1010, "kind": "utterance", "text": "Press one."}\n{"at_ms": 1500, "kind": "key", "key": "1"}\n'
    )
    async with pages(tmp_path) as served:
        served.past.records.append(ended(recordings=["/etc/passwd"]))
        text = await served.get(f"/calls/{OVER}")
        assert all(part in text for part in ("recordings/1.wav", "messages/1.wav", "Timeline", "key: 1"))
        for path in (f"/calls/{OVER}/recordings/1.wav", f"/calls/{OVER}/messages/1.wav"):
            async with served.session.get(served.url + path, headers={"Range": "bytes=10-19"}) as answer:
                assert (answer.status, await answer.read()) == (206, bytes(range(10, 20)))
                assert answer.headers["Content-Range"] == "bytes 10-19/100"
                assert answer.content_type == "audio/wav"
                assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        for path in ("recordings/2.wav", "messages/0.wav", "messages/..%2F..%2Fsecret.wav", "recordings/x.wav"):
            await served.get(f"/calls/{OVER}/{path}", status=404)


async def test_what_callers_and_flows_say_is_text_on_every_page(tmp_path):
    async with pages(tmp_path) as served:
        call = record(OVER, from_number=SCRIPT, flow=SCRIPT, end_reason=SCRIPT, path=[SCRIPT], digits=[SCRIPT])
        call.utterances.append(SpokenUtterance(SCRIPT, 10, None))
        call.result["<b>name"] = SCRIPT
        served.past.records.append(call)
        served.calls.add(record(from_number=SCRIPT, flow=SCRIPT, path=[SCRIPT]))
        for text in (await served.get("/calls"), await served.get(f"/calls/{OVER}"), await served.get(f"/calls/{SID}")):
            assert "&lt;script&gt;" in text
            assert SCRIPT not in text
            assert "<b>" not in text


async def test_a_stream_tells_what_changes_and_nothing_else(tmp_path):
    async with pages(tmp_path) as served:
        control = served.calls.add(record(path=["start"]))
        async with served.session.get(f"{served.url}/calls/stream") as answer:
            [first] = await events(answer, 1)
            assert first["first"]
            assert first["set"]["total"] == 1
            assert first["set"][SID]["node"] == "start"
            control.session.record.path.append("menu")
            [change] = await events(answer, 1)
            assert change["set"].keys() == {SID}
            del served.calls.live[SID]
            [gone] = await events(answer, 1)
            assert gone == {"set": {"total": 0}, "gone": [SID]}


async def test_the_timeline_of_a_live_call_grows_with_its_recording(tmp_path):
    (tmp_path / "flights").mkdir()
    async with pages(tmp_path) as served:
        served.calls.add(record())
        assert "calls.record = true" in await served.get(f"/calls/{SID}")
        async with served.session.get(f"{served.url}/calls/{SID}/stream") as answer:
            [first] = await events(answer, 1)
            assert first["set"]["recorded"] == ""
            (tmp_path / f"flights/{SID}.jsonl").write_text('{"at_ms": 9, "kind": "key", "key": "<7>"}\n')
            (tmp_path / f"flights/{SID}.wav").write_bytes(bytes(44) + b"\0\x40" * 8000)
            [grown] = await events(answer, 1)
            assert grown == {"set": {"recorded": "1.wav?bytes=16000"}}
        text = await served.get(f"/calls/{SID}/timeline")
        assert 'class="caller" d="M0.5 ' in text
        assert "key &lt;7&gt;" in text
        assert text.lstrip().startswith("<svg")


async def test_the_stream_of_a_call_ends_with_it(tmp_path):
    async with pages(tmp_path) as served:
        control = served.calls.add(record())
        control.session.record.utterances.append(SpokenUtterance("Press one for sales.", 2000, CUT))
        async with served.session.get(f"{served.url}/calls/{SID}/stream") as answer:
            [first] = await events(answer, 1)
            assert first["set"]["line-0"]["unheard"] == " for sales."
            control.runner.deliver(CallOver("completed"))
            del served.calls.live[SID]
            await events(answer, 1)
            assert await answer.content.read() is not None
        assert len(served.streams) == 0


@pytest.mark.slow
async def test_a_watcher_who_reads_nothing_is_not_looked_for(tmp_path):
    looks = 0

    async def look():
        nonlocal looks
        looks += 1
        return {"n": looks, "text": "x" * 100_000}

    def extend(served):
        from telebridge.server.pages.live import PageState

        async def stream(visit):
            async def state():
                return PageState(await look())

            return await served.streams.send(visit, state)

        served.router.get("/flows/stream", stream)

    async with pages(tmp_path, extend=extend, every_seconds=0.0) as served:
        async with served.session.get(f"{served.url}/flows/stream"):
            before = -1
            while before != looks:  # until the socket is full
                before = looks
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.1)
            assert looks == before
        for _ in range(MOST_STREAMS):
            served.streams._open.add(asyncio.Event())
        await served.get("/calls/stream", status=503)


def test_a_line_of_a_record_that_lacks_fields_is_shown_as_far_as_it_goes():
    assert transcript_line({}).heard == ""
    assert transcript_line({"text": "Hello.", "pauses": 1}).note == "paused 1 time for a sound"
    assert transcript_line({"text": "Hello.", "interrupted_by": "comet"}).note == "cut off comet"


async def test_what_is_recorded_of_a_live_call_is_served_in_ranges_that_fit_while_it_grows(tmp_path):
    file = tmp_path / "flights" / f"{SID}.wav"
    recording = CallRecordingFile(file.parent, SID)
    samples = bytes(at % 251 for at in range(200_000))
    async with pages(tmp_path) as served:
        served.calls.add(record())
        assert re.search(r'<audio[^>]* id="so-far"[^>]* class="unseen">', await served.get(f"/calls/{SID}"))
        recording.append(samples, "", total=None)
        with file.open("ab") as growing:
            growing.write(b"xx")  # half of a sample, as when it is read in the middle of a write
        text = await served.get(f"/calls/{SID}")
        address = re.search(r'id="so-far"[^>]* src="([^"]*)"', text)[1]
        assert address == f"/calls/{SID}/recordings/1.wav?bytes=200000"
        first = await part(served, address, "bytes=0-999", 206)
        recording.append(samples, "", total=200_000)
        rest = await part(served, address, "bytes=1000-", 206)
        whole = await part(served, address, None, 200)
        assert first + rest == whole
        assert whole[44:] == samples
        with wave.open(BytesIO(whole)) as read:
            assert (read.getnchannels(), read.getframerate(), read.getnframes()) == (2, 8000, 50_000)
        assert await part(served, address, "bytes=-10", 206) == samples[-10:]
        async with served.session.head(served.url + address) as answer:
            assert (answer.status, answer.content_length) == (200, 200_044)
        for wrong in ("bytes=200044-", "bytes=9-3", "bytes=x", "lines=1-2"):
            await part(served, address, wrong, 416)
        for wrong in ("0", "3", "-4", "x", "4000000", "9" * 30, ""):
            await part(served, f"/calls/{SID}/recordings/1.wav?bytes={wrong}", None, 404)


async def part(served, address, wanted, status):
    """A range of a recording."""
    headers = {} if wanted is None else {"Range": wanted}
    async with served.session.get(served.url + address, headers=headers) as answer:
        assert answer.status == status, wanted
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        return await answer.read()
