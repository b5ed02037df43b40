"""The pharmacy refills prescriptions, and hands over where it cannot."""

FOUND = 'lookup={"found": true, "name": "Aspirin", "refills": 2}'


def test_a_number_is_read_back(walk):
    assert "You entered 1 2 3 4 5 6." in walk("flows/pharmacy-refill.yaml", "--keys", "123456#").said


def test_a_prescription_with_refills_is_found(walk):
    walked = walk("flows/pharmacy-refill.yaml", "--keys", "123456#w1", "--answer", FOUND)
    assert walked.result["variables"]["prescription"]["refills"] == 2


def test_a_caller_who_enters_nothing_may_leave_a_message(walk):
    assert "voicemail" in walk("flows/pharmacy-refill.yaml", "--keys", "").result["path"]
