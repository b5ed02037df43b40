"""A form is read, or the request is refused; nothing else happens, whatever the body holds."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.server.http.request_bodies import FORM, MOST_FIELDS, form_fields

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.binary(max_size=200), st.sampled_from([FORM, FORM, "multipart/form-data", "application/json", ""]))
def test_any_bytes_at_all_are_a_form_or_refused_in_one_line(body, content_type):
    problem = ""
    try:
        fields = form_fields(body, content_type)
    except UnicodeError as error:
        pytest.fail(f"not in words: {error}")
    except ValueError as error:
        problem = str(error)
    else:
        assert all("\0" not in name + value for name, value in fields.items())
    assert len(problem.splitlines()) <= 1


@given(st.lists(st.tuples(TEXT, TEXT), max_size=5))
def test_what_a_client_writes_is_read(fields):
    assert list(form_fields(urlencode(fields).encode(), FORM).items()) == fields


def test_twilios_form_is_read_with_its_empty_values():
    body = b"CallSid=CA1&To=%2B1555&CallerName=Ren%C3%A9+D&ForwardedFrom="
    expected = {"CallSid": "CA1", "To": "+1555", "CallerName": "René D", "ForwardedFrom": ""}
    assert dict(form_fields(body, FORM)) == expected
    assert not form_fields(b"", "")


def test_the_fields_of_a_form_are_bounded():
    assert len(form_fields(b"&".join([b"a=1"] * MOST_FIELDS), FORM)) == MOST_FIELDS
    with pytest.raises(ValueError, match="more than"):
        form_fields(b"&".join([b"a=1"] * (MOST_FIELDS + 1)), FORM)
