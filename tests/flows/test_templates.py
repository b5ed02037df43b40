import pytest

from telebridge.flows.templates import TemplateProblem, names_in, rendered


def test_a_text_is_filled_in_and_its_blanks_are_made_single():
    assert rendered("Hello {{ name }},\n  how are you?", {"name": "Jane"}) == "Hello Jane, how are you?"
    assert rendered("Plain  text.", {}) == "Plain text."


@pytest.mark.parametrize(
    "text",
    ["{{ name", "{% for %}", "{{ name }}", "{{ ().__class__.__bases__ }}", "{{ range(10) }}", "{% include 'x' %}"],
)
def test_what_cannot_be_filled_in_says_why(text):
    with pytest.raises(TemplateProblem):
        rendered(text, {})


def test_names_are_found_without_running_anything():
    assert names_in("{{ a }} {% if b %}{{ c | upper }}{% endif %} {% set d = 1 %}{{ d }}") == {"a", "b", "c"}
