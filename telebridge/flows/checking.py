"""Mistakes that a flow as a whole can have although each of its parts is right.

Targets that do not exist, nodes that nothing leads to, loops that go on with nobody on the line, names in texts that
nothing sets, question rules that contradict themselves.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from telebridge.errors import ConfigurationError
from telebridge.flows.model import CollectNode, Flow, HangUpNode, MenuNode, Node, SayNode, digit_rules, texts_of
from telebridge.flows.templates import TemplateProblem, names_in

BUILT_IN = frozenset({"from", "to"})

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and where in the file: the keys that lead there."""

    path: Path
    problem: str
    hint: str = ""


def mistakes(flow: Flow) -> list[Mistake]:
    """Every mistake, in the order in which they are best mended."""
    return [*_dangling(flow), *_questions(flow), *_texts(flow), *_unreachable(flow), *_loops(flow)]


def targets(node: Node) -> Mapping[Path, str]:
    """Where a node can lead, by where that stands in the node."""
    match node:
        case SayNode():
            return {("then",): node.then}
        case MenuNode():
            roads = _ladders(node)
            for key, target in node.choices.items():
                roads["choices", key] = target
            return roads
        case CollectNode():
            return {("then",): node.then, **_ladders(node)}
        case HangUpNode():
            return {}


def _ladders(node: MenuNode | CollectNode) -> dict[Path, str]:
    named = {("no_input", "then"): node.no_input.then, ("no_match", "then"): node.no_match.then}
    return {path: target for path, target in named.items() if target is not None}


def _dangling(flow: Flow) -> Iterator[Mistake]:
    if flow.start not in flow.nodes:
        yield Mistake(("start",), f"there is no node '{flow.start}'", nearest(flow.start, flow.nodes))
    for name, node in flow.nodes.items():
        for path, target in targets(node).items():
            if target not in flow.nodes:
                hint = nearest(target, flow.nodes)
                yield Mistake(("nodes", name, *path), f"there is no node '{target}'", hint)


def _questions(flow: Flow) -> Iterator[Mistake]:
    for name, node in flow.nodes.items():
        if isinstance(node, MenuNode | CollectNode):
            try:
                digit_rules(node)
            except ConfigurationError as error:
                yield Mistake(("nodes", name, "digits"), str(error))


def _texts(flow: Flow) -> Iterator[Mistake]:
    known = (
        BUILT_IN | flow.variables.keys() | {node.into for node in flow.nodes.values() if isinstance(node, CollectNode)}
    )
    texts: dict[Path, str] = {("apology",): flow.apology}
    for name, node in flow.nodes.items():
        texts |= {("nodes", name, *path): text for path, text in texts_of(node).items()}
    for path, text in texts.items():
        try:
            unknown = sorted(names_in(text) - known)
        except TemplateProblem as error:
            yield Mistake(path, str(error))
            continue
        for name in unknown:
            hint = nearest(name, known) or "name it under 'variables'"
            yield Mistake(path, f"nothing sets the variable '{name}'", hint)


def _unreachable(flow: Flow) -> Iterator[Mistake]:
    reached: set[str] = set()
    ahead = [flow.start]
    while ahead:
        name = ahead.pop()
        if name in reached or name not in flow.nodes:
            continue
        reached.add(name)
        ahead += targets(flow.nodes[name]).values()
    for name in flow.nodes:
        if name not in reached:
            yield Mistake(("nodes", name), "nothing leads here")


def _loops(flow: Flow) -> Iterator[Mistake]:
    """A road that leads back to where it was without the caller doing anything: a dead line would go on for ever."""
    onward = {name: _without_caller(node) for name, node in flow.nodes.items()}
    told: set[str] = set()
    for start in flow.nodes:
        road = [start]
        while (following := onward.get(road[-1])) is not None and following not in road:
            road.append(following)
        if following == start and start not in told:
            told.update(road)
            way = " → ".join([*road, start])
            yield Mistake(("nodes", start), f"a silent caller goes round for ever: {way}", "let one of them hang up")


def _without_caller(node: Node) -> str | None:
    """Where a node leads when the caller does nothing at all."""
    if isinstance(node, SayNode):
        return node.then
    return node.no_input.then if isinstance(node, MenuNode | CollectNode) else None


def nearest(name: str, known: Mapping[str, object] | frozenset[str] | list[str]) -> str:
    """A hint at the known name that is most like it, or nothing."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""
