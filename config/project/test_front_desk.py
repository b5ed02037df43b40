"""The front desk answers what callers ask for."""


def test_one_tells_the_opening_hours(walk):
    assert "Monday to Friday" in walk("flows/front-desk.yaml", "--keys", "1").said


def test_an_account_number_finds_the_appointment(walk):
    walked = walk("flows/front-desk.yaml", "--keys", "2w123456#")
    assert walked.result["variables"]["account"] == "123456"
    assert "Account 1 2 3 4 5 6 has an appointment" in walked.said


def test_a_caller_who_presses_nothing_is_told_goodbye(walk):
    assert walk("flows/front-desk.yaml", "--keys", "").said.endswith("Goodbye.")
