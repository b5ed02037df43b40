import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.twilio.caller_id import E164, caller_id_of

OURS = "+15551230000"


@pytest.mark.parametrize(
    "caller",
    ["client:ada", "sip:ada@example.com", "anonymous", "Anonymous", "", "unknown", "+266696687", "5551230001", "+1"],
)
def test_a_caller_without_a_number_is_shown_as_the_number_they_called(caller):
    assert caller_id_of(None, to="+15551230100", from_number=caller, to_number=OURS) == OURS
    assert caller_id_of(caller, to="+15551230100", from_number=caller, to_number=OURS) == OURS


def test_a_callers_own_number_is_passed_on_by_twilio():
    assert caller_id_of(None, to="+15551230100", from_number="+15551230001", to_number=OURS) is None


def test_a_number_that_was_asked_for_is_shown():
    assert caller_id_of("+15551239999", to="+15551230100", from_number="client:a", to_number=OURS) == "+15551239999"


def test_between_addresses_any_name_is_shown():
    assert caller_id_of("client:desk", to="client:ada", from_number="+15551230001", to_number=OURS) == "client:desk"


@given(st.text(), st.text(), st.none() | st.text())
def test_a_telephone_number_is_only_ever_shown_another_one(from_number, to_number, given_id):
    shown = caller_id_of(given_id, to="+15551230100", from_number=from_number, to_number=to_number)
    assert shown is None or E164.fullmatch(shown)
