"""The phases of a call: their table, and how long each may last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.faults import fault

from telebridge.call.session.stream_phase import TRANSITIONS, Phase, PhaseInput, PhaseMachine
from telebridge.errors import LocalProtocolError


@pytest.fixture
def machine():
    machine = PhaseMachine(wait_seconds=30, silent_seconds=10, close_seconds=5)
    machine.start(now=0.0)
    return machine


@given(st.sampled_from(Phase), st.lists(st.sampled_from(PhaseInput), max_size=10))
def test_any_inputs_lead_to_a_phase_or_are_refused(phase, inputs):
    machine = PhaseMachine(wait_seconds=30, silent_seconds=10, close_seconds=5)
    machine.phase = phase
    for happened in inputs:
        before = machine.phase
        if (before, happened) in TRANSITIONS:
            assert machine.handle(happened, now=1.0) is machine.phase is TRANSITIONS[before, happened]
        else:
            with pytest.raises(LocalProtocolError, match=f"{before.value} cannot take '{happened.value}'"):
                machine.handle(happened, now=1.0)
            assert machine.phase is before, "what is refused changes nothing"


def test_every_input_is_for_something_and_every_phase_but_the_first_can_be_reached():
    assert {happened for _, happened in TRANSITIONS} == set(PhaseInput)
    assert {after for (before, _), after in TRANSITIONS.items() if after is not before} == set(Phase)


def test_every_phase_can_end_and_nothing_leaves_the_end():
    assert {before for before, happened in TRANSITIONS if happened is PhaseInput.END} == set(Phase)
    assert {after for (before, _), after in TRANSITIONS.items() if before.is_over} == {Phase.OVER}


@pytest.mark.parametrize(
    ("question", "phases"),
    [
        ("is_waiting", {Phase.WAITING}),
        ("is_live", {Phase.LIVE}),
        ("is_away", {Phase.AWAY}),
        ("is_held", {Phase.HELD}),
        ("with_caller", {Phase.WAITING, Phase.LIVE, Phase.HELD}),
        ("is_ending", {Phase.CLOSING, Phase.OVER}),
        ("is_over", {Phase.OVER}),
    ],
)
def test_what_is_asked_of_a_phase(question, phases):
    assert {phase for phase in Phase if getattr(phase, question)} == phases


def test_a_stream_that_never_comes_is_overdue(machine):
    assert machine.deadline == 30
    assert [machine.is_overdue(now=now) for now in (29.9, 30.0)] == [False, True]


def test_a_loss_that_is_reported_twice_gives_no_more_time(machine):
    machine.handle(PhaseInput.STREAM_LOST, now=20.0)
    assert machine.deadline == 30


def test_a_live_stream_is_overdue_when_it_was_silent_ever_since(machine):
    machine.handle(PhaseInput.STREAM_STARTED, now=0.0)
    machine.last_media_at = 7.0
    assert not machine.is_overdue(now=10.0), "the timer did not move with the frames"
    assert machine.deadline == 17
    assert machine.is_overdue(now=17.0)


@fault(
    "Twilio never reports the end of a stream that the bridge closed.",
    caller="Nothing.",
    operator="The record, after `close_seconds`.",
    kept="The process: no call is live for ever.",
)
def test_a_closed_stream_has_its_time_to_end(machine):
    machine.handle(PhaseInput.STREAM_STARTED, now=0.0)
    machine.handle(PhaseInput.CLOSE, now=3.0)
    assert machine.phase is Phase.CLOSING
    assert [machine.is_overdue(now=now) for now in (7.9, 8.0)] == [False, True]


def test_a_transfer_that_twilio_dials_may_last_for_hours(machine):
    machine.handle(PhaseInput.TRANSFER, now=0.0)
    assert machine.deadline == 30, "Twilio asks soon whom to dial"
    machine.handle(PhaseInput.TRANSFER_DIALED, now=1.0)
    assert not machine.is_overdue(now=4 * 3600.0)


def test_a_call_that_is_over_waits_for_nothing(machine):
    machine.handle(PhaseInput.END, now=1.0)
    assert machine.deadline is None
    assert not machine.is_overdue(now=1e9)
