import random
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from telebridge.playback.ledger import KEPT_MS, PlaybackLedger, SentAudio
from telebridge.playback.writer import PlaybackOptions, PlaybackWriter, SendAudio
from telebridge.simulator.media.playout import PlayoutBuffer

SILENCE = b"\xff"


def test_what_sounds_is_what_was_sent():
    sent = SentAudio()
    sent.add(b"\x01" * 800 + b"\x02" * 800, now=5.0)
    assert sent.sounded(50, now=5.15) == b"\x02" * 400
    assert sent.sounded(200, now=5.15) == SILENCE * 400 + b"\x01" * 800 + b"\x02" * 400


def test_nothing_sounds_after_the_end_and_between_two_utterances():
    sent = SentAudio()
    sent.add(b"\x01" * 160, now=5.0)
    assert sent.sounded(40, now=5.05) == b"\x01" * 80 + SILENCE * 240
    sent.add(b"\x02" * 160, now=5.06)
    assert sent.sounded(80, now=5.08) == b"\x01" * 160 + SILENCE * 320 + b"\x02" * 160


def test_what_is_taken_back_never_sounds():
    sent = SentAudio()
    sent.add(b"\x01" * 800, now=5.0)
    assert b"".join(sent.take_back(400, now=5.05)) == b"\x01" * 400
    assert sent.sounded(100, now=5.1) == b"\x01" * 400 + SILENCE * 400
    assert sent.ends_at == 5.05


def test_what_sounded_long_ago_is_forgotten():
    sent = SentAudio()
    for second in range(600):
        sent.add(bytes(8000), now=float(second))
    assert sum(run.size for run in sent._runs) <= KEPT_MS * 8 + 2 * 8000


def test_what_was_played_is_forgotten_although_nothing_more_is_sent():
    ledger, mark = PlaybackLedger(), ""
    for second in range(15):
        for _ in range(5):
            ledger.audio_sent("u1", bytes(1600), now=0.0)
        mark = ledger.mark_sent("u1", final=False, now=0.0) if second == 11 else mark
    ledger.mark_returned(mark, now=12.0)
    kept = sum(run.size for run in ledger.sent._runs)
    assert 3 * 8000 + KEPT_MS * 8 <= kept <= 3 * 8000 + KEPT_MS * 8 + 1600
    assert sum(map(len, ledger.take_back(now=12.0))) == 3 * 8000


def test_the_tail_has_no_silences():
    sent = SentAudio()
    sent.add(b"\x01" * 160, now=5.0)
    sent.add(b"\x02" * 160, now=5.5)
    assert sent.tail(200) == b"\x01" * 40 + b"\x02" * 160
    assert sent.tail(0) == b""
    assert sent.tail(9999) == b"\x01" * 160 + b"\x02" * 160


STEP = st.tuples(st.sampled_from(["send", "wait", "clear"]), st.integers(min_value=1, max_value=4000))


@given(st.lists(STEP, max_size=40))
def test_it_is_what_the_playout_buffer_played(steps):
    chance, now = random.Random(1), 0.0
    sent, playout = SentAudio(), PlayoutBuffer()
    for kind, size in steps:
        if kind == "send":
            data = chance.randbytes(size).replace(SILENCE, b"\x00")
            sent.add(data, now=now)
            playout.queue_audio(data, now=now)
        elif kind == "wait":
            now += size / 8000
        else:
            sent.take_back(playout.queued_bytes(now=now), now=now)
            playout.clear(now=now)
    start = max(0.0, now - KEPT_MS / 1000)
    assert sent.sounded(KEPT_MS, now=now).replace(SILENCE, b"") == playout.heard_between(start, now)


def test_what_is_kept_is_shared_with_whoever_made_it():
    clip = bytes(120_000)
    ledger = PlaybackLedger()
    writer = PlaybackWriter(ledger, PlaybackOptions())
    tracemalloc.start()
    sent = writer.write("u1", clip, now=0.0)
    assert sum(len(each.payload) for each in sent if isinstance(each, SendAudio)) == len(clip)
    del sent
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < len(clip) / 3, "fifteen seconds that are not played are views of the clip"
    assert b"".join(ledger.take_back(now=0.0)) == clip
