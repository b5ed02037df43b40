"""The texts and conditions of a flow: Jinja2 in its sandbox, where a name that does not exist is an error."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from telebridge.errors import TelebridgeError

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_ENVIRONMENT.globals.clear()  # `range` could fill the memory, and no prompt needs the others


class TemplateProblem(TelebridgeError):
    """A template cannot be read, or not be filled in."""


def names_in(source: str) -> frozenset[str]:
    """The variables that a template uses.

    Raises:
        TemplateProblem: It is no template.
    """
    try:
        return frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(source)))
    except TemplateSyntaxError as error:
        raise TemplateProblem(f"is no template ({error.message}, line {error.lineno} of the text)") from error


def names_in_condition(source: str) -> frozenset[str]:
    """The variables that a condition uses.

    Raises:
        TemplateProblem: It is no condition.
    """
    try:
        _ENVIRONMENT.compile_expression(source)
        return frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse("{{ (" + source + ") }}")))
    except TemplateSyntaxError as error:
        raise TemplateProblem(f"is no condition ({error.message})") from error


def holds(condition: str, variables: dict[str, Any]) -> bool:
    """Whether a condition is true.

    Raises:
        TemplateProblem: It uses what does not exist, or fails in another way.
    """
    try:
        return bool(_compiled_condition(condition)(**variables))
    except Exception as error:  # as for texts
        raise TemplateProblem(f"{type(error).__name__}: {error}") from error


def rendered(source: str, variables: dict[str, Any]) -> str:
    """The text with the variables filled in, and its blanks and line ends made single blanks.

    Raises:
        TemplateProblem: It uses what does not exist, or fails in another way.
    """
    if "{" not in source:
        return " ".join(source.split())
    try:
        return " ".join(_compiled(source).render(variables).split())
    except Exception as error:  # whatever an author's expression does, the call must know that it failed
        raise TemplateProblem(f"{type(error).__name__}: {error}") from error


@lru_cache(maxsize=1024)
def _compiled_condition(source: str) -> Callable[..., Any]:
    return _ENVIRONMENT.compile_expression(source, undefined_to_none=False)


@lru_cache(maxsize=1024)
def _compiled(source: str) -> Template:
    return _ENVIRONMENT.from_string(source)
