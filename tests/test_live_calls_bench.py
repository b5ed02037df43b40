"""What the benchmark of live calls counts: chunks, interruptions, gaps; and that its steps are judged as it says."""

import asyncio
import base64
import json
import math
import sys
from pathlib import Path

import pytest

FOLDER = str(Path(__file__).parent.parent / "scripts" / "benchmarks")
sys.path.insert(0, FOLDER)
try:
    import live_calls
    from live import bench, frames, stamps, talker
finally:
    sys.path.remove(FOLDER)

SPEECH = talker.Speech(tuple(b"%d" % number for number in range(5)), onset=2, before_end=0.010)


class Line:
    """A socket that keeps what is sent; after `room` messages it takes only a part of one, then nothing."""

    def __init__(self, room=1000):
        self.sent = []
        self._room = room

    def send(self, data):
        self._room -= 1
        if self._room < 0:
            raise BlockingIOError
        self.sent.append(data if self._room else data[:100])
        return len(self.sent[-1])


class Transport:
    def __init__(self):
        self.written = []
        self.buffered = 0

    def write(self, data):
        self.written.append(data)

    def get_write_buffer_size(self):
        return self.buffered


def caller(monkeypatch, *, speeches=(), first_seconds=0.0, line=None):
    async def made():
        return talker.Talker(
            line or Line(),
            "/stream",
            "CA" + "0" * 32,
            {},
            speeches=speeches,
            first_seconds=first_seconds,
            every_seconds=6.0,
            figures=talker.Figures(measured=True),
        )

    made = asyncio.run(made())
    made._transport = Transport()
    made.upgraded.set_result(True)
    clock = [100.0]
    monkeypatch.setattr(talker.time, "perf_counter", lambda: clock[0])
    return made, clock


def media(left_at=None, number=0, seconds=0.2):
    audio = bytes(range(128, 256)) * 100
    audio = (stamps.stamp(left_at, number) if left_at is not None else b"") + audio
    payload = base64.b64encode(audio[: int(seconds * 8000)]).decode()
    return frames.server_frame(
        json.dumps({"event": "media", "streamSid": "MZ", "media": {"payload": payload}}).encode()
    )


def event(name, **fields):
    return frames.server_frame(json.dumps({"event": name, **fields}).encode())


