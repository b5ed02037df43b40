from hypothesis import given
from hypothesis import strategies as st

from telebridge.simulator.media.playout import HeardAudio, PlayoutBuffer, Underrun


def audio(length: int, fill: int = 0x55) -> bytes:
    return bytes([fill]) * length


def test_a_mark_returns_when_the_audio_before_it_has_sounded() -> None:
    playout = PlayoutBuffer()
    playout.queue_audio(audio(1600), now=10.0)
    assert playout.queue_mark("a", now=10.0) == []
    assert playout.next_deadline() == 10.2
    assert playout.handle_timeout(now=10.19) == []
    assert playout.handle_timeout(now=10.2) == ["a"]
    assert playout.next_deadline() is None


def test_a_mark_on_an_empty_buffer_returns_at_once() -> None:
    playout = PlayoutBuffer()
    assert playout.queue_mark("first", now=1.0) == ["first"]
    playout.queue_audio(audio(80), now=2.0)
    assert playout.queue_mark("late", now=2.01) == ["late"]


def test_a_clear_returns_the_waiting_marks_in_order_and_cuts_what_is_heard() -> None:
    playout = PlayoutBuffer()
    playout.queue_audio(audio(8000), now=0.0)
    playout.queue_mark("a", now=0.0)
    playout.queue_audio(audio(8000), now=0.1)
    playout.queue_mark("b", now=0.1)
    assert playout.clear(now=0.5) == ["a", "b"]
    assert playout.heard(now=9.0) == [HeardAudio(0.0, audio(4000))]
    assert playout.next_deadline() is None
    assert playout.queue_mark("c", now=0.5) == ["c"]


def test_audio_after_a_clear_plays_at_once() -> None:
    playout = PlayoutBuffer()
    playout.queue_audio(audio(8000, 1), now=0.0)
    playout.clear(now=0.25)
    playout.queue_audio(audio(800, 2), now=0.25)
    assert playout.heard(now=1.0) == [HeardAudio(0.0, audio(2000, 1)), HeardAudio(0.25, audio(800, 2))]
    assert playout.underruns == []


def test_audio_that_comes_in_time_is_played_back_to_back() -> None:
    playout = PlayoutBuffer()
    playout.queue_audio(audio(160), now=5.0)
    playout.queue_audio(audio(160), now=5.019)
    assert playout.heard(now=6.0) == [HeardAudio(5.0, audio(320))]


def test_audio_that_comes_too_late_is_an_underrun_and_a_long_pause_is_none() -> None:
    playout = PlayoutBuffer()
    playout.queue_audio(audio(160), now=0.0)
    playout.queue_audio(audio(160), now=0.05)
    playout.queue_audio(audio(160), now=9.0)
    assert playout.underruns == [Underrun(0.02, 0.05 - 0.02)]
    assert [stretch.start_time for stretch in playout.heard(now=10.0)] == [0.0, 0.05, 9.0]


def test_audio_past_the_capacity_is_lost() -> None:
    playout = PlayoutBuffer(capacity_bytes=1000)
    assert playout.queue_audio(audio(900), now=0.0) == 900
    assert playout.queue_audio(audio(900), now=0.0) == 100
    assert playout.discarded_bytes == 800
    assert playout.queue_audio(audio(900), now=0.1) == 800


def test_what_sounded_between_two_instants_spans_runs() -> None:
    playout = PlayoutBuffer()
    playout.queue_audio(audio(800, 1), now=0.0)
    playout.queue_audio(audio(800, 2), now=1.0)
    assert playout.heard_between(0.05, 1.05) == audio(400, 1) + audio(400, 2)
    assert playout.heard_between(0.2, 0.9) == b""


def test_marks_of_one_name_each_return() -> None:
    playout = PlayoutBuffer()
    playout.queue_audio(audio(8), now=0.0)
    playout.queue_mark("same", now=0.0)
    playout.queue_mark("same", now=0.0)
    assert playout.handle_timeout(now=0.001) == ["same", "same"]


operations = st.lists(
    st.tuples(st.sampled_from(["audio", "mark", "clear", "wait", "timeout"]), st.integers(0, 5000)), max_size=60
)


@given(operations, st.floats(0, 1e6))
def test_it_agrees_with_a_player_that_goes_sample_by_sample(steps: list[tuple[str, int]], start: float) -> None:
    playout = PlayoutBuffer()
    queue: list[int | str] = []  # one number per sample, a text per mark
    expected_heard, expected_marks, actual_marks = 0, [], []
    now, elapsed = start, 0
    for number, (step, size) in enumerate(steps):
        if step == "audio":
            playout.queue_audio(bytes(size), now=now)
            queue.extend([0] * size)
        elif step == "mark":
            actual_marks += playout.queue_mark(str(number), now=now)
            queue.append(str(number))
        elif step == "clear":
            actual_marks += playout.handle_timeout(now=now)
            actual_marks += playout.clear(now=now)
            expected_marks += [entry for entry in queue if isinstance(entry, str)]
            queue.clear()
        elif step == "wait":
            left = size
            while queue and (left or isinstance(queue[0], str)):
                entry = queue.pop(0)
                if isinstance(entry, str):
                    expected_marks.append(entry)
                else:
                    left, expected_heard = left - 1, expected_heard + 1
            elapsed += size
            now = start + elapsed / 8000
            actual_marks += playout.handle_timeout(now=now)
        else:
            actual_marks += playout.handle_timeout(now=now)
        while queue and isinstance(queue[0], str):
            expected_marks.append(str(queue.pop(0)))
        assert playout.heard_bytes(now=now) == expected_heard
        assert actual_marks == expected_marks
        assert sum(len(stretch.audio) for stretch in playout.heard(now=now)) == expected_heard
        assert playout.queued_bytes(now=now) == sum(isinstance(entry, int) for entry in queue)


@given(operations)
def test_the_next_deadline_always_brings_a_mark(steps: list[tuple[str, int]]) -> None:
    playout, now = PlayoutBuffer(), 1000.5
    for step, size in steps:
        match step:
            case "audio":
                playout.queue_audio(bytes(size), now=now)
            case "mark":
                playout.queue_mark("m", now=now)
            case "clear":
                playout.clear(now=now)
            case _:
                now += size / 7919
        deadline = playout.next_deadline()
        if deadline is not None:
            assert playout.handle_timeout(now=max(now, deadline))
            now = max(now, deadline)
