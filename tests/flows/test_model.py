"""Every part of the format has a name, by which its table and its hints are found."""

import pytest

from telebridge.flows.model import NODES, fields_of, parts


def test_all_parts_are_found():
    assert {"flow", "say", "menu", "no_input", "no_match", "digits", "case"} <= set(parts())


@pytest.mark.parametrize("part", parts())
def test_every_field_has_a_description_of_one_sentence(part):
    for name, field in parts()[part].model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
        assert "\n" not in field.description, name


@pytest.mark.parametrize("verb", NODES)
def test_a_verb_is_a_field_of_its_node(verb):
    assert verb in fields_of(NODES[verb])
