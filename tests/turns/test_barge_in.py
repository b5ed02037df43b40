import pytest

from telebridge.turns.barge_in import BargeInCause, BargeInPolicy


@pytest.mark.parametrize(
    ("policy", "causes"),
    [
        (BargeInPolicy.ANY, {BargeInCause.SPEECH, BargeInCause.KEY}),
        (BargeInPolicy.SPEECH, {BargeInCause.SPEECH}),
        (BargeInPolicy.KEYS, {BargeInCause.KEY}),
        (BargeInPolicy.NONE, set()),
    ],
)
def test_a_prompt_yields_to_the_causes_its_policy_names_and_always_to_the_api_and_to_hanging_up(policy, causes):
    always = {BargeInCause.API, BargeInCause.HANG_UP}
    assert {cause for cause in BargeInCause if policy.yields_to(cause)} == causes | always
