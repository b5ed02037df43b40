"""Mistakes of the newer nodes have a line, and say what to write instead."""

import io

import pytest

from telebridge.audio import wav
from telebridge.audio.mulaw import silence
from telebridge.flows.loading import check_flow

BYE = "  bye: {hang_up: null}\n"


def errors(tmp_path, node, *, zone=""):
    path = tmp_path / "desk.yaml"
    path.write_text(f"flow: desk\nstart: first\n{zone}nodes:\n  first: {node}\n{BYE}")
    return [str(error).removeprefix(f"{path}:") for error in check_flow(path)]


HOURS = "hours: {{{}}}, open: bye, closed: bye"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('week: {mon: "8-17"}', "'8-17' are no hours: write 08:00-17:00"),
        ('week: {mon: "08:00-25:00"}', "a day has 24 hours"),
        ('week: {mon: "08:00-08:00"}', "write 00:00-24:00 for the whole day"),
        ('week: {monday-fryday: "08:00-17:00"}', "'monday-fryday' is no day: write mon, mon-fri"),
        ('week: {mon: "08:00-17:00"}, exceptions: {12-32: closed}', "'12-32' is no date"),
        ('week: {mon: "08:00-17:00"}, holidays: Germany', "write its code, as DE or US"),
        ('week: {mon: "08:00-17:00"}, holidays: NO', "YAML reads NO as false: put it in quotes"),
        ('week: {mon: "08:00-17:00"}, holidays: XX', "the holidays of 'XX' are not known"),
        (
            'week: {mon: "08:00-17:00"}, holidays: DE-XX',
            "'XX' is no part of DE with holidays of its own: it has BB, BE",
        ),
        ('week: {mon: "08:00-17:00"}, zone: Berlin', "'Berlin' is no zone: write an IANA name"),
    ],
)
def test_hours_that_cannot_be_read_are_told_at_their_line(tmp_path, written, expected):
    found = errors(tmp_path, f"{{{HOURS.format(written)}}}", zone="zone: Europe/Berlin\n")
    assert len(found) == 1
    assert found[0].startswith("5:")
    assert expected in found[0]


def test_hours_need_a_zone(tmp_path):
    found = errors(tmp_path, f"{{{HOURS.format('week: {mon: 08:00-17:00}')}}}")
    assert ["has no zone" in each and "zone: Europe/Berlin" in each for each in found] == [True]
    assert errors(tmp_path, f"{{{HOURS.format('week: {mon: 08:00-17:00}, zone: UTC')}}}") == []


def test_a_recording_that_is_missing_or_no_wav_is_told_at_its_line(tmp_path):
    node = "{play: music.wav, then: bye}"
    assert "music.wav' cannot be read (No such file or directory)" in errors(tmp_path, node)[0]
    (tmp_path / "music.wav").write_bytes(b"ID3\x04" + bytes(100))
    [mp3] = errors(tmp_path, node)
    assert "is MP3, not a WAV file in node 'first'; make a WAV file of it: ffmpeg -i FILE" in mp3
    wav.write(tmp_path / "music.wav", silence(100))
    assert errors(tmp_path, node) == []
    assert mp3.startswith("4:")


@pytest.mark.parametrize("written", [wav.mulaw_file(silence(40)), b""])
def test_a_mulaw_file_is_played_and_an_empty_one_is_not(tmp_path, written):
    (tmp_path / "a.wav").write_bytes(written)
    assert bool(errors(tmp_path, "{play: a.wav, then: bye}")) is (not written)
    if written:
        assert wav.read(io.BytesIO(written)) == silence(40)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ("{queue: support, wait_url: music, failed: bye}", "begin it with https://"),
        (f"{{queue: {'q' * 65}, failed: bye}}", "the name of a queue has up to 64"),
        ("{sms: Hello, to: 5551230100, then: bye}", "'5551230100' gets no text messages"),
        ("{sms: Hello, from: desk, then: bye}", "'desk' sends no text messages"),
        ("{subflow: desk, then: bye}", "runs the flow that it is part of"),
        ("{play: 'https://x.test/a.wav', loop: 0, then: bye}", "greater than or equal to 1"),
        ("{enqueue: support}", "did you mean 'queue'?"),
        ("{music: a.wav}", "'play' plays a recording"),
    ],
)
def test_what_twilio_would_refuse_is_told(tmp_path, node, expected):
    found = errors(tmp_path, node.replace("5551230100", "'5551230100'"))
    assert any(expected in each for each in found), found
