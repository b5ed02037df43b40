"""What is written as TOML is read again as the same values."""

import tomllib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.campaigns.definition.toml_text import toml_text

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | TEXT
    | st.datetimes(timezones=st.just(UTC) | st.just(timezone(timedelta(hours=-5))))
)
VALUES = st.recursive(
    PLAIN, lambda each: st.lists(each, max_size=3) | st.dictionaries(TEXT, each, max_size=3), max_leaves=6
)


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_every_value_comes_back(values):
    assert tomllib.loads(toml_text(values)) == values


def test_a_document_reads_as_a_person_writes_it():
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    text = toml_text(
        {"name": "spring", "window": {"mon-fri": "09:00-18:00"}, "start_at": at, "caps": [{"attempts": 2}]}
    )
    assert text == (
        'name = "spring"\nstart_at = 2026-03-02T09:00:00+00:00\ncaps = [{attempts = 2}]\n\n'
        '[window]\nmon-fri = "09:00-18:00"\n'
    )


@pytest.mark.parametrize("value", [None, {1}, b"bytes", [None]])
def test_what_toml_has_not_is_refused(value):
    with pytest.raises(TypeError, match="TOML has no"):
        toml_text({"key": value})
