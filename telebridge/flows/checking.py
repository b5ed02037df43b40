"""Mistakes that a flow as a whole can have although each of its parts is right.

Targets that do not exist, nodes that nothing leads to, loops that go on with nobody on the line, names in texts that
nothing sets, question rules that contradict themselves.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from telebridge.audio.tones import PAUSE, unknown_keys
from telebridge.errors import ConfigurationError
from telebridge.flows.error_messages import NAME_PATTERN
from telebridge.flows.model import (
    ADDRESS,
    CallBackNode,
    ChooseNode,
    CollectNode,
    Flow,
    HangUpNode,
    MenuNode,
    Node,
    OptOutNode,
    RecordNode,
    RequestNode,
    RunNode,
    SayNode,
    SendDigitsNode,
    SetNode,
    TransferNode,
    WaitNode,
    conditions_of,
    digit_rules,
    sets,
    texts_of,
)
from telebridge.flows.templates import TemplateProblem, names_in, names_in_condition

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
    dangling = list(_dangling(flow))
    return [
        *dangling,
        *_names(flow),
        *_questions(flow),
        *_cases(flow),
        *_keys(flow),
        *_numbers(flow),
        *_times(flow),
        *_texts(flow),
        *(() if dangling else _unreachable(flow)),  # else most of it follows from the wrong target
        *_loops(flow),
        *_silent_loops(flow),
    ]


def targets(node: Node) -> Mapping[Path, str]:
    """Where a node can lead, by where that stands in the node."""
    match node:
        case SayNode() | SetNode() | WaitNode() | SendDigitsNode() | OptOutNode():
            return {("then",): node.then}
        case ChooseNode():
            return {("choose", str(at), "then"): case.then for at, case in enumerate(node.choose)}
        case MenuNode():
            roads = _ladders(node)
            for key, target in node.choices.items():
                roads["choices", key] = target
            return roads
        case CollectNode():
            return {("then",): node.then, **_ladders(node)}
        case RequestNode() | RunNode() | TransferNode():
            return _named({"then": node.then, "failed": node.failed})
        case RecordNode(then=then, nothing=nothing):
            return _named({"then": then, "nothing": nothing})
        case CallBackNode(then=then, invalid=invalid):
            return _named({"then": then, "invalid": invalid})
        case HangUpNode():
            return {}


def _named(roads: Mapping[str, str | None]) -> dict[Path, str]:
    return {(field,): target for field, target in roads.items() if target is not None}


def _ladders(node: MenuNode | CollectNode) -> dict[Path, str]:
    named = {("no_input", "then"): node.no_input.then, ("no_match", "then"): node.no_match.then}
    return {path: target for path, target in named.items() if target is not None}


def _dangling(flow: Flow) -> Iterator[Mistake]:
    named: dict[Path, str] = {("start",): flow.start}
    if flow.escape is not None:
        named["escape", "then"] = flow.escape.then
    named |= {("entrances", str(at)): target for at, target in enumerate(flow.entrances)}
    for path, target in named.items():
        if target not in flow.nodes:
            yield Mistake(path, f"there is no node '{target}'", nearest(target, flow.nodes))
    for name, node in flow.nodes.items():
        for path, target in targets(node).items():
            if target not in flow.nodes:
                hint = nearest(target, flow.nodes)
                yield Mistake(("nodes", name, *path), f"there is no node '{target}'", hint)


def _names(flow: Flow) -> Iterator[Mistake]:
    """Names that no text could use."""
    for name in flow.variables:
        if not re.match(NAME_PATTERN, name):
            yield Mistake(("variables", name), f"'{name}' is no name", "letters, digits and _ are, and no digit first")


def _questions(flow: Flow) -> Iterator[Mistake]:
    for name, node in flow.nodes.items():
        if isinstance(node, MenuNode | CollectNode):
            if isinstance(node, CollectNode) and (node.digits.max or node.digits.min) < node.digits.min:
                told = f"'max' ({node.digits.max}) is less than 'min' ({node.digits.min})"
                yield Mistake(("nodes", name, "digits", "max"), told)
                continue
            try:
                digit_rules(node)
            except ConfigurationError as error:
                yield Mistake(("nodes", name, "digits"), str(error))


def _texts(flow: Flow) -> Iterator[Mistake]:
    known = BUILT_IN.union(flow.variables, *(sets(node) for node in flow.nodes.values()))
    texts: dict[Path, str] = {("apology",): flow.apology}
    for name, node in flow.nodes.items():
        texts |= {("nodes", name, *path): text for path, text in texts_of(node).items()}
    for path, text in texts.items():
        yield from _unknown_names(path, text, names_in, known)
    for name, node in flow.nodes.items():
        for path, condition in conditions_of(node).items():
            yield from _unknown_names(("nodes", name, *path), condition, names_in_condition, known)


def _unknown_names(
    path: Path, text: str, names: Callable[[str], frozenset[str]], known: frozenset[str]
) -> Iterator[Mistake]:
    try:
        unknown = sorted(names(text) - known)
    except TemplateProblem as error:
        yield Mistake(path, str(error), error.hint)
        return
    for name in unknown:
        yield Mistake(path, f"nothing sets the variable '{name}'", nearest(name, known) or "name it under 'variables'")


def _cases(flow: Flow) -> Iterator[Mistake]:
    """A `choose` needs a way out, and none behind it."""
    for name, node in flow.nodes.items():
        if not isinstance(node, ChooseNode):
            continue
        always = [at for at, case in enumerate(node.choose) if case.condition is None]
        if not always:
            yield Mistake(("nodes", name, "choose"), "has no case without 'if'", "end with {then: …} for all else")
        elif always[0] < len(node.choose) - 1:
            yield Mistake(
                ("nodes", name, "choose", str(always[0] + 1)), "is never reached: the case before always holds"
            )


def _keys(flow: Flow) -> Iterator[Mistake]:
    """Keys that stand in the file as such; those of a template are known in the call only."""
    for name, node in flow.nodes.items():
        if isinstance(node, SendDigitsNode) and "{" not in node.send_digits:
            for key in unknown_keys(node.send_digits)[:1]:
                hint = f"0 to 9, A to D, *, # and {PAUSE} for a pause are"
                yield Mistake(("nodes", name, "send_digits"), f"'{key}' is no telephone key", hint)


def _numbers(flow: Flow) -> Iterator[Mistake]:
    """Numbers that stand in the file as such, and would be refused when a caller waits to be connected."""
    for name, node in flow.nodes.items():
        if not isinstance(node, TransferNode):
            continue
        for field, number in (("transfer", node.transfer), ("caller_id", node.caller_id)):
            if number is not None and "{" not in number and not ADDRESS.fullmatch(number):
                hint = "write it with + and the country, such as +15551230100, or as sip:… or client:…"
                yield Mistake(("nodes", name, field), f"'{number}' cannot be called", hint)


def _times(flow: Flow) -> Iterator[Mistake]:
    """Better times: one for each node, and one that can be read where it stands in the file as such."""
    for name, node in flow.nodes.items():
        if not isinstance(node, CallBackNode):
            continue
        if node.in_ is None and node.at is None:
            yield Mistake(("nodes", name), "has no time", "give it 'in', such as 2h, or 'at', a date and time")
        elif node.in_ is not None and (beside := "at" if node.at is not None else "invalid" if node.invalid else ""):
            yield Mistake(("nodes", name, beside), f"'{beside}' does not go with 'in'", "leave one of them out")
        elif node.at is not None and "{" not in node.at and not _is_time(node.at):
            hint = "write it as 2026-03-02T09:30, or with an offset as 2026-03-02T09:30+01:00"
            yield Mistake(("nodes", name, "at"), f"'{node.at}' is no date and time", hint)


def _is_time(written: str) -> bool:
    try:
        datetime.fromisoformat(written.strip())
    except ValueError:
        return False
    return True


def _unreachable(flow: Flow) -> Iterator[Mistake]:
    """Nodes that no call comes to; of those that lead on to each other the first is told."""
    reached = _reached_from(flow, flow.start)
    if flow.escape is not None:
        reached |= _reached_from(flow, flow.escape.then)
    for entrance in flow.entrances:
        reached |= _reached_from(flow, entrance)
    lost = [name for name in flow.nodes if name not in reached]
    led_to = {target for name in lost for target in targets(flow.nodes[name]).values() if target != name}
    for name in sorted(lost, key=lambda name: name in led_to):
        if name not in reached:
            yield Mistake(("nodes", name), "no way leads here" if name in led_to else "nothing leads here")
            reached |= _reached_from(flow, name)


def _reached_from(flow: Flow, start: str) -> set[str]:
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        name = ahead.pop()
        if name not in reached and name in flow.nodes:
            reached.add(name)
            ahead += targets(flow.nodes[name]).values()
    return reached


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


def _silent_loops(flow: Flow) -> Iterator[Mistake]:
    """A `choose` that leads back to itself through nothing but others: nothing changes meanwhile, so it never ends."""
    onward = {
        name: [target for target in targets(node).values() if isinstance(flow.nodes.get(target), ChooseNode)]
        for name, node in flow.nodes.items()
        if isinstance(node, ChooseNode)
    }
    told: set[str] = set()
    for start in onward:
        seen: set[str] = set()
        ahead = list(onward[start])
        while ahead:
            name = ahead.pop()
            if name not in seen:
                seen.add(name)
                ahead += onward[name]
        if start in seen and not told & seen:
            told.add(start)
            yield Mistake(("nodes", start), "leads back to itself with nothing in between that could change the choice")


def _without_caller(node: Node) -> str | None:
    """Where a node leads when the caller does nothing at all; None where that depends on something else."""
    match node:
        case SayNode() | SetNode() | WaitNode() | SendDigitsNode() | OptOutNode() | CallBackNode():
            return node.then
        case MenuNode() | CollectNode():
            return node.no_input.then
        case RecordNode():
            return node.nothing or node.then
        case RequestNode() | RunNode() | TransferNode():
            return node.failed  # what failed once may fail for ever
        case ChooseNode() | HangUpNode():
            return None


def nearest(name: str, known: Mapping[str, object] | frozenset[str] | list[str]) -> str:
    """A hint at the known name that is most like it, or nothing."""
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""
