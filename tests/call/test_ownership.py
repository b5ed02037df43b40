"""Who leads a call: the table is total, and whatever the database says, each report comes to an end."""

from itertools import product

import pytest

from telebridge.call.ownership import (
    FINAL_ACTIONS,
    FOLLOWS,
    LEADS_TO,
    NotOwned,
    Ownership,
    OwnershipAction,
    Report,
    not_owned,
    of_row,
)
from telebridge.call.session.checkpoint import Checkpoint

LONGEST = 8


def paths(state, report, taken=()):
    """Every row of actions that may follow, to its final one."""
    action = FOLLOWS[state, report]
    taken = (*taken, action)
    assert len(taken) <= LONGEST, taken
    if action in FINAL_ACTIONS:
        return [taken]
    return [path for following in after(state, action) for path in paths(following, report, taken)]


def after(state, action):
    """Where an action may lead from a state; what the database is asked depends on whether the call runs here."""
    if action is not OwnershipAction.ASK:
        return LEADS_TO[action]
    here = {Ownership.OWNED, Ownership.LOST, Ownership.ENDED_ELSEWHERE}
    return {
        Ownership.LIVE: here | {Ownership.ENDED, Ownership.ABSENT},
        Ownership.ENDED: {Ownership.CLOSED, Ownership.ABSENT},
        Ownership.ABSENT: LEADS_TO[action] - here - {Ownership.CLOSED, Ownership.ABSENT, Ownership.ENDED}
        | {Ownership.OWNED},
    }[state]


def test_the_table_has_an_action_for_each_state_and_report():
    assert FOLLOWS.keys() == set(product(Ownership, Report))


def test_final_actions_lead_nowhere_and_all_others_somewhere():
    assert {action for action, states in LEADS_TO.items() if not states} == FINAL_ACTIONS


def test_only_a_state_without_an_answer_asks_the_database():
    asking = {state for (state, _), action in FOLLOWS.items() if action is OwnershipAction.ASK}
    assert asking == {Ownership.LIVE, Ownership.ENDED, Ownership.ABSENT}


@pytest.mark.parametrize(("state", "report"), FOLLOWS)
def test_every_report_comes_to_an_end(state, report):
    assert all(path[-1] in FINAL_ACTIONS for path in paths(state, report))


@pytest.mark.parametrize("state", Ownership)
def test_a_stream_gets_a_runner_or_is_refused(state):
    assert {path[-1] for path in paths(state, Report.STREAM)} <= {OwnershipAction.USE, OwnershipAction.REFUSE}


@pytest.mark.parametrize("report", [Report.CHECK, Report.FINAL_STATUS, Report.WEBHOOK])
def test_only_a_stream_begins_a_call(report):
    assert OwnershipAction.BEGIN not in {
        action for state in Ownership for path in paths(state, report) for action in path
    }


@pytest.mark.parametrize("report", Report)
def test_a_call_that_another_process_took_over_is_never_ended_with_its_record(report):
    assert OwnershipAction.END not in {action for path in paths(Ownership.LOST, report) for action in path}


def test_a_final_status_leaves_no_call_without_an_end():
    for state in (Ownership.OWNED, Ownership.LOST, Ownership.ABSENT, Ownership.LEFT, Ownership.FLOW_OVER):
        assert all(
            {OwnershipAction.END, OwnershipAction.CLOSE_ROW} & {*path} for path in paths(state, Report.FINAL_STATUS)
        )


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, None),
        ({"same_owner": False}, NotOwned(Ownership.LOST)),
        ({"same_owner": False, "end_reason": "call completed"}, NotOwned(Ownership.LOST)),
        ({"same_owner": False, "taking_over": True}, None),
        ({"end_reason": "call completed"}, NotOwned(Ownership.ENDED_ELSEWHERE, "call completed")),
        ({"end_reason": "call completed", "ending": True}, None),
    ],
)
def test_a_row_says_whether_a_call_that_runs_here_is_owned(row, expected):
    usual = {"same_owner": True, "end_reason": None, "taking_over": False, "ending": False}
    assert not_owned(**{**usual, **row}) == expected


@pytest.mark.parametrize(
    ("ended", "checkpoint", "expected"),
    [
        (False, Checkpoint(), Ownership.LEFT),
        (False, Checkpoint(over=True), Ownership.FLOW_OVER),
        (True, Checkpoint(), Ownership.OVER),
        (True, Checkpoint(over=True), Ownership.OVER),
    ],
)
def test_a_row_says_what_is_left_of_a_call_that_does_not_run_here(ended, checkpoint, expected):
    assert of_row(ended=ended, checkpoint=checkpoint) is expected
