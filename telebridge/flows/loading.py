"""Reads a flow file: into a flow, or into every mistake in it with line and column.

One rule: whatever the file holds, what comes out is a flow or `FlowError`s.
"""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.nodes import MappingNode, ScalarNode, SequenceNode
from yaml.nodes import Node as YamlNode

from telebridge.errors import FlowError
from telebridge.flows.checking import markup_warnings, mistakes
from telebridge.flows.checks.mistakes import Mistake, nearest
from telebridge.flows.checks.recordings import recording_mistakes
from telebridge.flows.checks.yaml_tree import MERGED_TAG, UNREADABLE, child, composed, node_at, problem_of, value_of
from telebridge.flows.error_messages import SCALARS, explanation, syntax_hint
from telebridge.flows.model import NODES, Flow, fields_of, models_in, verbs_in
from telebridge.flows.words.checks import alike_phrases, phrase_mistakes

LARGEST_BYTES = 1 << 20
TEXT_TAG = "tag:yaml.org,2002:str"

FlowCheck = Callable[[Flow], Iterable[Mistake]]
"""A check of a whole flow."""
CHECKS: tuple[FlowCheck, ...] = (mistakes, phrase_mistakes, recording_mistakes)
WARNINGS: tuple[FlowCheck, ...] = (markup_warnings, alike_phrases)


def load_flow(path: Path) -> Flow:
    """Read the flow of a file.

    Raises:
        FlowError: The file has mistakes; this is the first.
    """
    flow, errors = _read(path, *CHECKS)
    if errors or flow is None:
        raise errors[0]
    return flow


def flow_warnings(path: Path, *further: FlowCheck) -> list[FlowError]:
    """What is no mistake in a file but hardly meant, such as SSML in a text; none of a file that cannot be read.

    Args:
        path: The file.
        further: Checks of the whole flow beside `WARNINGS`.
    """
    flow, warnings = _read(path, *WARNINGS, *further)
    return [] if flow is None else warnings


def located(path: Path, found: Iterable[Mistake]) -> list[FlowError]:
    """Mistakes of a flow that were found after its file was read, with their lines and columns."""
    file = _File(path)
    file.parse(path.read_bytes())
    return [file.error(mistake.path, mistake.problem, mistake.hint) for mistake in found]


def check_flow(path: Path, *further: FlowCheck) -> list[FlowError]:
    """Find every mistake in a file. The flow as a whole is checked once its parts are right.

    Args:
        path: The file.
        further: Checks of the whole flow beside `CHECKS`.
    """
    return _read(path, *CHECKS, *further)[1]


def _read(path: Path, *checks: FlowCheck) -> tuple[Flow | None, list[FlowError]]:
    file = _File(path)
    try:
        text = path.read_bytes()
    except OSError as error:
        return None, [file.error((), f"cannot be read ({error.strerror})")]
    if len(text) > LARGEST_BYTES:
        return None, [file.error((), "is larger than a mebibyte, which no flow is")]
    try:
        file.parse(text)
        content = file.content()
    except UNREADABLE as error:
        return None, [file.syntax_error(error, text)]
    if not isinstance(content, dict):
        return None, [file.error((), "is no flow", "it begins with 'flow: name'")]
    if errors := [*file.duplicate_keys, *file.misread_names(), *_verb_errors(file, content.get("nodes"))]:
        return None, errors
    try:
        flow = Flow.model_validate(content).in_folder(path.parent)
    except ValidationError as error:
        return None, _explained(file, error.errors())
    except (RecursionError, OverflowError):
        return None, [file.error((), "is nested too deeply, or has a number that is too large")]
    found = (mistake for check in checks for mistake in check(flow))
    return flow, [file.error(mistake.path, mistake.problem, mistake.hint) for mistake in found]


def _explained(file: "_File", found: list[ErrorDetails]) -> list[FlowError]:
    """The errors of pydantic, each mistake once: no missing field beside its misspelt name, one error for a value."""
    unknown: dict[tuple[int | str, ...], list[str]] = {}
    for mistake in found:
        if mistake["type"] == "extra_forbidden":
            unknown.setdefault(mistake["loc"][:-1], []).append(str(mistake["loc"][-1]))
    kept: dict[tuple[str, ...], ErrorDetails] = {}
    for mistake in found:
        where = mistake["loc"]
        if mistake["type"] == "missing" and get_close_matches(str(where[-1]), unknown.get(where[:-1], [])):
            continue
        kept.setdefault(file.place_of(where)[0], mistake)
    return [file.explained(mistake) for mistake in kept.values()]


