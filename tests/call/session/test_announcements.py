"""The queue of announcements without the talk that it falls into."""

from datetime import UTC, datetime

import pytest
from support.line import HELLO, SECOND_OF_AUDIO, payloads

from telebridge.call.record import CallRecord
from telebridge.call.session.announcements import Announcement, AnnouncementQueue
from telebridge.call.session.audio.full_duplex import FullDuplex
from telebridge.call.session.audio.listening import ListeningOptions
from telebridge.call.session.audio.speaking import Speaking
from telebridge.call.session.effects import ReportAnnouncement, StartSpeech
from telebridge.errors import LocalProtocolError, NotLive, SpeechUnavailable
from telebridge.flows.steps import Play, Record, Say, Wait
from telebridge.playback.writer import PlaybackOptions
from telebridge.turns.barge_in import BargeInCause

NEWS = Say("Your agent is on the way.")
MORE = Say("Two minutes left.")


@pytest.fixture
def duplex():
    record = CallRecord("CA1", "test", "+1555", "+1666", "inbound", datetime.now(UTC))
    duplex = FullDuplex(record, Speaking(PlaybackOptions()), ListeningOptions())
    duplex.stream_started(now=0.0)
    return duplex


@pytest.fixture
def announcements(duplex):
    return AnnouncementQueue(duplex)


def cut(duplex):
    """The line falls silent."""
    return duplex.interrupt(BargeInCause.API, now=1.0).utterance


def announce(announcements, number, step=NEWS):
    return announcements.announce(Announcement(number, step), now=0.0)


def test_one_is_said_at_once_on_an_idle_line(announcements):
    assert announce(announcements, 1) == [StartSpeech("u1", NEWS)]
    assert announcements.in_progress


def test_audio_is_played(announcements):
    assert payloads(announce(announcements, 1, Play(SECOND_OF_AUDIO, "chime"))) == SECOND_OF_AUDIO
    assert announcements.in_progress


def test_they_are_said_one_after_another(announcements, duplex):
    announce(announcements, 1)
    assert announce(announcements, 2, MORE) == []
    assert announcements.begin_next(now=0.5) == [], "the first is being said"
    said = cut(duplex)
    assert announcements.finish(said) == ReportAnnouncement(1, said)
    assert not announcements.in_progress
    assert announcements.begin_next(now=1.0) == [StartSpeech("u2", MORE)]


def test_one_waits_for_the_end_of_a_prompt(announcements, duplex):
    duplex.say(HELLO, now=0.0)
    assert announce(announcements, 1) == []
    assert not announcements.in_progress, "what is being said is none"
    cut(duplex)
    assert announcements.begin_next(now=1.0) == [StartSpeech("u2", NEWS)]


def test_one_waits_for_the_end_of_a_recording(announcements, duplex):
    duplex.record(Record())
    assert announce(announcements, 1) == []
    duplex.stop_recording()
    assert announcements.begin_next(now=1.0) == [StartSpeech("u1", NEWS)]


def test_blank_ones_are_over_in_their_turn_and_hold_up_nobody(announcements, duplex):
    duplex.say(HELLO, now=0.0)
    for number, step in enumerate([Say(""), Say(" \n"), NEWS, Say("")]):
        announce(announcements, number, step)
    cut(duplex)
    first, second, start = announcements.begin_next(now=1.0)
    assert [(each.number, each.outcome.text, each.outcome.ended_at) for each in (first, second)] == [
        (0, "", 1.0),
        (1, "", 1.0),
    ]
    assert start == StartSpeech("u2", NEWS)
    announcements.finish(cut(duplex))
    assert [each.number for each in announcements.begin_next(now=2.0)] == [3]


def test_whoever_announced_what_could_not_be_spoken_is_told_why(announcements):
    announce(announcements, 7)
    error = SpeechUnavailable("gone")
    assert announcements.finish(error) == ReportAnnouncement(7, error)


def test_the_end_of_none_is_a_bug_of_ours(announcements):
    with pytest.raises(LocalProtocolError):
        announcements.finish(SpeechUnavailable("gone"))


def test_those_that_wait_are_refused_together_and_once(announcements):
    for number in (1, 2, 3):
        announce(announcements, number)
    reason = NotLive("CA1", "is over")
    assert announcements.cancel_waiting(reason) == [ReportAnnouncement(2, reason), ReportAnnouncement(3, reason)]
    assert announcements.cancel_waiting(reason) == []
    assert announcements.in_progress, "the one being said has its own end"


def test_what_waits_for_their_end_is_taken_once(announcements):
    announcements.held = Wait(1.0)
    announcements.late_keys = "12"
    assert (announcements.pop_held(), announcements.pop_late_keys()) == (Wait(1.0), "12")
    assert (announcements.pop_held(), announcements.pop_late_keys()) == (None, "")
