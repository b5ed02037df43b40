"""What waits to be written of a call, and what a row of the table says, without a database."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from telebridge.call.record import CallRecord
from telebridge.call.session.checkpoint import Checkpoint
from telebridge.call.store.table import (
    CallChange,
    clean,
    end_values,
    row_of,
    stored_call,
)
from telebridge.timing.epoch import epoch_ms

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def record(call_sid="CA1"):
    return CallRecord(call_sid, "test", "+1555", "+1666", "inbound", NOON)


def row(**values):
    """A row as a database answers it."""
    given = {**row_of(record()), "ended_at": None, "end_reason": None, "checkpoint": None, "record": None, **values}
    return SimpleNamespace(**given)


def test_what_was_said_later_goes_before_what_was_said_earlier():
    change = CallChange(begun=record(), checkpoint=b"early")
    change.add(CallChange(checkpoint=b"late", taking_over=True))
    change.add(CallChange())
    assert (change.begun.call_sid, change.checkpoint, change.taking_over) == ("CA1", b"late", True)


def test_a_change_names_only_what_changes():
    assert CallChange().values() == {}
    assert CallChange(checkpoint=b"{}").values() == {"checkpoint": "{}"}


def test_every_database_takes_a_place_whatever_its_bytes_are():
    values = CallChange(checkpoint=b'{"a": "\xed\xa0\xbd \0"}').values()
    assert values == {"checkpoint": clean(values["checkpoint"])}
    assert values["checkpoint"].endswith(' \N{REPLACEMENT CHARACTER}"}')


def test_the_end_leaves_nothing_of_where_the_call_stood():
    change = CallChange(checkpoint=b"{}", ended=record(), ended_at=NOON)
    values = change.values()
    assert (values["ended_at"], values["checkpoint"]) == (epoch_ms(NOON), None)


def test_an_apology_that_is_owed_is_all_that_is_left():
    left = Checkpoint.decode(end_values(record(), NOON, apology=True)["checkpoint"])
    assert left == Checkpoint(over=True, apology=True)


def test_a_row_is_read_as_it_was_written():
    kept = stored_call(row())
    assert (kept.begun.call_sid, kept.begun.started_at, kept.ended, kept.record) == ("CA1", NOON, False, None)
    assert kept.resume_point() == Checkpoint()
    assert kept.as_json() == record().as_json(), "what is known of a call that is live elsewhere"


def test_a_row_of_a_call_that_is_over_tells_its_record():
    over = record()
    over.end_reason, over.result = "caller hung up", {"answer": 1}
    kept = stored_call(row(**end_values(over, NOON)))
    assert kept.ended
    assert kept.as_json() == over.as_json()


def test_a_place_is_read_and_one_that_is_damaged_is_the_beginning():
    assert stored_call(row(checkpoint='{"typed": "12"}')).resume_point() == Checkpoint(typed="12")
    assert stored_call(row(checkpoint="{")).resume_point() == Checkpoint()


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [("plain", "plain"), ("\ud83d", "\ufffd"), ("a\0b", "a\ufffdb")],
)
def test_every_database_takes_what_was_cleaned(text, cleaned):
    assert clean(text) == cleaned
