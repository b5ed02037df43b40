"""Where things stand in the tree of a YAML file."""

import pytest
import yaml

from telebridge.flows.checks.yaml_tree import child, node_at, value_of

TREE = yaml.compose('a: 1\na: {b: [x, y]}\n"\\ud83d": 2\nnothing:\n', Loader=yaml.SafeLoader)


def test_a_path_leads_through_tables_and_lists():
    assert node_at(TREE, ("a", "b", "1")).value == "y"
    assert node_at(TREE, ()) is TREE
    assert node_at(TREE, ("nothing",)) is not None


def test_what_is_not_there_is_none():
    for path in (("c",), ("a", "b", "2"), ("a", "b", "x"), ("nothing", "more"), ("a", "b", "1", "more")):
        assert node_at(TREE, path) is None


def test_of_equal_keys_the_last_is_found():
    key, _ = child(TREE, "a")
    assert key.start_mark.line == 1


def test_a_key_is_found_as_written_and_repaired():
    assert node_at(TREE, ("\ud83d",)) is node_at(TREE, ("\ufffd",)) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a: 1",
        "base: &b {x: 1, y: [2]}\nmore:\n  <<: *b\n  z: 3\nagain: *b\n",
        "- &one {<<: {a: 1}, b: 2}\n- {<<: *one, c: 3}\n",
        "&loop [*loop]",
        "when: 2026-03-02\nyes: no\n1: 0x10\n",
    ],
)
def test_the_value_is_what_the_text_stands_for_and_the_tree_stays_as_it_is(text):
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    before = "" if tree is None else yaml.serialize(tree)
    assert repr(value_of(tree)) == repr(yaml.safe_load(text))
    assert before == ("" if tree is None else yaml.serialize(tree))


def test_halves_of_surrogate_pairs_are_joined():
    assert value_of(yaml.compose(r'"\ud83d\ude00": "\ud83d"', Loader=yaml.SafeLoader)) == {"\U0001f600": "\ufffd"}
