"""Writes scenario files: from a walk through a flow, and from the record of a real call.

One rule: a draft can be played as it is; what it cannot know is a comment in it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import yaml

from telebridge.errors import TelebridgeError
from telebridge.flows.model import Flow, TransferNode
from telebridge.flows.nodes.hours import HoursNode
from telebridge.flows.nodes.questions import CollectNode
from telebridge.flows.nodes.surroundings import FlowSurroundings
from telebridge.flows.rehearsal import HANGS_UP, SAYS, Rehearsal, RehearsalLine
from telebridge.testing.hearing.words import spoken_tokens
from telebridge.testing.vocabulary import WITHIN_SECONDS

MOST_WALKS = 5000
"""So many ways through a flow are tried to find the one that a call took."""
NOBODY, SOMEBODY = "no answer", "ring 1s; listen 2s; hang up"
UNAVAILABLE = 503


@dataclass(slots=True)
class ScenarioDraft:
    """A scenario that is being written.

    Args:
        call: The flow.
        caller: The caller's number; None for any.
        to: The number that is called; None for any.
        at: The date and time of the call, in ISO 8601; None for any.
        comments: Lines for its reader.
    """

    call: str
    caller: str | None = None
    to: str | None = None
    at: str | None = None
    comments: list[str] = field(default_factory=list)
    people: dict[str, str] = field(default_factory=dict)
    web: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    ends: dict[str, Any] = field(default_factory=dict)

    def text(self) -> str:
        """The file."""
        fields = {
            name: getattr(self, name) for name in ("call", "caller", "to", "at", "people", "web", "steps", "ends")
        }
        given = {name: value for name, value in fields.items() if value}
        comments = "".join(f"# {line}\n" for line in self.comments)
        return comments + yaml.safe_dump(given, sort_keys=False, allow_unicode=True, width=110)


def draft_of_walk(
    draft: ScenarioDraft, flow: Flow, walk: Sequence[RehearsalLine | str], answers: Mapping[str, object]
) -> ScenarioDraft:
    """Fill a draft with a walk through a flow.

    Args:
        draft: The draft.
        flow: The flow, which says how long a transfer rings.
        walk: The lines of the rehearsal, and between them the answers to its questions.
        answers: What requests and functions answered, by node.
    """
    last, rang = "", 0.0
    for each in walk:
        if isinstance(each, str):
            draft.steps += _pressed(each)
            continue
        last = each.node
        match each.what:
            case "says" | "asks" | "records" if spoken_tokens(each.text):
                within = {"within": f"{rang + WITHIN_SECONDS:g}s"} if rang else {}
                draft.steps.append({"hears": each.text, **within})
                rang = 0.0
            case "hangs up":
                draft.ends = {"node": last, "by": "bridge"}
            case "transfers":
                number, _, status = each.text.rpartition(": ")
                draft.people[number] = SOMEBODY if status == "completed" else NOBODY
                rang = _rings(flow, each.node)
                draft.steps.append({"transferred_to": number})
            case "requests":
                _, _, rest = each.text.partition(" ")
                url = rest.rpartition(": ")[0].partition("?")[0]
                draft.web[url] = answers.get(each.node, UNAVAILABLE)
            case "runs":
                draft.comments.append(f"node '{each.node}' runs a Python function, which a flow file alone has not")
            case _:
                pass
    if not draft.ends and last:
        draft.ends = {"node": last, "by": "caller"}
    return draft


def draft_of_record(draft: ScenarioDraft, record: Mapping[str, Any], flow: Flow | None) -> ScenarioDraft:
    """Fill a draft with the record of a call; exactly where its flow file leads to the same words again."""
    if flow is None or any(isinstance(node, HoursNode) for node in flow.nodes.values()):
        draft.at = record.get("started_at")
    walk = None if flow is None else _walk_like(flow, record)
    if walk is not None and flow is not None:
        return draft_of_walk(draft, flow, walk, {})
    draft.comments.append("the keys stand behind the prompts that they interrupted; move those that are wrong")
    digits = list(record.get("digits", ()))
    for utterance in record.get("utterances", ()):
        heard = utterance["heard_text"] if "interrupted_by" in utterance else utterance["text"]
        if spoken_tokens(heard):
            draft.steps.append({"hears": heard})
        if utterance.get("interrupted_by") == "key" and digits:
            draft.steps.append({"press": digits.pop(0)})
        elif utterance.get("interrupted_by") == "speech":
            draft.steps.append({"says": "(what the caller said)"})
    draft.steps += [{"press": each} for each in digits]
    path = record.get("path") or []
    by = "caller" if record.get("end_reason") == "caller hung up" else "bridge"
    if by == "caller":
        draft.steps.append({"hangs_up": None})
    draft.ends = {**({"node": path[-1]} if path else {}), "by": by}
    return draft


def _rings(flow: Flow, name: str) -> float:
    """How long a transfer rings at most; the node may be one of a sub-flow."""
    node = flow.nodes.get(name)
    return node.timeout if isinstance(node, TransferNode) else TransferNode.model_fields["timeout"].default


def _pressed(answer: str) -> list[dict[str, Any]]:
    if answer.lower().startswith(SAYS):
        return [{"says": answer[len(SAYS) :]}]
    keys, hangs_up, _ = answer.partition(HANGS_UP)
    steps: list[dict[str, Any]] = [{"press": keys}] if keys else []
    return [*steps, {"hangs_up": None}] if hangs_up else steps


def _walk_like(flow: Flow, record: Mapping[str, Any]) -> list[RehearsalLine | str] | None:
    """The walk through a flow in which the same is said on the same path; None when none is found."""
    said = [str(utterance["text"]) for utterance in record.get("utterances", ())]
    path, digits = list(record.get("path", ())), [str(each) for each in record.get("digits", ())]
    numbers = {"from": record.get("from", ""), "to": record.get("to", "")}
    finish = {node.digits.finish_on_key for node in flow.nodes.values() if isinstance(node, CollectNode)} - {""}
    tried, surroundings = 0, _surroundings(record)

    def walk(answers: list[str], left: int) -> list[RehearsalLine | str] | None:
        """Try answers from here on; `left` are the digits that no question has had yet."""
        nonlocal tried
        tried += 1
        if tried > MOST_WALKS:
            return None
        taken = list(_taken(lambda: Rehearsal(flow, numbers, None, surroundings), answers))
        if not _begins(taken, said, path):
            return None
        over, lines = _is_over(taken), _lines(taken)
        if over or len(_words(lines)) >= len(said):
            complete = len(_words(lines)) == len(said) and left == len(digits)
            return taken if complete else None
        options = [digits[left], *(f"{digits[left]}{key}" for key in finish)] if left < len(digits) else []
        for option in options:
            if (found := walk([*answers, option], left + 1)) is not None:
                return found
        return walk([*answers, ""], left)

    found = walk([], 0)
    if found is not None and not _is_over(found) and record.get("end_reason") == "caller hung up":
        found.append(HANGS_UP)
    return found


def _surroundings(record: Mapping[str, Any]) -> FlowSurroundings | None:
    """The time of a call that its record tells."""
    began = record.get("started_at")
    return None if began is None else FlowSurroundings(lambda: datetime.fromisoformat(began))


def _taken(begin: Callable[[], Rehearsal], answers: list[str]) -> Iterator[RehearsalLine | str]:
    """The lines of a rehearsal with these answers between them."""
    rehearsal = begin()
    try:
        yield from rehearsal.start()
        for answer in answers:
            if rehearsal.over:
                return
            yield answer
            yield from rehearsal.answer(answer)
    except TelebridgeError:
        return


def _lines(taken: Sequence[RehearsalLine | str]) -> list[RehearsalLine]:
    return [each for each in taken if isinstance(each, RehearsalLine)]


def _words(lines: Sequence[RehearsalLine]) -> list[str]:
    return [line.text for line in lines if line.what in ("says", "asks", "records") and line.text]


def _is_over(taken: Sequence[RehearsalLine | str]) -> bool:
    return any(line.what in ("hangs up", "caller hangs up") for line in _lines(taken))


def _begins(taken: Sequence[RehearsalLine | str], said: list[str], path: list[str]) -> bool:
    """Whether a walk is a beginning of a call, or the call is one of it: a prompt may not have begun."""
    words = _words(_lines(taken))
    nodes = list(dict.fromkeys(line.node for line in _lines(taken)))
    return words[: len(said)] == said[: len(words)] and set(nodes[: len(path)]) <= set(path)
