"""The reminder says what the columns of the contacts hold, and takes the answer."""

JANE = ("flows/reminder.yaml", "--set", "name=Jane", "--set", "appointment=Monday at ten")


def test_name_and_appointment_are_said(walk):
    said = walk(*JANE, "--keys", "").said
    assert "Hello Jane" in said
    assert "on Monday at ten" in said


def test_one_confirms(walk):
    assert walk(*JANE, "--keys", "1").result["variables"]["answer"] == "confirmed"


def test_nine_ends_all_calls(walk):
    assert "You will not be called again." in walk(*JANE, "--keys", "9").said
