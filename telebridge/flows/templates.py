"""The texts and conditions of a flow: Jinja2 in its sandbox.

One rule: a name that does not exist is an error, and every error is a `TemplateProblem`.
"""

import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from telebridge.errors import TelebridgeError
from telebridge.unicode_text import repaired

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_ENVIRONMENT.globals.clear()  # `range` could fill the memory, and no prompt needs the others

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


def names_in(source: str) -> frozenset[str]:
    """The variables that a template uses.

    Raises:
        TemplateProblem: It is not a template.
    """
    try:
        tree = _ENVIRONMENT.parse(source)
        _refuse_unknown(tree)
        return frozenset(meta.find_undeclared_variables(tree))
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


def rendered(source: str, variables: dict[str, Any]) -> str:
    """The text with the variables filled in, each run of whitespace made one space.

    Raises:
        TemplateProblem: It uses a name that does not exist, or fails in another way.
    """
    return " ".join(_render(source, variables).split())


def _render(source: str, variables: dict[str, Any]) -> str:
    if "{" not in source:
        return source
    try:
        return repaired(_compiled(source).render(variables))
    except Exception as error:  # whatever an author's expression does, the call must know that it failed
        raise TemplateProblem(f"{type(error).__name__}: {error}") from error


@lru_cache(maxsize=1024)
def _compiled_condition(source: str) -> Callable[..., Any]:
    return _ENVIRONMENT.compile_expression(source, undefined_to_none=False)


@lru_cache(maxsize=1024)
def _compiled(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)
