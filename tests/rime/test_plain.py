import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.errors import LocalProtocolError, RemoteProtocolError
from telebridge.rime.messages import (
    ChunkReceived,
    ClearReceived,
    Ended,
    EosReceived,
    FlushReceived,
    Side,
    TextReceived,
)
from telebridge.rime.plain import PlainConnection

COMMAND = re.compile(r"<\s*(clear|flush|eos)\s*>", re.IGNORECASE)


def test_the_commands_are_frames_of_their_own():
    bridge, rime = PlainConnection(Side.BRIDGE), PlainConnection(Side.RIME)
    assert rime.receive_text(bridge.send_text("This is a sentence. ")) == TextReceived("This is a sentence. ")
    assert rime.receive_text(bridge.send_clear()) == ClearReceived()
    assert rime.receive_text(bridge.send_flush()) == FlushReceived()
    assert rime.receive_text(bridge.send_eos()) == EosReceived()


@pytest.mark.parametrize("frame", [" <EOS>", "<eos>", "<EOS> ", "Say <CLEAR> now", "<200>"])
def test_only_an_exact_frame_is_a_command(frame):
    assert PlainConnection(Side.RIME).receive_text(frame) == TextReceived(frame)


@pytest.mark.parametrize("frame", [" <EOS>\n", "<eos>"])
def test_rimes_side_can_be_made_to_take_them_leniently(frame):
    assert PlainConnection(Side.RIME, lenient_commands=True).receive_text(frame) == EosReceived()


@given(st.text(st.sampled_from("<>CLEARFUSHOclear 12.\n"), max_size=40))
def test_no_text_ever_becomes_a_command_however_lenient_the_other_side(text):
    bridge, rime = PlainConnection(Side.BRIDGE), PlainConnection(Side.RIME, lenient_commands=True)
    if not text.strip():
        with pytest.raises(LocalProtocolError):
            bridge.send_text(text)
        return
    sent = bridge.send_text(text)
    assert rime.receive_text(sent) == TextReceived(sent)
    assert not COMMAND.fullmatch(sent.strip())


def test_audio_is_all_that_comes():
    bridge = PlainConnection(Side.BRIDGE)
    assert bridge.receive_binary(b"\xff\x7f") == ChunkReceived(b"\xff\x7f")
    with pytest.raises(RemoteProtocolError, match="sent text where audio was expected: oops"):
        bridge.receive_text("oops")


def test_a_client_sends_no_binary_frames():
    with pytest.raises(RemoteProtocolError, match="binary"):
        PlainConnection(Side.RIME).receive_binary(b"")


@pytest.mark.parametrize("code", [1000, 1001, 1005])
def test_a_clean_close_is_the_end(code):
    assert PlainConnection(Side.BRIDGE).receive_close(code, "") == Ended()


def test_an_error_comes_as_a_close():
    ended = PlainConnection(Side.BRIDGE).receive_close(1011, "400: text is too long")
    assert ended == Ended("Rime closed the connection: 400: text is too long", 1011, refused=True)


def test_nothing_follows_the_end_but_a_clear():
    bridge = PlainConnection(Side.BRIDGE)
    bridge.send_eos()
    assert bridge.send_clear() == "<CLEAR>"
    with pytest.raises(LocalProtocolError, match="nothing can follow"):
        bridge.send_text("more")


def test_rime_sends_no_text():
    with pytest.raises(LocalProtocolError):
        PlainConnection(Side.RIME).send_eos()
