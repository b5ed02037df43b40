"""Mistakes between flows: names of flows that do not exist, what they need, flows that run one another without end.

One rule: each check looks at flows that were checked one by one, and names the place in the file that refers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from telebridge.flows.checks.mistakes import Mistake, nearest
from telebridge.flows.inspection import target_without_caller
from telebridge.flows.interpreter import DEEPEST
from telebridge.flows.model import Flow
from telebridge.flows.nodes.subflows import GotoNode, ReturnNode, SubflowNode

FlowPlace = tuple[str, str]
"""A flow and a node of it."""


def flows_led_to(flow: Flow) -> frozenset[str]:
    """The names of the flows that a flow goes to or runs."""
    to = frozenset(node.goto for node in flow.nodes.values() if isinstance(node, GotoNode))
    return to | {node.subflow for node in flow.nodes.values() if isinstance(node, SubflowNode)}


def reference_mistakes(flow: Flow, flows: Mapping[str, Flow], other_names: frozenset[str]) -> list[Mistake]:
    """Mistakes of a flow's `goto` and `subflow` nodes.

    Args:
        flow: The flow.
        flows: All flow files by the names of their flows, this one among them.
        other_names: The names of flows that are no files: Python flows.
    """
    found: list[Mistake] = []
    for name, node in flow.nodes.items():
        if isinstance(node, GotoNode | SubflowNode):
            found += _of_node(flow, name, node, flows, other_names)
    return found or [*_recursion(flow, flows), *_silent_loops(flow, flows)]


def _of_node(
    flow: Flow, name: str, node: GotoNode | SubflowNode, flows: Mapping[str, Flow], other_names: frozenset[str]
) -> Iterator[Mistake]:
    verb, wanted = ("goto", node.goto) if isinstance(node, GotoNode) else ("subflow", node.subflow)
    path = ("nodes", name)
    if (other := flows.get(wanted)) is None:
        if wanted in other_names:
            yield Mistake((*path, verb), f"'{wanted}' is a Python flow", "a flow file leads to flow files only")
            return
        hint = "'then' names a node of this flow" if wanted in flow.nodes else nearest(wanted, dict(flows))
        yield Mistake((*path, verb), f"there is no flow '{wanted}'", hint)
        return
    if isinstance(node, GotoNode) and node.node is not None and node.node not in other.nodes:
        problem = f"there is no node '{node.node}' in flow '{wanted}'"
        yield Mistake((*path, "node"), problem, nearest(node.node, other.nodes))
    if isinstance(node, SubflowNode) and not _returns(other, flows, frozenset()):
        yield Mistake((*path, verb), f"flow '{wanted}' never returns", "give it a 'return', or go there by 'goto'")
    known = frozenset((*other.variables, *other.needs))
    for variable in node.variables:
        if variable not in known:
            hint = nearest(variable, known) or f"name it under 'variables' of '{wanted}'"
            yield Mistake((*path, "variables", variable), f"flow '{wanted}' has no variable '{variable}'", hint)
    for variable in other.needs:
        if variable not in node.variables and variable not in flow.needs:
            yield Mistake((*path, verb), f"flow '{wanted}' needs '{variable}'", "pass it under 'variables'")


def _returns(flow: Flow, flows: Mapping[str, Flow], seen: frozenset[str]) -> bool:
    """Whether a flow, or one that it goes to, returns."""
    for node in flow.nodes.values():
        if isinstance(node, ReturnNode):
            return True
        if isinstance(node, GotoNode) and node.goto not in seen:
            other = flows.get(node.goto)
            if other is not None and _returns(other, flows, seen | {flow.flow}):
                return True
    return False


def _recursion(flow: Flow, flows: Mapping[str, Flow]) -> Iterator[Mistake]:
    """Flows that wait for one another in a circle, or in a chain that is too long."""
    for name, node in flow.nodes.items():
        if not isinstance(node, SubflowNode):
            continue
        chain = _deepest(node.subflow, flows, (flow.flow,))
        if chain[-1] in chain[:-1]:
            problem = f"flows run one another without end: {' → '.join(chain)}"
            yield Mistake(("nodes", name, "subflow"), problem, "let one of them go on by 'goto' or 'return'")
        elif len(chain) - 1 > DEEPEST:
            problem = f"{len(chain) - 1} flows wait for one another: {' → '.join(chain)}"
            yield Mistake(("nodes", name, "subflow"), problem, f"at most {DEEPEST} can")


def _deepest(name: str, flows: Mapping[str, Flow], chain: tuple[str, ...]) -> tuple[str, ...]:
    """The longest chain of flows that wait for one another from here; one that comes back to itself ends there."""
    chain = (*chain, name)
    if name in chain[:-1] or len(chain) > DEEPEST + 2:
        return chain
    longest = chain
    for inner in _run_by(name, flows, frozenset()):
        deeper = _deepest(inner, flows, chain)
        if deeper[-1] in deeper[:-1]:
            return deeper
        longest = max(longest, deeper, key=len)
    return longest


def _run_by(name: str, flows: Mapping[str, Flow], seen: frozenset[str]) -> frozenset[str]:
    """The flows that a flow runs, and those that a flow runs to which it goes."""
    found: set[str] = set()
    flow = flows.get(name)
    for node in () if flow is None else flow.nodes.values():
        if isinstance(node, SubflowNode):
            found.add(node.subflow)
        elif isinstance(node, GotoNode) and node.goto not in seen:
            found |= _run_by(node.goto, flows, seen | {name})
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Silence:
    """Follows a caller who does nothing at all through several flows."""

    flows: Mapping[str, Flow]

    def after(self, place: FlowPlace) -> FlowPlace | None:
        """The place that follows; None where the call ends, goes back, or asks something else."""
        flow = self.flows[place[0]]
        match flow.nodes.get(place[1]):
            case None:
                return None
            case GotoNode(goto=other, node=node):
                return None if other not in self.flows else (other, node or self.flows[other].start)
            case SubflowNode(subflow=other, then=then):
                return (place[0], then) if self.comes_back(other) else None
            case node:
                target = target_without_caller(node)
                return None if target is None else (place[0], target)

    def comes_back(self, name: str) -> bool:
        """Whether a flow returns though nobody does anything."""
        if name not in self.flows:
            return False
        place: FlowPlace | None = (name, self.flows[name].start)
        seen: set[FlowPlace] = set()
        while place is not None and place not in seen:
            seen.add(place)
            if isinstance(self.flows[place[0]].nodes.get(place[1]), ReturnNode):
                return True
            place = self.after(place)
        return False


def _silent_loops(flow: Flow, flows: Mapping[str, Flow]) -> Iterator[Mistake]:
    """Paths back to a node, over other flows, on which the caller does nothing at all."""
    silence = _Silence(flows)
    for name, node in flow.nodes.items():
        if not isinstance(node, GotoNode | SubflowNode):
            continue
        start = place = (flow.flow, name)
        path = [start]
        while (following := silence.after(place)) is not None and following not in path:
            path.append(following)
            place = following
        if following == start:
            loop = " → ".join(f"{flow_name}/{each}" for flow_name, each in [*path, start])
            yield Mistake(("nodes", name), f"a silent caller goes round for ever: {loop}", "let one of them hang up")
            return
