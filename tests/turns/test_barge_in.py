import pytest

from telebridge.turns.barge_in import BargeInCause, BargeInPolicy


@pytest.mark.parametrize(
    ("policy", "causes"),
    [
        (BargeInPolicy.ANY, {BargeInCause.SPEECH, BargeInCause.KEY, BargeInCause.API}),
        (BargeInPolicy.SPEECH, {BargeInCause.SPEECH, BargeInCause.API}),
        (BargeInPolicy.KEYS, {BargeInCause.KEY, BargeInCause.API}),
        (BargeInPolicy.NONE, {BargeInCause.API}),
    ],
)
def test_a_prompt_yields_to_the_causes_its_policy_names_and_always_to_the_api(policy, causes):
    assert {cause for cause in BargeInCause if policy.yields_to(cause)} == causes
