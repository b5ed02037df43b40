"""A file's change is told once it has stopped changing, and once only."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from telebridge.call.flows.changes import Changes, SettledChanges

A, B = Path("a.yaml"), Path("b.yaml")
OLD, NEW, NEWER = (1, 10, 1), (2, 11, 1), (3, 12, 1)
NONE = Changes()


def looks(*seen, known=None):
    changes = SettledChanges({A: OLD} if known is None else known)
    return [changes.look(each) for each in seen]


def test_nothing_is_told_of_what_stays():
    assert looks({A: OLD}, {A: OLD}) == [NONE, NONE]


def test_a_change_is_told_at_the_second_look_and_then_no_more():
    assert looks({A: NEW}, {A: NEW}, {A: NEW}) == [NONE, Changes(changed=(A,)), NONE]


def test_a_file_that_is_being_written_is_left_alone():
    assert looks({A: NEW}, {A: NEWER}, {A: NEWER}) == [NONE, NONE, Changes(changed=(A,))]


def test_a_file_of_another_inode_or_size_has_changed():
    for stamp in ((1, 10, 2), (1, 11, 1)):
        assert looks({A: stamp}, {A: stamp})[1] == Changes(changed=(A,))


def test_a_new_file_is_a_change():
    assert looks({A: OLD, B: NEW}, {A: OLD, B: NEW}) == [NONE, Changes(changed=(B,))]


def test_a_file_is_gone_when_it_is_missing_twice():
    assert looks({}, {}, {}) == [NONE, Changes(gone=(A,)), NONE]
    assert looks({}, {A: OLD}, {A: OLD}) == [NONE, NONE, NONE]


def test_a_file_that_was_away_for_a_moment_is_changed_when_it_differs():
    assert looks({}, {A: NEW}, {A: NEW}) == [NONE, NONE, Changes(changed=(A,))]


def test_a_file_that_comes_back_is_told():
    assert looks({}, {}, {A: OLD}, {A: OLD})[1:] == [Changes(gone=(A,)), NONE, Changes(changed=(A,))]


LOOK = st.dictionaries(st.sampled_from([A, B]), st.sampled_from([OLD, NEW, NEWER]))


@given(st.lists(LOOK), LOOK)
def test_whatever_happens_two_equal_looks_tell_all_that_is_so(seen, last):
    changes = SettledChanges({A: OLD})
    told = {A: OLD}
    for look in [*seen, last, last]:
        found = changes.look(look)
        told |= {path: look[path] for path in found.changed}
        for path in found.gone:
            del told[path]
    assert told == last
