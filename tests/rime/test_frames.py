"""Frames of a WebSocket server, whole or in pieces of any length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from telebridge.errors import RemoteProtocolError
from telebridge.rime.frames import BINARY, CLOSE, PING, PONG, TEXT, FrameReader

MOST = 100_000
MESSAGES = st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY]), st.binary(max_size=70) | st.just(bytes(70_000)))
CONTROLS = st.tuples(st.sampled_from([Opcode.PING, Opcode.PONG, Opcode.CLOSE]), st.binary(max_size=20))


def framed(opcode, payload, *, fin=True):
    return Frame(opcode, payload, fin=fin).serialize(mask=False)


def read(pieces):
    reader, frames = FrameReader(MOST), []
    for piece in pieces:
        reader.feed(piece)
        while (frame := reader.next_frame()) is not None:
            frames.append(frame)
    return frames


@given(st.lists(MESSAGES | CONTROLS, max_size=6), st.data())
def test_what_comes_out_does_not_depend_on_the_pieces_that_went_in(sent, data):
    content = b"".join(framed(*each) for each in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    pieces = [content[start:end] for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True)]
    told = [(int(opcode), payload if opcode < CLOSE else framed(opcode, payload)) for opcode, payload in sent]
    assert read(pieces) == told


@given(st.binary(max_size=300))
def test_whatever_comes_is_read_or_refused(content):
    try:
        frames = read([content])
    except RemoteProtocolError:
        return
    assert all(opcode in (TEXT, BINARY, CLOSE, PING, PONG) for opcode, _ in frames)


@given(MESSAGES, st.integers(2, 5), st.booleans())
def test_fragments_are_joined_and_control_frames_may_come_between(message, count, pinged):
    opcode, payload = message
    size = len(payload) // count + 1
    parts = [payload[start : start + size] for start in range(0, size * count, size)]
    ping = framed(Opcode.PING, b"!")
    frames = [
        framed(opcode if number == 0 else Opcode.CONT, part, fin=number == count - 1)
        for number, part in enumerate(parts)
    ]
    content = (ping if pinged else b"").join(frames)
    assert read([content]) == [(PING, ping)] * (pinged * (count - 1)) + [(int(opcode), payload)]


@pytest.mark.parametrize(
    "content",
    [
        Frame(Opcode.TEXT, b"masked").serialize(mask=True),
        b"\xc1\x01x",
        framed(Opcode.CONT, b"of nothing"),
        framed(Opcode.TEXT, b"a", fin=False) + framed(Opcode.TEXT, b"b"),
        framed(Opcode.TEXT, b"a", fin=False) + framed(Opcode.CONT, bytes(MOST)),
        b"\x09\x01x",
        b"\x83\x00",
        b"\x81\x7f" + (MOST + 1).to_bytes(8, "big"),
    ],
    ids=["mask", "reserved bit", "continuation", "message in a message", "long", "control", "opcode", "size"],
)
def test_what_breaks_the_protocol_is_refused(content):
    with pytest.raises(RemoteProtocolError, match="Rime sent"):
        read([content])
