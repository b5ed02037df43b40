"""What the contacts of a campaign will hear: its first calls word for word, and what its columns do not fill.

One rule: nothing is called; a flow is rehearsed as `telebridge flow try` does it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from typing import Any

from telebridge.campaigns.engine.campaign import Campaign
from telebridge.campaigns.engine.contact import Contact
from telebridge.campaigns.store.protocols import CampaignStore
from telebridge.flows.checking import BUILT_IN
from telebridge.flows.inspection import folded_name, matched_variables, used_variables, variables_set_by
from telebridge.flows.model import Flow, RunNode
from telebridge.flows.nodes.questions import CollectNode, MenuNode
from telebridge.flows.rehearsal import CannotRehearse, Rehearsal, RehearsalLine

FIRST_CALLS = 3
MOST_ANSWERS = 4
HEARD = frozenset({"says", "asks", "records", "transfers", "fails"})
PRESSES = "presses"


@dataclass(frozen=True, slots=True)
class CallWords:
    """The words of one call.

    Args:
        phone: Who is called.
        lines: What is said, node by node, to somebody who chooses the first answer of each question, and what they
            press.
        to_machine: What is said to an answering machine; empty when it is no other.
    """

    phone: str
    lines: tuple[RehearsalLine, ...]
    to_machine: tuple[RehearsalLine, ...] = ()

    @property
    def spoken(self) -> list[RehearsalLine]:
        """What a voice says to a person, in its order."""
        return [line for line in self.lines if line.what in {"says", "asks", "records"}]


@dataclass(frozen=True, slots=True)
class CampaignWords:
    """What a campaign says.

    Args:
        flow: The name of its flow.
        calls: Its first calls; none for a Python flow, which only a call can lead.
        unfilled: The variables that no column fills, each with what is said in its place.
        unused: The columns that no text uses.
        hints: For variables among `unfilled`, the column that may be meant.
    """

    flow: str
    calls: tuple[CallWords, ...] = ()
    unfilled: Mapping[str, Any] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    hints: Mapping[str, str] = field(default_factory=dict)

    @property
    def warnings(self) -> list[str]:
        """What its owner should look at, in words."""
        told = []
        for name, value in self.unfilled.items():
            said = "nothing is said in its place" if value in ("", None) else f"everybody hears {value!r}"
            near = (
                f"; did you mean the column '{self.hints[name]}'? Then set columns.{name}" if name in self.hints else ""
            )
            told.append(f"no column fills {{{{ {name} }}}}: {said}{near}")
        if self.unused:
            told.append(f"no text uses the columns {', '.join(repr(name) for name in self.unused)}")
        return told

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "flow": self.flow,
            "unfilled": dict(self.unfilled),
            "unused": list(self.unused),
            "first_calls": [asdict(call) for call in self.calls],
        }


async def words_in_store(store: CampaignStore, campaign: Campaign, flow: object | None) -> CampaignWords | None:
    """What the contacts of a campaign that come first will hear; None where there are none, or the flow is away.

    Args:
        store: The campaigns.
        campaign: The campaign.
        flow: Its flow: a `Flow`, or one that is written in Python; None when it is away.
    """
    if flow is None:
        return None
    return words_of_first(campaign, flow, await store.reports.first_ready(campaign.id, FIRST_CALLS))


def words_of_first(campaign: Campaign, flow: object, ready: Sequence[Contact]) -> CampaignWords | None:
    """What these contacts will hear; None where there are none.

    Args:
        campaign: The campaign.
        flow: Its flow: a `Flow`, or one that is written in Python.
        ready: Its contacts that come first.
    """
    if not ready:
        return None
    if not isinstance(flow, Flow):
        return CampaignWords(campaign.plan.flow)
    first = [(contact.phone, contact.variables) for contact in ready]
    number, node = campaign.plan.numbers[0].number, campaign.plan.message_node
    return words_of(flow, first[0][1], first, from_number=number, message_node=node)


def words_of(
    flow: Flow,
    columns: Iterable[str],
    contacts: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    from_number: str,
    message_node: str = "",
) -> CampaignWords:
    """What a campaign says.

    Args:
        flow: Its flow.
        columns: The variables that its contacts have, by name.
        contacts: The number and the variables of the first contacts.
        from_number: The number that it calls from.
        message_node: Where a message for a machine begins.
    """
    columns = list(columns)
    used = used_variables(flow)
    set_in_call = frozenset[str]().union(*(variables_set_by(node) for node in flow.nodes.values()))
    filled = matched_variables(dict.fromkeys(columns), used)
    unfilled = {name: flow.variables.get(name) for name in sorted(used - BUILT_IN - set_in_call) if name not in filled}
    folded_used = {folded_name(name) for name in used}
    unused = [name for name in columns if folded_name(name) not in folded_used]
    runs_python = any(isinstance(node, RunNode) for node in flow.nodes.values())  # which is given every variable
    by_folded = {folded_name(name): name for name in unused}
    near = {name: get_close_matches(folded_name(name), by_folded, n=1, cutoff=0.5) for name in unfilled}
    return CampaignWords(
        flow.flow,
        tuple(
            call_words(flow, phone, variables, from_number=from_number, message_node=message_node)
            for phone, variables in contacts
        ),
        unfilled,
        () if runs_python else tuple(unused),
        {name: by_folded[found[0]] for name, found in near.items() if found},
    )


def call_words(
    flow: Flow, phone: str, variables: Mapping[str, Any], *, from_number: str, message_node: str = ""
) -> CallWords:
    """The words of a call to one contact; see `words_of` for the arguments."""
    known = {**variables, "from": from_number, "to": phone}
    to_machine = _heard(flow, known, message_node) if message_node in flow.nodes else []
    return CallWords(phone, tuple(_heard(flow, known)), tuple(to_machine))


def _heard(flow: Flow, variables: Mapping[str, Any], node: str | None = None) -> list[RehearsalLine]:
    rehearsal = Rehearsal(flow, variables)
    lines: list[RehearsalLine] = []
    try:
        lines += rehearsal.start(node)
        for _ in range(MOST_ANSWERS):
            if rehearsal.over:
                break
            at = rehearsal.path[-1]
            keys = _answer(flow, at)
            lines += [RehearsalLine(at, PRESSES, keys), *rehearsal.answer(keys)]
    except CannotRehearse as error:
        lines.append(RehearsalLine(rehearsal.path[-1], "fails", str(error)))
    return [line for line in lines if line.what == PRESSES or (line.what in HEARD and line.text)]


def _answer(flow: Flow, name: str) -> str:
    """The first answer that a question takes."""
    match flow.nodes[name]:
        case MenuNode(choices=choices):
            return next(iter(choices))
        case CollectNode(digits=digits):
            return "1" * digits.min + digits.finish_on_key
        case _:
            return ""
