"""A flow as a graph of boxes and arrows, and that graph as Mermaid text.

Follows Mermaid's page "Flowcharts - Basic Syntax".

One rule: nothing here knows a verb; the arrows are those of `inspection.targets`, so a new verb is drawn too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telebridge.flows.inspection import KeyPath, conditions_of, escape_applies, targets, value_of_verb, verb_of
from telebridge.flows.model import Escape, Flow, Node
from telebridge.flows.nodes.hours import OpeningTimes

LONGEST_TEXT = 110
"""How many characters of a text are drawn: enough to recognize a prompt."""


@dataclass(frozen=True, slots=True)
class Box:
    """A node as it is drawn.

    Args:
        name: The node's name.
        verb: What it does.
        text: What it says, waits, sets, …; shortened, and empty where the arrows show it.
        start: Whether the flow begins here.
        end: Whether no node follows.
    """

    name: str
    verb: str
    text: str
    start: bool
    end: bool


@dataclass(frozen=True, slots=True)
class Arrow:
    """An arrow from one node to another; several transitions between the same two nodes are one arrow."""

    source: str
    target: str
    label: str


@dataclass(frozen=True, slots=True)
class Graph:
    """The boxes and arrows of a whole flow, in the order of its file."""

    title: str
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]


def graph_of(flow: Flow) -> Graph:
    """The graph of a flow that was checked."""
    boxes = tuple(_box(name, node, start=name == flow.start) for name, node in flow.nodes.items())
    arrows = tuple(arrow for name, node in flow.nodes.items() for arrow in _arrows(name, node, flow.escape))
    return Graph(flow.flow, boxes, arrows)


def _box(name: str, node: Node, *, start: bool) -> Box:
    verb = verb_of(node)
    text = " ".join(_text_of(value_of_verb(node)).split())
    shown = text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1].rstrip() + "…"
    return Box(name, verb, shown, start, end=not targets(node))


def _text_of(value: Any) -> str:
    match value:
        case str():
            return value
        case int() | float():
            return f"{value:g} s"
        case OpeningTimes():
            return str(value)
        case Mapping():
            return ", ".join(f"{name} = {each}" for name, each in value.items())
        case _:
            return ""


def _arrows(name: str, node: Node, escape: Escape | None) -> list[Arrow]:
    labels_to: dict[str, list[str]] = {}
    for path, target in sorted(targets(node).items(), key=lambda named: _is_after_reprompts(named[0])):
        labels_to.setdefault(target, []).append(_label(node, path))
    if escape is not None and escape_applies(node, escape.key):
        labels_to.setdefault(escape.then, []).append(escape.key)
    alone = len(labels_to) == 1
    return [
        Arrow(name, target, "" if alone and labels == ["then"] else _joined(labels))
        for target, labels in labels_to.items()
    ]


def _is_after_reprompts(path: KeyPath) -> bool:
    """Whether a target is for a caller who does not answer; such labels come last."""
    return len(path) == 2 and path[1] == "then"


def _joined(labels: list[str]) -> str:
    return ", ".join(dict.fromkeys(labels))


def _label(node: Node, path: KeyPath) -> str:
    """What must happen for the node at this place to follow."""
    conditions = conditions_of(node)
    if (beside := (*path[:-1], "if")) in conditions:
        return conditions[beside]
    if path[0] == "choose":
        return "otherwise"
    last = path[-2] if len(path) > 1 and path[-1] == "then" else path[-1]
    return last.replace("_", " ")


def mermaid(graph: Graph) -> str:
    """The graph as Mermaid text, ready for a page or a pull request."""
    ids = {box.name: f"n{at}" for at, box in enumerate(graph.boxes)}
    lines = ["---", f"title: {graph.title}", "---", "flowchart TD"]
    for box in graph.boxes:
        lines.append(f"  {ids[box.name]}{_shape(box)}")
        if box.start:
            lines.append(f"  start((start)) --> {ids[box.name]}")
    for arrow in graph.arrows:
        label = f'|"{_escaped(arrow.label)}"|' if arrow.label else ""
        lines.append(f"  {ids[arrow.source]} -->{label} {ids[arrow.target]}")
    ends = ",".join(ids[box.name] for box in graph.boxes if box.end)
    lines.append("  classDef ends fill:#fde8e8,stroke:#b42318")
    if ends:
        lines.append(f"  class {ends} ends")
    return "\n".join(lines) + "\n"


def _shape(box: Box) -> str:
    text = f"<b>{_escaped(box.name)}</b> {_escaped(box.verb)}" + (f"<br/>{_escaped(box.text)}" if box.text else "")
    return f'(["{text}"])' if box.end else f'["{text}"]'


def _escaped(text: str) -> str:
    """Mermaid takes entities with a number sign in place of the ampersand."""
    return "".join(f"#{ord(character)};" if character in '"#&<>`*\\' else character for character in text)
