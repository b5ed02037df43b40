import json

from hypothesis import given
from hypothesis import strategies as st

from telebridge.json_text import json_text

ODD = st.one_of(st.none(), st.floats(), st.text(), st.binary(), st.sets(st.integers()), st.complex_numbers())


def refused(name):
    raise AssertionError(f"{name} is no JSON")


@given(values=st.dictionaries(st.text(), st.one_of(ODD, st.lists(ODD), st.dictionaries(st.tuples(st.text()), ODD))))
def test_whatever_the_values_are_the_text_is_one_line_of_json(values):
    text = json_text(values)
    assert "\n" not in text
    text.encode()
    assert json.loads(text, parse_constant=refused).keys() <= values.keys()


@given(values=st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.booleans())))
def test_plain_values_are_kept(values):
    assert json.loads(json_text(values)) == values


def test_a_field_that_cannot_be_told_costs_itself_alone():
    loop = []
    loop.append(loop)
    assert json.loads(json_text({"a": 1, "loop": loop, "nan": float("nan"), "keys": {(1,): 2}})) == {"a": 1}