@pytest.mark.parametrize("number", [0, 63, 64, 4095])
def test_a_stamp_is_read_wherever_it_is_in_the_audio(number):
    audio = b"\x7f\xff\x91" * 20 + stamps.stamp(25_000.123456, number) + b"\x00" * 9
    left_at, found = stamps.read_stamp(audio)
    assert (round(left_at, 6), found) == (25_000.123456, number)
    assert stamps.read_stamp(audio[: -9 - 1]) is None
    assert len(stamps.stamp(1.0, number)) == stamps.SIZE
    assert stamps.SIZE % 3 == 0, "base64 of the rest is made once"


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_frames_of_both_sides_are_read_back_in_any_pieces(size):
    payload = bytes(range(256)) * (size // 256) + bytes(size % 256)
    wire = frames.client_frame(payload) + frames.server_frame(payload, frames.PING)
    assert frames.read_frames(wire) == ([(frames.TEXT, payload), (frames.PING, payload)], b"")
    for cut in (1, 3, len(wire) // 2, len(wire) - 1):
        first, rest = frames.read_frames(wire[:cut])
        second, rest = frames.read_frames(rest + wire[cut:])
        assert (len(first + second), rest) == (2, b"")


def test_a_masked_frame_is_unmasked():
    mask, payload = b"\x01\x02\x03\x04", b"abcdefg"
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    assert frames.read_frames(frames.head(7, frames.TEXT, 0x80) + mask + masked)[0] == [(frames.TEXT, payload)]


def test_the_frames_of_a_call_are_messages_of_twilio(monkeypatch):
    call, _ = caller(monkeypatch)
    for number in range(12):
        call.send_frame(100 + number * 0.02)
    told = [json.loads(frames.read_frames(sent)[0][0][1]) for sent in call._line.sent]
    assert [each["media"]["timestamp"] for each in told] == [str(number * 20) for number in range(12)]
    assert {each["streamSid"] for each in told} == {call.stream_sid}
    assert all(base64.b64decode(each["media"]["payload"]) == b"\xff" * 160 for each in told)


def test_what_the_socket_has_no_room_for_is_sent_later_and_in_order(monkeypatch):
    call, _ = caller(monkeypatch, line=Line(room=2))
    for number in range(4):
        call.send_frame(100 + number * 0.02)
    [first, part], written = call._line.sent, call._transport.written
    assert len(first) > 100 > len(part) - 1
    assert [
        json.loads(payload)["media"]["chunk"] for _, payload in frames.read_frames(part + b"".join(written))[0]
    ] == [
        "2",
        "3",
        "4",
    ]


def test_a_chunk_counts_once_and_not_while_the_caller_speaks(monkeypatch):
    call, clock = caller(monkeypatch, speeches=[SPEECH], first_seconds=0.1)
    figures = call._figures
    call.data_received(media(99.995, 0))
    call.data_received(media(99.995, 0))  # once more, as after a pause
    assert figures.chunk_ms == [pytest.approx(5)]
    for number in range(10):  # speaks in the frames from 0.1 s to 0.18 s
        clock[0] = 100 + number * 0.02
        call.send_frame(clock[0])
    for left_at, counts in [(100.05, True), (100.12, False), (100.5, False), (101.1, True)]:
        before, clock[0] = len(figures.chunk_ms), left_at + 0.3
        call.data_received(media(left_at, 1))
        assert (len(figures.chunk_ms) > before) is counts, left_at
    assert figures.chunks == 5


def test_an_interruption_is_timed_from_the_onset_in_its_frame(monkeypatch):
    call, clock = caller(monkeypatch, speeches=[SPEECH], first_seconds=0.0)
    call.data_received(media(100.0, 0, seconds=1.2))
    call.data_received(media(100.1, 1, seconds=1.2))
    for number in range(5):
        clock[0] = 100 + number * 0.02
        call.send_frame(clock[0])
    clock[0] = 100.09
    call.data_received(event("clear"))
    assert call._figures.clear_ms == [pytest.approx(60)]
    assert (call._figures.missed, call._figures.false) == (0, 0)


def test_a_prompt_that_ended_by_itself_was_not_missed(monkeypatch):
    call, clock = caller(monkeypatch, speeches=[SPEECH], first_seconds=0.0)
    call.ahead_seconds = 0.0
    call.data_received(media(100.0, 0, seconds=0.5))
    for number in range(60):
        clock[0] = 100 + number * 0.02
        call.send_frame(clock[0])
    assert (call._figures.missed, call._onset_at) == (0, None)


@pytest.mark.parametrize(("at", "false"), [(100.5, 0), (101.05, 0), (101.2, 1)])
def test_a_clear_without_speech_is_false_unless_it_follows_from_speech_before(monkeypatch, at, false):
    call, clock = caller(monkeypatch, speeches=[SPEECH], first_seconds=0.0)
    for number in range(5):
        call.send_frame(100 + number * 0.02)
    clock[0] = at
    call.data_received(event("clear"))
    assert call._figures.false == false


def test_an_interruption_over_which_the_prompt_goes_on_is_missed(monkeypatch):
    call, clock = caller(monkeypatch, speeches=[SPEECH], first_seconds=0.0)
    for number in range(3):
        call.data_received(media(100.0 + number / 1000, number, seconds=1.2))
    for number in range(60):
        clock[0] = 100 + number * 0.02
        call.send_frame(clock[0])
    assert (call._figures.missed, call._figures.clear_ms) == (1, [])


def test_a_gap_within_a_prompt_is_an_underrun_and_one_between_prompts_is_not(monkeypatch):
    call, clock = caller(monkeypatch)
    call.data_received(media(100.0, 0))
    clock[0] = 100.29  # 100 ms were buffered before 200 began to play
    call.data_received(media(100.2, 1))
    assert call._figures.underruns == 0
    clock[0] = 100.6
    call.data_received(media(100.5, 2))
    assert call._figures.underruns == 1
    clock[0] = 103
    call.data_received(media(102.9, 0))
    assert call._figures.underruns == 1
    call.data_received(event("clear"))
    clock[0] = 105
    call.data_received(media())
    assert call._figures.underruns == 1


def test_marks_return_when_their_audio_was_played_or_cleared(monkeypatch):
    call, clock = caller(monkeypatch)
    call.data_received(media(100.0, 0) + event("mark", streamSid="MZ", mark={"name": "one"}))
    call.send_frame(100.25)
    assert not any(b'"mark"' in sent for sent in call._line.sent)
    call.send_frame(100.31)
    assert sum(b'"one"' in sent for sent in call._line.sent) == 1
    call.data_received(media(100.4, 0) + event("mark", streamSid="MZ", mark={"name": "two"}) + event("clear"))
    clock[0] = 100.35
    call.send_frame(100.35)
    assert sum(b'"two"' in sent for sent in call._line.sent) == 1


STEP = {
    "refused": 0,
    "underruns": 0,
    "missed": 0,
    "false": 0,
    "closed": 0,
    "chunk_ms_p99": 19.9,
    "first_chunk_ms_p99": 19.9,
    "chunks": 1,
    "interruptions": 1,
    "generator_late_ms_p99": 0.0,
    "core_waited_for": 0.0,
}


def judged(monkeypatch, name="telebridge", *, silent=False, **differences):
    def ran(*_, **__):
        return type("Done", (), {"stdout": json.dumps(STEP | differences).encode()})

    monkeypatch.setattr(bench.subprocess, "run", ran)
    opened = bench.Bench(0, 1, "", Path(), bench.Rime(1), {})
    step = opened.step(bench.Server(name, 1, "http://127.0.0.1:1"), 25, seconds=6.0, silent=silent)
    return step["holds"], step["valid"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"chunk_ms_p99": 20.0},
        {"underruns": 1},
        {"missed": 1},
        {"false": 1},
        {"closed": 1},
        {"refused": 1},
        {"chunks": 0},
        {"interruptions": 0},
    ],
)
def test_a_step_does_not_hold_with_one_thing_wrong(monkeypatch, wrong):
    assert judged(monkeypatch) == (True, True)
    assert judged(monkeypatch, **wrong) == (False, True)