VERBS_ELSEWHERE = {
    "gather": "'menu' asks for one key, 'collect' for several, 'listen' for words",
    "input": "'menu' asks for one key, 'collect' for several",
    "dial": "'transfer' connects the caller with a number",
    "pause": "'wait' is silent for a while",
    "redirect": "'then' names the node that follows",
    "schedule": "'hours' goes on by whether it is open now",
    "open": "'hours' goes on by whether it is open now",
    "enqueue": "'queue' puts the caller into a queue of Twilio's",
    "message": "'sms' sends a text message, 'record' takes one that is spoken",
    "text": "'sms' sends a text message",
    "call": "'subflow' runs another flow, 'transfer' calls somebody",
    "music": "'play' plays a recording",
    "speak": "'say' speaks a text",
    "prompt": "'say' speaks a text",
    "voicemail": "'record' takes a message",
    "if": "'choose' goes on by conditions",
    "switch": "'choose' goes on by conditions",
    "split": "'choose' goes on by conditions",
    "http": "'request' asks a web service",
    "webhook": "'request' asks a web service",
    "function": "'run' calls a function in Python",
}
"""What TwiML, Twilio Studio and other tools call the verbs of a flow, in lower case, and which verb does that here."""


def _verb_errors(file: "_File", nodes: object) -> list[FlowError]:
    """Nodes without exactly one verb; checked here, because pydantic's message about it would not help."""
    if not isinstance(nodes, dict):
        return []
    errors = []
    for name, node in nodes.items():
        verbs = verbs_in(node)
        path = ("nodes", str(name))
        if not isinstance(node, dict):
            errors.append(file.error(path, *_not_a_table(node)))
        elif len(verbs) > 1:
            errors.append(
                file.error((*path, verbs[1]), f"has the verbs {' and '.join(verbs)}", "one verb in each node")
            )
        elif not verbs:
            hints = (nearest(str(key), list(NODES)) or VERBS_ELSEWHERE.get(str(key).lower()) for key in node)
            hint = next((hint for hint in hints if hint), f"verbs are {', '.join(NODES)}")
            errors.append(file.error(path, "has no verb", hint))
    return errors


def _not_a_table(node: object) -> tuple[str, str]:
    """The problem and the hint for a node that has no fields."""
    if node is None:
        return "is empty", f"verbs are {', '.join(NODES)}"
    if isinstance(node, str) and node.split(":")[0] in NODES:
        return "is no table of fields", f"write {{{node.split(':')[0]}: …}}"
    return "is no table of fields", ""


