import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.playback.ledger import PlaybackLedger
from telebridge.playback.writer import PlaybackOptions, PlaybackWriter, SendAudio, SendMark


@pytest.fixture
def ledger():
    return PlaybackLedger()


@pytest.fixture
def writer(ledger):
    return PlaybackWriter(ledger, PlaybackOptions(message_ms=200, mark_interval_ms=1000))


def sizes(sent):
    return [len(effect.payload) for effect in sent if isinstance(effect, SendAudio)]


def marks(sent):
    return [effect.name for effect in sent if isinstance(effect, SendMark)]


def test_the_first_whole_frame_goes_out_at_once(writer):
    assert sizes(writer.write("u1", bytes(159), now=0.0)) == []
    assert sizes(writer.write("u1", bytes(1), now=0.0)) == [160]


def test_a_large_chunk_is_cut_to_messages_of_at_most_200_ms(writer):
    assert sizes(writer.write("u1", bytes(4000), now=0.0)) == [1600, 1600]
    assert sizes(writer.end("u1", now=0.0)) == [800]


def test_while_enough_is_playing_chunks_are_gathered(writer):
    writer.write("u1", bytes(3200), now=0.0)
    assert sizes(writer.write("u1", bytes(1599), now=0.0)) == []
    assert sizes(writer.write("u1", bytes(1), now=0.0)) == [1600]


def test_what_was_gathered_goes_out_frame_by_frame_when_the_line_may_fall_silent(writer):
    writer.write("u1", bytes(1600), now=0.0)
    writer.write("u1", bytes(400), now=0.0)
    assert sizes(writer.write("u1", bytes(10), now=0.1)) == [320]


def test_a_broken_last_frame_is_sent_as_it_is(writer):
    writer.write("u1", bytes(160), now=0.0)
    writer.write("u1", bytes(7), now=0.0)
    assert sizes(writer.end("u1", now=0.0)) == [7]


def test_each_second_of_audio_and_the_end_carry_a_mark(writer):
    sent = writer.write("u1", bytes(16_000), now=0.0) + writer.end("u1", now=0.0)
    assert len(marks(sent)) == 3
    assert isinstance(sent[-1], SendMark)


def test_an_utterance_without_audio_still_ends_with_a_mark(writer):
    assert len(marks(writer.end("u1", now=0.0))) == 1


def test_dropped_audio_never_goes_out(writer):
    writer.write("u1", bytes(100), now=0.0)
    writer.drop(now=0.0)
    assert sizes(writer.end("u2", now=0.0)) == []


# Pausing.


def test_a_pause_takes_back_what_has_not_sounded_and_a_resume_sends_it_again(writer):
    audio = bytes(range(256)) * 25
    writer.write("u1", audio, now=0.0)
    assert writer.pause("u1", now=0.3) == 300
    assert sent_audio(writer.resume("u1", b"", now=1.0) + writer.end("u1", now=1.0)) == audio[2400:]


def test_what_arrives_during_a_pause_waits(writer):
    writer.write("u1", b"\x01" * 800, now=0.0)
    writer.pause("u1", now=0.05)
    assert writer.write("u1", b"\x02" * 800, now=0.1) == []
    assert writer.end("u1", now=0.2) == []
    sent = writer.resume("u1", b"", now=0.5)
    assert sent_audio(sent) == b"\x01" * 400 + b"\x02" * 800
    assert isinstance(sent[-1], SendMark), "the utterance was complete"


def test_what_is_said_again_comes_first(writer):
    writer.write("u1", b"\x01" * 800, now=0.0)
    writer.pause("u1", now=0.05)
    assert sent_audio(writer.resume("u1", b"\x09" * 80, now=0.1)) == b"\x09" * 80 + b"\x01" * 400


def test_a_pause_after_all_was_heard_only_asks_again_for_the_end(writer):
    writer.write("u1", bytes(1600), now=0.0)
    writer.end("u1", now=0.0)
    assert writer.pause("u1", now=0.4) == 200
    sent = writer.resume("u1", b"", now=1.0)
    assert sizes(sent) == []
    assert len(marks(sent)) == 1


def test_a_pause_before_the_first_audio_holds_it(writer):
    assert writer.pause("u1", now=0.0) == 0
    assert writer.write("u1", bytes(1600), now=0.1) == []
    assert sizes(writer.resume("u1", b"", now=0.5)) == [1600]


def test_nothing_paused_is_left_for_the_next_utterance(writer):
    writer.write("u1", bytes(1600), now=0.0)
    writer.pause("u1", now=0.1)
    writer.drop(now=0.2)
    assert sizes(writer.write("u2", bytes(160), now=0.3)) == [160]


def sent_audio(sent):
    return b"".join(effect.payload for effect in sent if isinstance(effect, SendAudio))


@given(
    audio=st.binary(max_size=20_000),
    cuts=st.lists(st.integers(min_value=1, max_value=4000), max_size=50),
    pace=st.floats(min_value=0, max_value=0.5),
)
def test_any_chunking_goes_out_byte_for_byte_with_no_message_over_200_ms(audio, cuts, pace):
    writer = PlaybackWriter(PlaybackLedger(), PlaybackOptions())
    sent, rest, now = [], audio, 0.0
    for cut in cuts:
        sent += writer.write("u1", rest[:cut], now=now)
        rest, now = rest[cut:], now + pace
    sent += writer.write("u1", rest, now=now) + writer.end("u1", now=now)
    assert b"".join(effect.payload for effect in sent if isinstance(effect, SendAudio)) == audio
    assert all(0 < size <= 1600 for size in sizes(sent))
    assert all(size % 160 == 0 for size in sizes(sent)[:-1] if len(audio) % 160 == 0)
