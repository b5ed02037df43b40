"""Who answers in the demonstration behaves the same in every run."""

from telebridge.cli.campaign.demo import ROUND, Cast
from telebridge.simulator.caller.caller import Pickup

NUMBERS = [f"+1212555{n:04d}" for n in range(len(ROUND))]


def test_a_number_plays_its_part_call_after_call():
    cast = Cast()
    cast.play(NUMBERS)
    busy_at_first = NUMBERS[14]
    pickups = [cast[busy_at_first].pickup for _ in range(3)]
    assert pickups == [Pickup.BUSY, Pickup.ANSWER, Pickup.ANSWER]
    assert cast.calls[busy_at_first] == 3


def test_every_behaviour_is_in_a_round_of_twenty():
    cast = Cast()
    cast.play(NUMBERS)
    scripts = [cast[number] for number in NUMBERS]
    assert len(cast) == 20
    assert {script.pickup for script in scripts} == set(Pickup)
    assert sum(script.answered_by == "machine" for script in scripts) == 1
