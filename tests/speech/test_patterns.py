"""Expressions that keep the interpreter while they search."""

import re
from dataclasses import fields
from pathlib import Path

import telebridge
from telebridge.speech.patterns import Pattern, compiled

PACKAGE = Path(telebridge.__file__).parent


def test_they_find_what_the_library_finds():
    pattern = compiled(r"\p{L}+")
    assert pattern.search("1 äb").span() == (2, 4)
    assert pattern.match("1 äb", 2).group() == "äb"
    assert pattern.fullmatch("äb1") is None
    assert [found.group() for found in pattern.finditer("a b", 1)] == ["b"]
    assert pattern.findall("a b") == ["a", "b"]
    assert pattern.sub("x", "ab c") == "x x"


def test_no_search_gives_the_interpreter_to_another_thread():
    pattern = compiled("a")
    searches = [getattr(pattern, field.name) for field in fields(Pattern)]
    assert all(search.keywords == {"concurrent": False} for search in searches)


def test_nothing_searches_by_the_library_itself():
    calls = re.compile(r"\bregex\.(compile|search|match|fullmatch|find\w+|sub\w*|split\w*)\(")
    using = [file.name for file in PACKAGE.rglob("*.py") if calls.search(file.read_text())]
    assert using == ["patterns.py"]
