from telebridge.timing.deadlines import earliest


def test_the_earliest_deadline_is_found_among_those_that_are_set():
    assert earliest(None, 3.0, 1.5, None) == 1.5


def test_no_deadline_at_all_is_none():
    assert earliest(None, None) is None
    assert earliest() is None
