"""Nothing that a template can reach makes a text or a list beyond the bound, and nothing takes long to be refused."""

import itertools
import json
import tracemalloc
from contextlib import suppress
from functools import cache

import pytest
from jinja2 import Undefined

from telebridge import bounded_templates
from telebridge.bounded_templates import FILTERS, METHODS, OF_ANYTHING, BoundedEnvironment, text_size
from telebridge.flows.templates import TemplateProblem, filled_address, holds, rendered

ENVIRONMENT = BoundedEnvironment()
MOST = 500
HUGE = 10**9
MEMORY = 8_000_000
LONG = "\ta  \n" * (MOST // 5)
MANY = [[LONG[:450]] * 150] * 150  # small in memory, and 10 million characters as a text
VALUES = {"text": LONG, "data": LONG.encode(), "many": MANY, "number": 7, "part": 1.5, "table": {"a": LONG, "b": MANY}}
CALLS = ("", "(x)", "(x, y)", "(x, y, x)")


@pytest.fixture
def bound(monkeypatch):
    """A bound that is soon reached."""
    monkeypatch.setattr(bounded_templates, "MOST_CHARACTERS", MOST)


@cache
def compiled(expression):
    return ENVIRONMENT.from_string("{{ keep(" + expression + ") or '' }}")


def made(expression, **arguments):
    """What an expression makes, as a template has it; None when it is refused."""
    found = []
    with suppress(Exception):  # refused, by us or by Python
        compiled(expression).render(**VALUES, **arguments, keep=found.append)
    return found[0] if found else None


def bounded(expression, value, **arguments):
    """Whether an expression makes nothing beyond the bound or the value it was made of, not even on the way."""
    with suppress(Exception):
        compiled(expression)
    tracemalloc.start()
    result = made(expression, **arguments)
    if not isinstance(result, Undefined) and hasattr(result, "__next__"):
        with suppress(Exception):
            result = list(itertools.islice(result, MOST + 1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    most = max(MOST, len(value) if hasattr(value, "__len__") else 0)
    size = 0 if isinstance(result, Undefined) or not hasattr(result, "__len__") else len(result)
    return peak < MEMORY and size <= most


pytestmark = pytest.mark.usefixtures("bound")

METHOD_NAMES = sorted((name, each) for name, value in VALUES.items() for each in dir(value) if not each.startswith("_"))


@pytest.mark.slow
@pytest.mark.parametrize(("name", "method"), METHOD_NAMES)
def test_no_method_makes_more(name, method):
    for call in ("()", *CALLS[1:]):
        for x, y in ((HUGE, "x"), (MOST, LONG), ("a", LONG), (MANY, 1), ({97: LONG}, ""), ("", LONG)):
            assert bounded(f"{name}.{method}{call}", VALUES[name], x=x, y=y), (call, str(x)[:20])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ENVIRONMENT.filters))
def test_no_filter_makes_more(name):
    for value in VALUES:
        for call in CALLS:
            for x, y in ((HUGE, LONG), (MOST, 1), (LONG, LONG), ("a", LONG), ("%1000000000d", 1)):
                assert bounded(f"{value} | {name}{call}", VALUES[value], x=x, y=y), (value, call, str(x)[:20])


NAMED = [
    "text | wordwrap(1, true, text)", "text | wordwrap(width=2, wrapstring=text)", "text | indent(width=x, first=true)",
    "text | tojson(indent=x)", "many | tojson", "many | string", "many | pprint", "many | join", "many | join(text)",
    "text | replace('', text)", "'%*d' | format(x, 1)", "'%1000000000d' % 1", "'%*d' % (x, 1)",
    "'{:1000000000}'.format(1)",
    "'{:{w}}'.format(1, w=x)", "'{:{}}'.format(1, x)", "'{0}{0}{0}'.format(text)", "'%s%s' % (text, text)",
    "text ~ text", "text + text", "many + many + many", "many ~ ''", "text * 2", "text | batch(x, 'x') | list",
    "text | slice(x) | list", "text | map('center', x) | list", "(number).to_bytes(x, 'big')",
    "text | attr('center') | list", "['a'] | map(attribute='center') | map('string') | list", "text.join(text)",
    "['%s'] | map('format', text ~ '') | list", "1.5 | round(x)", "1.5 | round(x, 'ceil')", "2 ** x",
    "number * 2 ** 4000 ** 2",
    "('a.org ' * 75) | urlize(rel=text)",
    "('a.org ' * 75) | urlize",
    "{'a': text, 'b': text} | xmlattr", "text.translate({97: text})", "text.encode().replace(x=1)",
]  # fmt: skip


@pytest.mark.parametrize("expression", NAMED)
def test_no_known_way_makes_more(expression):
    assert bounded(expression, "", x=HUGE)


TEMPLATES = [
    "{{ text }}{{ text }}", "{{ many }}", "{% for a in text %}{{ text }}{% endfor %}", "{{ text ~ text }}",
    "{% set a = text %}" + "".join("{% set a = a ~ a %}" for _ in range(40)) + "{{ a | length }}",
]  # fmt: skip


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_text_that_would_be_too_long_is_a_mistake_of_its_template(template):
    with pytest.raises(TemplateProblem, match="OverflowError"):
        rendered(template, VALUES)
    with pytest.raises(TemplateProblem, match="OverflowError"):
        filled_address("https://h.example/?q=" + template, VALUES)


ORDINARY = [
    ("{{ 'a' | center(5) }}|", "a |"),
    ("{{ 'ab' | indent(4, true) }}", "ab"),
    ("{{ 'one two' | wordwrap(3) }}", "one two"),
    ("{{ '%05.1f' % 2.25 }}", "002.2"),
    ("{{ '%s and %s' | format('a', 'b') }}", "a and b"),
    ("{{ '{:>4}|{}'.format(1, 'x') }}", "1|x"),
    ("{{ {'a': [1, 2]} | tojson }}", '{"a": [1, 2]}'),
    ("{{ [1, 2, 3] | batch(2) | list }}", "[[1, 2], [3]]"),
    ("{{ [3, 1] + [2] }} {{ 1 + 2 }} {{ 7 % 4 }} {{ 'a' ~ 1 ~ none }}", "[3, 1, 2] 3 3 a1None"),
    ("{{ 'a,b' | replace(',', ' and ') }} {{ ['a', 'b'] | join(' or ') }}", "a and b a or b"),
    ("{{ 'ab'.ljust(4, '.') }} {{ 'a b'.replace(' ', '-') }} {{ '-'.join(['x', 'y']) }}", "ab.. a-b x-y"),
    ("{{ 2.345 | round(2) }} {{ big | length }} {{ big | default('') | length }}", "2.35 1500 1500"),
]


@pytest.mark.parametrize(("template", "text"), ORDINARY)
def test_what_is_usual_stays_as_it_was(template, text):
    assert rendered(template, {"big": "x" * 3 * MOST}) == text


def test_a_long_value_is_asked_about_and_made_shorter():
    assert holds("big | length > 5 and 'x' in big", {"big": "x" * 3 * MOST})
    assert rendered("{{ big[:3] }} {{ big | truncate(5) }}", {"big": "x" * 3 * MOST}) == "xxx xx..."


def test_the_size_of_a_text_is_known_without_making_it():
    assert text_size("abc") == 3
    assert text_size(MANY) > MOST
    value = {"a": [1, "b"], "c": None}
    assert text_size(value) >= len(json.dumps(value))


def test_every_estimate_is_of_a_filter_or_method_that_exists():
    assert set(FILTERS) | OF_ANYTHING <= set(ENVIRONMENT.filters)
    assert all(hasattr(str, name) for name in METHODS)
