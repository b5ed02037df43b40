"""Reads scenario files: into scenarios, or into the first mistake with its line and column.

One rule: whatever a file holds, what comes out is scenarios or a ConfigurationError.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.nodes import Node as YamlNode

from telebridge.errors import ConfigurationError
from telebridge.flows.checks.yaml_tree import UNREADABLE, child, composed, node_at, problem_of, value_of
from telebridge.flows.error_messages import SCALARS, explanation, syntax_hint
from telebridge.testing.scenarios.model import STEPS, Scenario, ScenarioEnd, ScenarioPart
from telebridge.testing.vocabulary import SUFFIX

LARGEST_BYTES = 1 << 20
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")

FilePlace = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """One call of a scenario file.

    Args:
        path: The file.
        name: The name of the case; empty where the file has one call.
        scenario: What it holds.
        lines: The line of each step, counted from 1.
        end_line: The line of `ends`.
    """

    path: Path
    name: str
    scenario: Scenario
    lines: tuple[int, ...]
    end_line: int

    @property
    def title(self) -> str:
        """The file's name without its ending, and the case."""
        stem = self.path.name.removesuffix(SUFFIX)
        return f"{stem}[{self.name}]" if self.name else stem


def load_scenarios(path: Path, *, url: str | None = None) -> list[LoadedScenario]:
    """Read the calls of a file: one for each row of `cases`, or one.

    Args:
        path: The file.
        url: What is called where the file names no flow; in place of its own `url`.

    Raises:
        ConfigurationError: The file has a mistake.
    """
    tree, content = _parsed(path)
    _refuse_duplicates(path, tree)
    if not isinstance(content, dict):
        raise _mistake(path, (1, 1), "is no scenario", "it begins with 'call: …' and 'steps:'")
    _check_steps(path, tree, content.get("steps"))
    rows = content.get("cases") or [{}]
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _mistake(path, _place(tree, ("cases",)), "'cases' should be a list of tables")
    if url is not None and content.get("call") is None:
        content = {**content, "url": url}
    return [_scenario(path, tree, content, row, number) for number, row in enumerate(rows, start=1)]


def find_scenarios(paths: list[Path]) -> Iterator[Path]:
    """Yield the scenario files of folders, and the files that are named.

    Raises:
        ConfigurationError: One is neither.
    """
    for path in paths:
        if path.is_dir():
            yield from sorted(path.rglob(f"*{SUFFIX}"))
        elif path.is_file():
            yield path
        else:
            raise ConfigurationError(str(path), "does not exist", f"name a folder, or a file that ends in '{SUFFIX}'")


def _parsed(path: Path) -> tuple[YamlNode | None, Any]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(str(path), f"cannot be read ({error.strerror})") from error
    if len(text) > LARGEST_BYTES:
        raise _mistake(path, (1, 1), "is larger than a mebibyte, which no scenario is")
    try:
        tree = composed(text)
        return tree, value_of(tree)
    except UNREADABLE as error:
        mark = getattr(error, "problem_mark", None)
        place = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
        problem = problem_of(error)
        raise _mistake(path, place, f"is not YAML: {problem}", syntax_hint(problem)) from error


def _refuse_duplicates(path: Path, node: YamlNode | None) -> None:
    """YAML keeps the last of two fields of one name without a word."""
    if isinstance(node, MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, ScalarNode) and key.value in seen:
                place = (key.start_mark.line + 1, key.start_mark.column + 1)
                raise _mistake(path, place, f"'{key.value}' is there twice", "leave one out")
            seen.add(str(key.value))
            _refuse_duplicates(path, value)
    elif isinstance(node, SequenceNode):
        for each in node.value:
            _refuse_duplicates(path, each)


def _check_steps(path: Path, tree: YamlNode | None, steps: Any) -> None:
    """Each step has exactly one verb; checked here, because pydantic's message about it would not help."""
    if not isinstance(steps, list):
        return
    for at, step in enumerate(steps):
        where = ("steps", at)
        if not isinstance(step, dict):
            raise _mistake(path, _place(tree, where), "a step is a table such as '- press: \"1\"'")
        verbs = [str(key) for key in step if key in STEPS]
        if len(verbs) > 1:
            raise _mistake(path, _place(tree, where), f"has the verbs {' and '.join(verbs)}", "one verb in each step")
        if not verbs:
            near = next((close[0] for key in step if (close := get_close_matches(str(key), STEPS, n=1))), "")
            hint = f"did you mean '{near}'?" if near else f"verbs are {', '.join(STEPS)}"
            raise _mistake(path, _place(tree, where), "has no verb", hint)


