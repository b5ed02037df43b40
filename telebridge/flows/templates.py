"""The texts and conditions of a flow: Jinja2 in its sandbox.

One rule: a name that does not exist is an error, and every error is a `TemplateProblem`.
"""

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from jinja2 import Template, TemplateSyntaxError, meta, nodes

from telebridge.bounded_templates import BoundedEnvironment, bounded_output, require_room
from telebridge.errors import TelebridgeError
from telebridge.unicode_text import repaired

_ENVIRONMENT = BoundedEnvironment()


class SafeURL(str):
    """A part of an address that stays as it is: its author marked it with `| safe_url`."""

    __slots__ = ()


def _encoded(value: Any) -> Any:
    """A value as it stands in an address: what would have a meaning there is percent-encoded (RFC 3986, section 2)."""
    return value if isinstance(value, SafeURL) else quote(repaired(str(bounded_output(value))), safe="")


def _encoded_for_query(value: Any) -> SafeURL:
    """The filter `urlencode`: a table becomes the parameters of a query."""
    pairs = value.items() if isinstance(value, Mapping) else None
    text = (
        str(_encoded(value)) if pairs is None else "&".join(f"{_encoded(key)}={_encoded(each)}" for key, each in pairs)
    )
    return SafeURL(text)


_ENVIRONMENT.filters["safe_url"] = SafeURL
_ADDRESSES = _ENVIRONMENT.overlay(finalize=_encoded)
_ADDRESSES.filters = {**_ENVIRONMENT.filters, "urlencode": _encoded_for_query}
ADDRESS_HEAD = re.compile(r"\s*\{\{.*?\}\}", re.DOTALL)
"""A value at the beginning of an address: the scheme and the host of a service, as the flow's author set them."""

CONDITION_HINTS = (
    (re.compile(r"\{\{|\{%"), "a condition is written without braces"),
    (re.compile(r"&&|\|\||!(?!=)"), "write 'and', 'or' and 'not'"),
    (re.compile(r"(?<![=!<>])=(?!=)"), "compare with =="),
)


class TemplateProblem(TelebridgeError):
    """A template or condition cannot be parsed, or cannot be evaluated.

    Args:
        problem: Why not.
        hint: What its author may have meant; may be empty.
    """

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


@lru_cache(maxsize=1024)
def names_in(source: str) -> frozenset[str]:
    """The variables that a template uses. The answers are kept, because pages ask for all prompts of a flow again.

    Raises:
        TemplateProblem: It is not a template.
    """
    try:
        tree = _ENVIRONMENT.parse(source)
        _refuse_unknown(tree)
        return frozenset(meta.find_undeclared_variables(tree))
    except RecursionError as error:
        raise TemplateProblem("is nested too deeply") from error
    except TemplateSyntaxError as error:
        line = f", line {error.lineno} of the text" if "\n" in source.strip() else ""
        raise TemplateProblem(f"is no template ({_shortly(error)}{line})", _unbalanced(source)) from error


def names_in_condition(source: str) -> frozenset[str]:
    """The variables that a condition uses.

    Raises:
        TemplateProblem: It is not a condition.
    """
    try:
        tree = _ENVIRONMENT.parse("{{ (" + source + ") }}")
        _refuse_unknown(tree)
        _ENVIRONMENT.compile_expression(source)
        return frozenset(meta.find_undeclared_variables(tree))
    except RecursionError as error:
        raise TemplateProblem("is nested too deeply") from error
    except TemplateSyntaxError as error:
        hint = next((hint for sign, hint in CONDITION_HINTS if sign.search(source)), "")
        raise TemplateProblem(f"is no condition ({_shortly(error)})", hint) from error


def _refuse_unknown(tree: nodes.Template) -> None:
    """Refuse filters and tests that do not exist. Jinja finds some of them only at runtime.

    Raises:
        TemplateProblem: The template uses one.
    """
    for kind, what, known in ((nodes.Filter, "filter", _ENVIRONMENT.filters), (nodes.Test, "test", _ENVIRONMENT.tests)):
        for each in tree.find_all(kind):
            if each.name not in known:
                near = get_close_matches(each.name, known, n=1)
                hint = f"did you mean '{near[0]}'?" if near else ""
                raise TemplateProblem(f"there is no {what} '{each.name}'", hint)


def _shortly(error: TemplateSyntaxError) -> str:
    return (error.message or "it cannot be read").split(". ")[0].rstrip(".")


def _unbalanced(source: str) -> str:
    for opening, closing in (("{{", "}}"), ("{%", "%}")):
        if source.count(opening) != source.count(closing):
            return f"each {opening} needs its {closing}"
    return ""


def holds(condition: str, variables: dict[str, Any]) -> bool:
    """Whether a condition is true.

    Raises:
        TemplateProblem: It uses a name that does not exist, or fails in another way.
    """
    try:
        return bool(_compiled_condition(condition)(**variables))
    except Exception as error:  # as for texts
        raise TemplateProblem(f"{type(error).__name__}: {error}") from error


def filled(value: Any, variables: dict[str, Any]) -> Any:
    """A value with every text in it filled in, at any depth. Whitespace stays as it is.

    Raises:
        TemplateProblem: A text uses a name that does not exist, or fails in another way.
    """
    match value:
        case str():
            return _render(value, variables)
        case dict():
            return {key: filled(each, variables) for key, each in value.items()}
        case list():
            return [filled(each, variables) for each in value]
        case _:
            return value


def filled_address(source: str, variables: dict[str, Any]) -> str:
    """The address of a request with the variables filled in.

    Values are percent-encoded, so that none adds a path, a parameter or a host; those marked with `| safe_url` are not,
    and the one at the very beginning is not, because it is where the service is.

    Raises:
        TemplateProblem: A name does not exist, or a value makes `.` or `..` of a part of the path.
    """
    head = ADDRESS_HEAD.match(source)
    before = "" if head is None else _render(head[0], variables)
    address = (before + _render(source[len(head[0]) if head else 0 :], variables, _compiled_address)).strip()
    parts = {unquote(part) for part in urlsplit(address).path.split("/")}
    if "{" in source and "safe_url" not in source and parts & {".", ".."}:
        raise TemplateProblem("a value would change the path of the address")
    return address


def rendered(source: str, variables: dict[str, Any]) -> str:
    """The text with the variables filled in, each run of whitespace made one space.

    Raises:
        TemplateProblem: It uses a name that does not exist, or fails in another way.
    """
    return " ".join(_render(source, variables).split())


def _render(source: str, variables: dict[str, Any], compiled: Callable[[str], Template] | None = None) -> str:
    if "{" not in source:
        return source
    try:
        parts, size = [], 0
        for part in (compiled or _compiled)(source).generate(variables):
            parts.append(part)
            size += len(part)
            require_room(size)
        return repaired("".join(parts))
    except Exception as error:  # whatever an author's expression does, the call must know that it failed
        raise TemplateProblem(f"{type(error).__name__}: {error}") from error


@lru_cache(maxsize=1024)
def _compiled_condition(source: str) -> Callable[..., Any]:
    return _ENVIRONMENT.compile_expression(source, undefined_to_none=False)


@lru_cache(maxsize=1024)
def _compiled(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)


@lru_cache(maxsize=1024)
def _compiled_address(source: str) -> Template:
    return _ADDRESSES.from_string(source)
