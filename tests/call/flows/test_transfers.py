"""Which numbers and addresses calls may be transferred to."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from telebridge.call.flows.transfers import AllowedTransfers, transfer_warnings, written_numbers
from telebridge.flows.model import Flow

FLOW = Flow.model_validate(
    yaml.safe_load("""
flow: test
variables: {office: "+15551230100", name: Ada}
start: ask
nodes:
  ask: {collect: "Type a number.", digits: {max: 15}, into: typed, then: choose}
  choose: {set: {desk: "sip:desk@example.com"}, then: direct}
  direct: {transfer: "+15551230200", then: by_name, failed: by_name}
  by_name: {transfer: "{{ office }}", then: by_caller, failed: by_caller}
  by_caller: {transfer: "+{{ typed }}", then: bye, failed: bye}
  bye: {hang_up: Goodbye.}
""")
)
WRITTEN = {"+15551230100", "+15551230200", "sip:desk@example.com"}


def test_what_is_written_out_is_at_transfers_and_in_variables():
    assert written_numbers(FLOW) == WRITTEN


@given(st.sampled_from(sorted(WRITTEN)) | st.text() | st.from_regex(r"\+[1-9][0-9]{5,14}"))
def test_without_a_list_what_is_written_out_is_dialled_and_nothing_else(to):
    assert AllowedTransfers(None, lambda: [FLOW]).allow(to) is (to in WRITTEN)


@pytest.mark.parametrize(
    ("prefixes", "to", "allowed"),
    [
        (("+1555", "sip:"), "+15551230999", True),
        (("+1555", "sip:"), "sip:x@example.com", True),
        (("+1555", "sip:"), "+881600000000", False),
        (("+1555",), "15551230999", False),
        (("+",), "+881600000000", True),
        ((), "+15551230100", False),
    ],
)
def test_a_list_says_it_all(prefixes, to, allowed):
    assert AllowedTransfers(prefixes, lambda: [FLOW]).allow(to) is allowed


def test_a_number_that_the_caller_makes_up_is_warned_of_where_no_list_allows_it():
    [warning] = transfer_warnings(FLOW, None)
    assert warning.path == ("nodes", "by_caller", "transfer")
    assert "transfers.allowed" in warning.hint
    assert transfer_warnings(FLOW, ("+1555",)) == []


def test_a_written_number_that_the_list_lacks_is_warned_of():
    [warning] = transfer_warnings(FLOW, ("+1666",))
    assert str(warning.problem) == "'+15551230200' is not in transfers.allowed, so it is not dialled"