def _scenario(
    path: Path, tree: YamlNode | None, content: dict[Any, Any], row: dict[str, Any], number: int
) -> LoadedScenario:
    values = {str(name): value for name, value in row.items()}
    filled = _filled(path, tree, {key: value for key, value in content.items() if key != "cases"}, values)
    if isinstance(filled.get("steps"), list):
        filled["steps"] = [_step(path, tree, at, step) for at, step in enumerate(filled["steps"])]
    try:
        scenario = Scenario.model_validate(filled)
    except ValidationError as error:
        raise _explained(path, tree, error, (), Scenario) from error
    if (scenario.call is None) == (scenario.url is None):
        if scenario.call:
            raise _mistake(path, (1, 1), "has both 'call' and 'url'")
        raise _mistake(path, (1, 1), "has neither 'call' nor 'url'", "name a flow, or say what is called with --url")
    name = "" if not content.get("cases") else str(values.get("name", number))
    lines = tuple(_place(tree, ("steps", at))[0] for at in range(len(scenario.steps)))
    return LoadedScenario(path, name, scenario, lines, _place(tree, ("ends",))[0])


def _step(path: Path, tree: YamlNode | None, at: int, step: dict[str, Any]) -> ScenarioPart:
    """A step, validated by the model of its verb."""
    model = STEPS[next(str(key) for key in step if key in STEPS)]
    try:
        return model.model_validate(step)
    except ValidationError as error:
        raise _explained(path, tree, error, ("steps", at), model) from error


def _filled(path: Path, tree: YamlNode | None, value: Any, values: dict[str, Any], where: tuple[Any, ...] = ()) -> Any:
    """The content with `${name}` replaced; a text that is nothing else takes the value itself."""
    if isinstance(value, dict):
        return {key: _filled(path, tree, each, values, (*where, key)) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(path, tree, each, values, (*where, at)) for at, each in enumerate(value)]
    if not isinstance(value, str):
        return value
    if unknown := next((name for name in PLACEHOLDER.findall(value) if name not in values), None):
        raise _mistake(path, _place(tree, where), f"no row of 'cases' has a value '{unknown}'")
    if whole := PLACEHOLDER.fullmatch(value):
        return values[whole[1]]
    return PLACEHOLDER.sub(lambda found: str(values[found[1]]), value)


def _explained(
    path: Path, tree: YamlNode | None, error: ValidationError, prefix: tuple[Any, ...], model: type[ScenarioPart]
) -> ConfigurationError:
    # A field that is misspelt is unknown, and the right one is missing: the first of the two says more.
    mistake = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    where = (*prefix, *mistake["loc"])
    field = where[-1] if where else ""
    if mistake["type"] == "extra_forbidden":
        known = model.model_fields if len(mistake["loc"]) == 1 else ScenarioEnd.model_fields
        near = get_close_matches(str(field), known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
        return _mistake(path, _place(tree, where, at_key=True), f"'{field}' is unknown", hint)
    if mistake["type"] == "missing":
        return _mistake(path, _place(tree, where[:-1]), f"'{field}' is missing")
    scalar = field in SCALARS and len(where) > 1 and node_at(tree, map(str, where)) is None
    problem, hint = explanation(mistake, scalar=scalar)
    return _mistake(path, _place(tree, where), f"'{where[-2] if scalar else field}': {problem}", hint)


def _mistake(path: Path, place: FilePlace, problem: str, hint: str = "") -> ConfigurationError:
    return ConfigurationError(f"{path}:{place[0]}:{place[1]}", problem, hint)


def _place(tree: YamlNode | None, path: tuple[Any, ...], *, at_key: bool = False) -> FilePlace:
    """The line and column of what a path leads to, or of the last of it that is there."""
    node = tree
    mark = None if tree is None else tree.start_mark
    for part in path:
        key, node = child(node, str(part))
        if node is None:
            break
        mark = key.start_mark if at_key else node.start_mark
    return (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
