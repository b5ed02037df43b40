import random

from telebridge.audio.mulaw import frames
from telebridge.turns.pre_roll import KEPT_MS, LONGEST_FRAME_BYTES, PreRoll


def kept(audio):
    pre_roll = PreRoll()
    for number, frame in enumerate(frames(audio)):
        pre_roll.append(frame, number * 20)
    return pre_roll


def test_what_is_kept_ends_with_the_last_frame():
    audio = random.Random(1).randbytes(160 * 100)
    pre_roll = kept(audio)
    assert pre_roll.last(300) == audio[-2400:]
    assert pre_roll.last(90_000) == audio[-KEPT_MS * 8 :], "no more than is kept"
    assert pre_roll.last(0) == b""
    assert pre_roll.now_ms == 2000


def test_time_is_the_streams_even_where_frames_were_lost():
    pre_roll = kept(bytes(160))
    pre_roll.append(bytes(160), 500)
    assert pre_roll.now_ms == 520


def test_a_monstrous_frame_does_not_fill_the_memory():
    pre_roll = PreRoll()
    assert len(pre_roll.append(bytes(1 << 20), 0)) == LONGEST_FRAME_BYTES
    assert len(pre_roll.last(1e9)) == LONGEST_FRAME_BYTES


def test_frames_of_any_size_go_round_the_ring():
    chance, pre_roll, audio = random.Random(2), PreRoll(), b""
    for _ in range(300):
        frame = chance.randbytes(chance.randint(0, 400))
        audio += frame
        pre_roll.append(frame, 0)
        for ms in (0, 1, 20, 500, KEPT_MS):
            wanted = min(ms, KEPT_MS) * 8
            assert pre_roll.last(ms) == (audio[-wanted:] if wanted else b"")
