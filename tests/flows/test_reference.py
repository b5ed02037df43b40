"""Tables of fields say what the models say."""

from telebridge.flows.schema import (
    FieldRow,
    markdown_table,
    meaning,
    rows,
)


def test_a_row_has_the_default_as_a_file_spells_it():
    by_field = {row.field: row.default for part in ("no_input", "digits", "menu", "case") for row in rows(part)}
    assert {field: by_field[field] for field in ("after", "reprompt", "type_ahead", "finish_on_key", "menu", "if")} == {
        "after": "5s",
        "reprompt": "2",
        "type_ahead": "true",
        "finish_on_key": '"#"',
        "menu": "required",
        "if": "",
    }


def test_a_table_is_markdown():
    assert rows("wait")[0] == FieldRow("wait", "required", "How long the line is silent.")
    assert markdown_table("wait") == (
        "| `wait` | default | |\n"
        "|---|---|---|\n"
        "| `wait` | required | How long the line is silent. |\n"
        "| `then` | required | The node that follows. |\n"
    )


def test_a_part_is_told_in_its_first_words():
    assert meaning("flow") == "A whole flow."
    assert meaning("menu") == "Ask for one key, and go where it leads."