class _File:
    """A file, its YAML tree, and the place of everything in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tree: YamlNode | None = None
        self.duplicate_keys: list[FlowError] = []

    def parse(self, text: bytes) -> None:
        self._tree = composed(text)
        self._find_duplicate_keys(self._tree, (), 0)

    def content(self) -> Any:
        """What is written in the file."""
        return value_of(self._tree)

    def error(self, path: tuple[str, ...], problem: str, hint: str = "", *, at_key: bool = False) -> FlowError:
        line, column = self._place(path, at_key=at_key)
        node = path[1] if len(path) > 1 and path[0] == "nodes" else None
        return FlowError(file=str(self._path), line=line, column=column, problem=problem, hint=hint, node=node)

    def syntax_error(self, error: Exception, text: bytes) -> FlowError:
        problem = problem_of(error)
        line, column = _place_of_syntax_error(error, text)
        hint = syntax_hint(problem)
        return FlowError(file=str(self._path), line=line, column=column, problem=f"is not YAML: {problem}", hint=hint)

    def explained(self, mistake: ErrorDetails) -> FlowError:
        """An error of pydantic, in the words of a flow's author."""
        path, scalar = self.place_of(mistake["loc"])
        field = path[-1] if path else ""
        if mistake["type"] == "extra_forbidden":
            hint = self._misplaced_node(path, mistake["input"]) or self._known_fields(path)
            return self.error(path, f"'{field}' is unknown", hint, at_key=True)
        if mistake["type"] == "missing":
            return self.error(path[:-1], f"'{field}' is missing")
        problem, hint = explanation(mistake, scalar=scalar)
        return self.error(path, f"'{field}': {problem}", hint, at_key="[key]" in mistake["loc"])

    def place_of(self, loc: tuple[int | str, ...]) -> tuple[tuple[str, ...], bool]:
        """The keys that lead to where pydantic found a mistake, and whether a scalar was expected there.

        Then pydantic adds the last kind that it tried, such as `str`, which may be the name of a key as well.
        """
        path = _without_tag([str(part) for part in loc if part != "[key]"])
        scalar = bool(path) and path[-1] in SCALARS and node_at(self._tree, path) is None
        return path[:-1] if scalar else path, scalar

    def misread_names(self) -> list[FlowError]:
        """Names of nodes that YAML reads as something other than text."""
        nodes = node_at(self._tree, ("nodes",))
        return [
            FlowError(
                file=str(self._path),
                line=key.start_mark.line + 1,
                column=key.start_mark.column + 1,
                problem=f"YAML does not read the node's name '{key.value}' as text",
                hint="put it in quotes, or choose another",
            )
            for key, _ in (nodes.value if isinstance(nodes, MappingNode) else [])
            if isinstance(key, ScalarNode) and key.tag not in (TEXT_TAG, MERGED_TAG)
        ]

    def _misplaced_node(self, path: tuple[str, ...], value: object) -> str:
        if not verbs_in(value):
            return ""
        return "a node belongs under 'nodes'" if len(path) == 1 else "a node is indented like the other nodes"

    def _known_fields(self, path: tuple[str, ...]) -> str:
        *above, field = path
        kind: type[BaseModel] = Flow
        if len(above) > 1:
            node = node_at(self._tree, above[:2])
            keys = [key.value for key, _ in node.value] if isinstance(node, MappingNode) else []
            verb = next((key for key in keys if key in NODES), None)
            if verb is None:  # it has the verb of another node, by YAML's `<<`
                return ""
            kind = NODES[verb]
        for part in above[2:]:
            kind = next(
                (
                    inner
                    for name in kind.model_fields
                    if part in (name, kind.model_fields[name].alias)
                    for inner in models_in(kind.model_fields[name].annotation)
                ),
                kind,
            )
        known = fields_of(kind)
        return nearest(field, known) or f"known are {', '.join(known)}"

    def _place(self, path: tuple[str, ...], *, at_key: bool) -> tuple[int, int]:
        """Line and column of a value, counted from 1; of the innermost part that exists when the value does not."""
        node = self._tree
        place = (1, 1)
        for part in path:
            key, node = child(node, part)
            if key is None or node is None:
                break
            mark = key.start_mark if at_key or isinstance(node, MappingNode) else node.start_mark
            place = (mark.line + 1, mark.column + 1)
        return place

    def _find_duplicate_keys(self, node: YamlNode | None, path: tuple[str, ...], depth: int) -> None:
        """Find keys that are in the same table twice: YAML takes the last, and the author meant both."""
        if depth > 100:
            raise RecursionError
        if isinstance(node, SequenceNode):
            for item in node.value:
                self._find_duplicate_keys(item, path, depth + 1)
        if not isinstance(node, MappingNode):
            return
        seen: dict[str, int] = {}
        for key, value in node.value:
            if key.tag == MERGED_TAG or not isinstance(key, ScalarNode):
                continue
            if key.value in seen:
                mark = key.start_mark
                self.duplicate_keys.append(
                    FlowError(
                        file=str(self._path),
                        line=mark.line + 1,
                        column=mark.column + 1,
                        problem=f"'{key.value}' stands here for the second time",
                        hint=f"first in line {seen[key.value]}",
                    )
                )
            seen.setdefault(key.value, key.start_mark.line + 1)
            self._find_duplicate_keys(value, (*path, key.value), depth + 1)


def _place_of_syntax_error(error: Exception, text: bytes) -> tuple[int, int]:
    """Line and column of an unclosed bracket or quote, or else of where reading ended."""
    opened, mark = getattr(error, "context_mark", None), getattr(error, "problem_mark", None)
    unclosed = re.search("flow mapping|flow sequence|quoted scalar", getattr(error, "context", None) or "")
    if opened is not None and mark is not None and unclosed and mark.line > opened.line:
        mark = opened
    if mark is not None:
        return mark.line + 1, mark.column + 1
    position = getattr(error, "position", None)
    if isinstance(position, int):
        before = text[:position]
        return before.count(b"\n") + 1, position - (before.rfind(b"\n") + 1) + 1
    return 1, 1


def _without_tag(path: list[str]) -> tuple[str, ...]:
    """The path without the verb, which pydantic puts between a node's name and its field."""
    if len(path) > 2 and path[0] == "nodes" and path[2] in NODES:
        del path[2]
    return tuple(path)
