"""The three tables of states: any state and any input lead to a legal state or to a LocalProtocolError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebridge.campaigns.engine.states import (
    ATTEMPT,
    CAMPAIGN,
    CONTACT,
    AttemptInput,
    AttemptState,
    CampaignInput,
    CampaignStatus,
    ContactInput,
    ContactState,
    follow,
)
from telebridge.errors import LocalProtocolError

TABLES = [
    (CAMPAIGN, CampaignStatus, CampaignInput),
    (CONTACT, ContactState, ContactInput),
    (ATTEMPT, AttemptState, AttemptInput),
]
RANK = {AttemptState.INTENT: 0, AttemptState.PLACED: 1, AttemptState.ANSWERED: 2, AttemptState.DONE: 3}


@given(
    st.sampled_from(TABLES).flatmap(
        lambda t: st.tuples(st.just(t), st.sampled_from(t[1]), st.lists(st.sampled_from(t[2])))
    )
)
def test_any_inputs_lead_to_a_legal_state_or_are_refused(case):
    (table, states, _), state, inputs = case
    for happened in inputs:
        if (state, happened) in table:
            state = follow(table, state, happened)
            assert state in states
        else:
            with pytest.raises(LocalProtocolError, match=f"{state.value} cannot take '{happened.value}'"):
                follow(table, state, happened)


@pytest.mark.parametrize(("table", "states", "inputs"), TABLES)
def test_every_input_is_for_something_and_every_state_but_the_first_can_be_reached(table, states, inputs):
    assert {happened for _, happened in table} == set(inputs)
    assert set(table.values()) | {next(iter(states))} == set(states)


@given(st.lists(st.sampled_from([AttemptInput.PLACE, AttemptInput.ANSWER, AttemptInput.END])))
def test_reports_only_move_an_attempt_forward(inputs):
    state = AttemptState.INTENT
    for happened in inputs:
        before, state = state, follow(ATTEMPT, state, happened)
        assert RANK[state] >= RANK[before]


def test_a_call_that_is_known_can_never_become_void():
    for state in (AttemptState.PLACED, AttemptState.ANSWERED, AttemptState.DONE):
        assert (state, AttemptInput.VOID) not in ATTEMPT


def test_nothing_leaves_a_cancelled_campaign_or_a_skipped_contact():
    assert {after for (state, _), after in CAMPAIGN.items() if state is CampaignStatus.CANCELLED} == {
        CampaignStatus.CANCELLED
    }
    assert {after for (state, _), after in CONTACT.items() if state is ContactState.SKIPPED} == {ContactState.SKIPPED}
