"""Variables travel in the address of a call, signed."""

import secrets

import pytest

from telebridge.twilio.signed_urls import (
    MOST_CHARACTERS,
    CallVariables,
    VariablesForged,
    VariablesTooLong,
)


def test_what_was_signed_is_read_by_another_process_with_the_same_secret():
    variables = {"name": "Ada Ü", "count": 3, "price": 1.5, "new": True, "last": None}
    assert CallVariables("secret").read(CallVariables("secret").sign(variables)) == variables


def test_no_variables_take_no_room():
    assert CallVariables("secret").sign({}) == ""
    assert CallVariables("secret").read("") == {}


def test_signed_text_can_stand_in_a_query():
    signed = CallVariables("secret").sign({"name": "a/b?c&d=e #"})
    assert signed.replace("-", "").replace("_", "").replace(".", "").isalnum()


@pytest.mark.parametrize("mistake", ["x", "a.b", "\x00", "ü"])
def test_what_somebody_else_wrote_is_refused(mistake):
    with pytest.raises(VariablesForged):
        CallVariables("secret").read(mistake)
    with pytest.raises(VariablesForged):
        CallVariables("secret").read(CallVariables("other").sign({"name": "Ada"}))


def test_variables_too_long_for_an_address_are_refused():
    with pytest.raises(VariablesTooLong, match=f"at most {MOST_CHARACTERS} fit"):
        CallVariables("secret").sign({"text": secrets.token_hex(4000)})
