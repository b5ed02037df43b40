"""Messages about mistakes in flow files, for authors: instead of the messages of pydantic and PyYAML.

One rule: a kind of mistake that is not known here keeps its original message; none is hidden.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches

from pydantic_core import ErrorDetails

NAME_PATTERN = r"^[A-Za-z_]\w*$"
SCALARS = frozenset({"str", "int", "float", "bool", "none"})
"""The names that pydantic gives the alternatives of a scalar in the path to a mistake."""

PATTERNS: Mapping[str, str] = {
    NAME_PATTERN: "should be a name: letters, digits and _, and no digit first",
    r"^[\w.-]+$": "should be one word: letters, digits, '_', '.' and '-'",
    r"^[0-9*#]?$": "should be one key: 0 to 9, '*' or '#', or '' for none",
}
KINDS: Mapping[str, str] = {
    "dict_type": "should be a table of names and values",
    "model_type": "should be a table of fields",
    "model_attributes_type": "should be a table of fields",
    "tuple_type": "should be a list",
    "list_type": "should be a list",
    "int_type": "should be a whole number",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "string_type": "should be text",
}

SYNTAX: tuple[tuple[str, str], ...] = (
    (r"'\\t'", "indent with blanks, not with tabs"),
    (r"mapping values are not allowed", "put a text with a colon in quotes"),
    (r"unhashable key", "put a text that begins with { in quotes"),
    (r"could not find expected ':'", "each field is 'name: value', with a blank behind the colon"),
    (r"unexpected end of stream", "a quote is not closed"),
    (r"expected ',' or '[}\]]'", "a bracket is not closed, or a '#' or a text with a comma is not in quotes"),
    (r"expected alphabetic or numeric character", "put '*' and '&' in quotes"),
    (r"found '<scalar>'", "put a text that has quotes in it in double quotes, or double its single quotes"),
    (r"expected <block end>", "indent what belongs together alike"),
    (r"another document", "one flow in each file, without '---' between"),
    (r"unacceptable character|codec can't decode", "save the file as UTF-8"),
    (r"special characters are not allowed", "it holds characters that are no text"),
)


def syntax_hint(problem: str) -> str:
    """What to do about text that YAML cannot read; empty for an unknown problem."""
    return next((hint for pattern, hint in SYNTAX if re.search(pattern, problem)), "")


def explanation(mistake: ErrorDetails, *, scalar: bool) -> tuple[str, str]:
    """What is wrong with a value, and a hint that may be empty; both follow the name of the field in a message.

    Args:
        mistake: What pydantic found.
        scalar: Whether a scalar of any kind was expected.
    """
    if scalar:
        return "should be text, a number, or true or false", ""
    kind, given = mistake["type"], mistake["input"]
    if kind == "string_pattern_mismatch" and (words := PATTERNS.get(mistake["ctx"]["pattern"])) is not None:
        return words, ""
    if kind in ("enum", "literal_error"):
        return _choice(mistake)
    if kind in KINDS:
        return KINDS[kind], _hint(kind, given)
    message = mistake["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return f"{message[:1].lower()}{message[1:]}", ""


def _hint(kind: str, given: object) -> str:
    if given is None:
        return "it is empty"
    if kind != "string_type":
        return ""
    if isinstance(given, bool):
        return f"YAML reads this as {str(given).lower()}; put it in quotes"
    return "put it in quotes" if isinstance(given, int | float) else ""


def _choice(mistake: ErrorDetails) -> tuple[str, str]:
    expected = str(mistake["ctx"]["expected"])
    given = mistake["input"]
    if isinstance(given, bool):
        return f"should be {expected}", f"YAML reads this as {str(given).lower()}"
    near = get_close_matches(str(given), re.findall(r"'([^']*)'", expected), n=1)
    return f"should be {expected}", f"did you mean '{near[0]}'?" if near else ""
