"""Audio that waits to be sent, in pieces."""

from hypothesis import given
from hypothesis import strategies as st

from telebridge.playback.writer import AudioQueue

PIECES = st.lists(st.binary(max_size=12), max_size=8)


@given(PIECES, PIECES, st.lists(st.integers(1, 20), max_size=20))
def test_the_bytes_come_out_in_order_however_they_are_taken(waiting, before, counts):
    queue = AudioQueue()
    for piece in waiting:
        queue.append(piece)
    queue.prepend([memoryview(piece) for piece in before])
    expected = b"".join(before + waiting)
    assert queue.size == len(expected)
    for count in counts:
        if not queue.size:
            break
        taken = queue.take(min(count, queue.size))
        assert bytes(taken) == expected[: min(count, len(expected))]
        expected = expected[len(taken) :]
        assert queue.size == len(expected)


def test_a_piece_that_is_taken_whole_is_the_one_that_came():
    queue, piece = AudioQueue(), bytes(range(100))
    queue.append(piece)
    assert queue.take(100) is piece


def test_a_part_of_a_clip_shares_its_bytes():
    queue, clip = AudioQueue(), bytes(1000)
    queue.append(clip)
    parts = [queue.take(400), queue.take(400), queue.take(200)]
    assert [len(part) for part in parts] == [400, 400, 200]
    assert all(part.obj is clip for part in parts)


def test_what_was_cut_in_two_keeps_no_more_than_itself():
    """After a cut in the middle of a chunk no message ends with a chunk: each is a copy, and the chunks are dropped."""
    queue = AudioQueue()
    queue.append(bytes(700))
    for _ in range(5):
        queue.append(bytes(1600))
    messages = [queue.take(1600) for _ in range(5)]
    assert all(isinstance(message, bytes) for message in messages)
    assert queue.size == 700


def test_nothing_is_left_after_clear():
    queue = AudioQueue()
    queue.append(b"abc")
    queue.clear()
    assert queue.size == 0
    queue.prepend([b"", b"d"])
    assert bytes(queue.take(1)) == b"d"
