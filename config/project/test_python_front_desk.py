"""The front desk answers what callers ask for."""

DESK = ("front-desk", "--app", "front_desk:bridge")


def test_one_tells_the_opening_hours(walk):
    assert "Monday to Friday" in walk(*DESK, "--keys", "1").said


def test_an_account_number_finds_the_appointment(walk):
    walked = walk(*DESK, "--keys", "2w123456#")
    assert walked.result["result"]["account"] == "123456"
    assert "an appointment on Tuesday at ten" in walked.said


def test_a_caller_who_presses_nothing_is_told_goodbye(walk):
    assert walk(*DESK, "--keys", "").said.endswith("Goodbye.")
