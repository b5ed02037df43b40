"""Which numbers and addresses calls may be transferred to.

One rule: without a list only numbers that are written in a flow file are dialled, never one that a caller chose.
"""

from collections.abc import Callable, Iterable, Iterator

from telebridge.flows.checking import BUILT_IN
from telebridge.flows.checks.mistakes import Mistake
from telebridge.flows.inspection import variables_set_by
from telebridge.flows.model import Flow, SetNode, TransferNode
from telebridge.flows.templates import TemplateProblem, names_in
from telebridge.flows.values import ADDRESS

MayTransfer = Callable[[str], bool]
"""Whether a call may be transferred to a number or address."""


def anywhere(_to: str) -> bool:
    """Allow every number and address: for calls without settings."""
    return True


class AllowedTransfers:
    """Decides whether a call may be transferred to a number or address.

    Args:
        prefixes: `transfers.allowed`: a number that begins with one of them is allowed; None for those in `flows`.
        flows: Returns the flow files that are in service.
    """

    def __init__(self, prefixes: tuple[str, ...] | None, flows: Callable[[], Iterable[Flow]]) -> None:
        self._prefixes = prefixes
        self._flows = flows

    def allow(self, to: str) -> bool:
        """Whether a call may be transferred there."""
        if self._prefixes is not None:
            return to.startswith(self._prefixes)
        return any(to in written_numbers(flow) for flow in self._flows())


def written_numbers(flow: Flow) -> frozenset[str]:
    """The numbers and addresses that are written in a flow file, at a transfer or as the value of a variable."""
    return frozenset(text for text in _texts(flow) if isinstance(text, str) and ADDRESS.fullmatch(text))


def _texts(flow: Flow) -> Iterator[object]:
    yield from flow.variables.values()
    for node in flow.nodes.values():
        if isinstance(node, TransferNode):
            yield node.transfer
        elif isinstance(node, SetNode):
            yield from node.set.values()


def transfer_warnings(flow: Flow, prefixes: tuple[str, ...] | None) -> list[Mistake]:
    """Return the transfers of a flow that are refused always, or when the caller chooses the number."""
    from_calls = BUILT_IN.union(
        *(variables_set_by(node) for node in flow.nodes.values() if not isinstance(node, SetNode))
    )
    written = written_numbers(flow)
    found = []
    for name, node in flow.nodes.items():
        if not isinstance(node, TransferNode):
            continue
        path = ("nodes", name, "transfer")
        if node.transfer in written and prefixes is not None and not node.transfer.startswith(prefixes):
            found.append(Mistake(path, f"'{node.transfer}' is not in transfers.allowed, so it is not dialled"))
        elif prefixes is None and _names(node.transfer) & from_calls:
            problem = "only numbers that are written out in the flow files are dialled"
            found.append(Mistake(path, problem, "name the prefixes of others under transfers.allowed"))
    return found


def _names(text: str) -> frozenset[str]:
    try:
        return names_in(text)
    except TemplateProblem:
        return frozenset()
