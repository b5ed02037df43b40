"""A flow file into a flow, or into every mistake in it with its line and column.

One rule: whatever the file holds, what comes out is a flow or `FlowError`s.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.nodes import Node as YamlNode

from telebridge.errors import FlowError
from telebridge.flows.checking import mistakes, nearest
from telebridge.flows.model import NODES, Case, Digits, Flow, NoInput, NoMatch, fields_of, verbs_in

LARGEST_BYTES = 1 << 20
MERGED_TAG = "tag:yaml.org,2002:merge"
PARTS: Mapping[str, type[BaseModel]] = {"no_input": NoInput, "no_match": NoMatch, "digits": Digits}


def load_flow(path: Path) -> Flow:
    """The flow of a file.

    Raises:
        FlowError: The first mistake in it.
    """
    flow, errors = _read(path)
    if errors or flow is None:
        raise errors[0]
    return flow


def check_flow(path: Path) -> list[FlowError]:
    """Every mistake in a file; mistakes of the whole are looked for once its parts are right."""
    return _read(path)[1]


def _read(path: Path) -> tuple[Flow | None, list[FlowError]]:
    file = _File(path)
    try:
        text = path.read_bytes()
    except OSError as error:
        return None, [file.error((), f"cannot be read ({error.strerror})")]
    if len(text) > LARGEST_BYTES:
        return None, [file.error((), "is larger than a mebibyte, which no flow is")]
    try:
        file.parse(text)
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:
        return None, [file.syntax_error(error)]
    if not isinstance(content, dict):
        return None, [file.error((), "is no flow", "it begins with 'flow: name'")]
    if errors := [*file.doubled, *_verb_errors(file, content.get("nodes"))]:
        return None, errors
    try:
        flow = Flow.model_validate(content)
    except ValidationError as error:
        return None, [file.explained(mistake) for mistake in error.errors()]
    except RecursionError:
        return None, [file.error((), "refers to itself")]
    return flow, [file.error(mistake.path, mistake.problem, mistake.hint) for mistake in mistakes(flow)]


def _verb_errors(file: "_File", nodes: object) -> list[FlowError]:
    """Each node must have one verb; said here, because no schema says it well."""
    if not isinstance(nodes, dict):
        return []
    errors = []
    for name, node in nodes.items():
        verbs = verbs_in(node)
        path = ("nodes", str(name))
        if not isinstance(node, dict):
            errors.append(file.error(path, "is no table of fields"))
        elif len(verbs) > 1:
            errors.append(
                file.error((*path, verbs[1]), f"has the verbs {' and '.join(verbs)}", "one verb in each node")
            )
        elif not verbs:
            hints = (nearest(str(key), list(NODES)) for key in node)
            hint = next((hint for hint in hints if hint), f"verbs are {', '.join(NODES)}")
            errors.append(file.error(path, "has no verb", hint))
    return errors


class _File:
    """One file and where everything in it stands."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tree: YamlNode | None = None
        self.doubled: list[FlowError] = []

    def parse(self, text: bytes) -> None:
        self._tree = yaml.compose(text, Loader=yaml.SafeLoader)
        self._note_doubled(self._tree, (), 0)

    def error(self, path: tuple[str, ...], problem: str, hint: str = "", *, at_key: bool = False) -> FlowError:
        line, column = self._place(path, at_key=at_key)
        node = path[1] if len(path) > 1 and path[0] == "nodes" else None
        return FlowError(file=str(self._path), line=line, column=column, problem=problem, hint=hint, node=node)

    def syntax_error(self, error: Exception) -> FlowError:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        problem = getattr(error, "problem", None) or (str(error) or "it refers to itself").splitlines()[0]
        return FlowError(file=str(self._path), line=line, column=column, problem=f"is not YAML: {problem}")

    def explained(self, mistake: ErrorDetails) -> FlowError:
        """A mistake as pydantic tells it, in the words of a flow's author."""
        path = _without_tag([str(part) for part in mistake["loc"] if part != "[key]"])
        field = path[-1] if path else ""
        if mistake["type"] == "extra_forbidden":
            return self.error(path, f"'{field}' is unknown", self._known_fields(path), at_key=True)
        if mistake["type"] == "missing":
            return self.error(path[:-1], f"'{field}' is missing")
        message = mistake["msg"].removeprefix("Value error, ")
        return self.error(path, f"'{field}': {message[:1].lower()}{message[1:]}")

    def _known_fields(self, path: tuple[str, ...]) -> str:
        *above, field = path
        if len(above) <= 1:
            known = fields_of(Flow)
        elif above[-1] in PARTS:
            known = fields_of(PARTS[above[-1]])
        elif above[-2] == "choose":
            known = fields_of(Case)
        else:
            node = self._at(tuple(above))
            keys = [key.value for key, _ in node.value] if isinstance(node, MappingNode) else []
            known = fields_of(NODES[next(key for key in keys if key in NODES)])
        return nearest(field, known) or f"known are {', '.join(known)}"

    def _place(self, path: tuple[str, ...], *, at_key: bool) -> tuple[int, int]:
        """Line and column of a value, or of the nearest thing around it that exists, counted from 1."""
        node = self._tree
        place = (1, 1)
        for part in path:
            key, node = _child(node, part)
            if key is None or node is None:
                break
            mark = key.start_mark if at_key or isinstance(node, MappingNode) else node.start_mark
            place = (mark.line + 1, mark.column + 1)
        return place

    def _at(self, path: tuple[str, ...]) -> YamlNode | None:
        node = self._tree
        for part in path:
            _, node = _child(node, part)
        return node

    def _note_doubled(self, node: YamlNode | None, path: tuple[str, ...], depth: int) -> None:
        """YAML takes the last of two equal keys; an author who wrote both meant both."""
        if depth > 100:
            raise RecursionError
        if isinstance(node, SequenceNode):
            for child in node.value:
                self._note_doubled(child, path, depth + 1)
        if not isinstance(node, MappingNode):
            return
        seen: set[str] = set()
        for key, value in node.value:
            if key.tag == MERGED_TAG or not isinstance(key, ScalarNode):
                continue
            if key.value in seen:
                mark = key.start_mark
                self.doubled.append(
                    FlowError(
                        file=str(self._path),
                        line=mark.line + 1,
                        column=mark.column + 1,
                        problem=f"'{key.value}' stands here for the second time",
                    )
                )
            seen.add(key.value)
            self._note_doubled(value, (*path, key.value), depth + 1)


def _child(node: YamlNode | None, part: str) -> tuple[Any, YamlNode | None]:
    """The last entry of that key, which is the one that YAML takes."""
    if isinstance(node, MappingNode):
        for key, value in reversed(node.value):
            if isinstance(key, ScalarNode) and key.value == part:
                return key, value
    if isinstance(node, SequenceNode) and part.isdecimal() and int(part) < len(node.value):
        item = node.value[int(part)]
        return item, item
    return None, None


def _without_tag(path: list[str]) -> tuple[str, ...]:
    """Pydantic puts the verb between a node's name and its field."""
    if len(path) > 2 and path[0] == "nodes" and path[2] in NODES:
        del path[2]
    return tuple(path)
