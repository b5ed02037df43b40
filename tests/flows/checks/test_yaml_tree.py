"""Where things stand in the tree of a YAML file."""

import yaml

from telebridge.flows.checks.yaml_tree import child, node_at

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