def test_silent_callers_interrupt_nothing(monkeypatch):
    assert judged(monkeypatch, silent=True, interruptions=0) == (True, True)


@pytest.mark.parametrize("lag", [{"generator_late_ms_p99": 10.1}, {"core_waited_for": 0.051}])
def test_nothing_is_concluded_from_a_step_that_failed_on_a_machine_that_was_not_its_own(monkeypatch, lag):
    assert judged(monkeypatch, **lag) == (True, True)
    assert judged(monkeypatch, chunk_ms_p99=math.inf, **lag) == (False, False)


def searching(steps, begin_at, *, holds, invalid=()):
    def step(calls):
        return {"calls": calls, "holds": calls in holds, "valid": calls in holds or calls not in invalid}

    found = live_calls.searched(steps, step, begin_at)
    return [each["calls"] for each in found], live_calls.held_of(found)


@pytest.mark.parametrize(
    ("begin_at", "holds", "tried", "held"),
    [
        (0, (10, 20), [10, 20, 30], 20),
        (20, (10, 20, 30), [20, 30, 40], 30),
        (25, (10, 20), [30, 20], 20),
        (40, (10, 20, 30, 40), [40], 40),
        (99, (10,), [40, 30, 20, 10], 10),
        (0, (), [10], 0),
    ],
)
def test_the_search_goes_up_to_the_first_that_fails_or_down_to_the_first_that_holds(begin_at, holds, tried, held):
    assert searching((10, 20, 30, 40), begin_at, holds=holds) == (tried, held)


def test_a_step_that_is_not_valid_is_repeated_once_and_then_does_not_hold():
    assert searching((10, 20, 30, 40), 20, holds=(20, 40), invalid=(30,)) == ([20, 30, 30], 20)
    assert searching((10, 20, 30), 30, holds=(10,), invalid=(20,)) == ([30, 20, 20, 10], 10)
