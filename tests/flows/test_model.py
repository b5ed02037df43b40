"""Every field of a flow file is explained, and nothing is explained that is not there."""

from telebridge.flows.model import NODES, NOTES, fields_of, note, parts

FIELDS = {(part, field) for part, kind in parts().items() for field in fields_of(kind)}


def test_every_field_has_a_note():
    assert sorted(f"{part}.{field}" for part, field in FIELDS if note(part, field) is None) == []


def test_every_note_has_a_field():
    in_nodes = {field for part, field in FIELDS if part in NODES}
    idle = {name for name in NOTES if tuple(name.split(".")) not in FIELDS}
    assert {name for name in idle if name.removeprefix("node.") not in in_nodes} == set()


def test_a_note_is_one_sentence():
    assert [name for name, told in NOTES.items() if not told.endswith(".") or "\n" in told] == []


def test_all_parts_are_found():
    assert {"flow", "say", "menu", "no_input", "no_match", "digits", "case"} <= set(parts())
