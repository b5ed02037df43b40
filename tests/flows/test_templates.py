import pytest

from telebridge.flows.templates import TemplateProblem, filled_address, names_in, rendered


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


ADDRESSES = [
    ("https://h.example/a?to={{ n }}", "https://h.example/a?to=%2B1%2055"),
    ("{{ service }}/a/{{ n }}", "http://s.example/v1/a/%2B1%2055"),
    ("https://h.example/{{ path | safe_url }}?q={{ path }}", "https://h.example/a/b?q=a%2Fb"),
    ("https://h.example/?{{ {'a b': n} | urlencode }}", "https://h.example/?a%20b=%2B1%2055"),
    ("https://h.example/{{ n | urlencode }}", "https://h.example/%2B1%2055"),
    ("https://h.example/{% if n %}x/{{ 5 }}{% endif %}", "https://h.example/x/5"),
    (" https://h.example/a/../b ", "https://h.example/a/../b"),
]


@pytest.mark.parametrize(("source", "address"), ADDRESSES)
def test_values_in_an_address_are_encoded_but_for_the_service_and_what_is_marked(source, address):
    assert filled_address(source, {"n": "+1 55", "service": "http://s.example/v1", "path": "a/b"}) == address


@pytest.mark.parametrize("value", [".", ".."])
def test_a_value_that_would_leave_the_folder_of_an_address_is_refused(value):
    with pytest.raises(TemplateProblem, match="change the path"):
        filled_address("https://h.example/a/{{ n }}/b", {"n": value})
    assert filled_address("https://h.example/a/{{ n | safe_url }}", {"n": value}) == f"https://h.example/a/{value}"
