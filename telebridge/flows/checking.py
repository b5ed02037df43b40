"""Mistakes of a flow as a whole, whose parts are each right.

Targets that do not exist, nodes that nothing leads to, loops that go on with nobody on the line, names in texts that
nothing sets, rules of a question that contradict themselves.

One rule: each check finds one kind of mistake and its place in the file; no check raises.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime

from telebridge.audio.tones import PAUSE, unknown_keys
from telebridge.errors import ConfigurationError
from telebridge.flows.checks.mistakes import Mistake, nearest
from telebridge.flows.checks.nodes import node_mistakes
from telebridge.flows.error_messages import NAME_PATTERN
from telebridge.flows.inspection import (
    KeyPath,
    digit_rules,
    flow_conditions,
    flow_texts,
    target_without_caller,
    targets,
    texts_of,
    used_variables,
    variables_set_by,
)
from telebridge.flows.model import CallBackNode, ChooseNode, Flow, RequestNode, RunNode, SendDigitsNode, TransferNode
from telebridge.flows.nodes.hours import HoursNode
from telebridge.flows.nodes.questions import CollectNode, MenuNode
from telebridge.flows.templates import ADDRESS_HEAD, TemplateProblem, names_in, names_in_condition
from telebridge.flows.values import ADDRESS
from telebridge.speech.markup import speech_tags

SPOKEN = frozenset({"say", "menu", "collect", "ask", "listen", "hang_up", "record", "whisper", "with", "without"})
"""The fields of nodes that a voice speaks."""
MARKUP_HINT = 'leave it out: Rime\'s voices know <300> for a pause, spell(…) and {…}; or set speech.clean = "all"'
BUILT_IN = frozenset({"from", "to", "now"})
"""The variables that every call has: the numbers of its two ends, and the date and time."""


def mistakes(flow: Flow) -> list[Mistake]:
    """Every mistake of a flow, in the order in which they are best corrected."""
    dangling = list(_dangling(flow))
    return [
        *dangling,
        *_names(flow),
        *_needs(flow),
        *_questions(flow),
        *_cases(flow),
        *_keys(flow),
        *_numbers(flow),
        *_call_back_times(flow),
        *node_mistakes(flow),
        *_addresses(flow),
        *_texts(flow),
        *(() if dangling else _unreachable(flow)),  # otherwise most of them follow from the wrong target
        *_loops(flow),
        *_choose_loops(flow),
    ]


def _dangling(flow: Flow) -> Iterator[Mistake]:
    named: dict[KeyPath, str] = {("start",): flow.start}
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
    """Names of variables that no text could use."""
    for name in flow.variables:
        if not re.match(NAME_PATTERN, name):
            yield Mistake(("variables", name), f"'{name}' is no name", "letters, digits and _ are, and no digit first")


def _needs(flow: Flow) -> Iterator[Mistake]:
    """Needs that every call has anyhow, that are there twice, or that nothing in the flow makes use of."""
    used = used_variables(flow)
    for at, name in enumerate(flow.needs):
        path = ("needs", str(at))
        if name in BUILT_IN:
            yield Mistake(path, f"every call has '{name}'", "leave it out")
        elif name in flow.needs[:at]:
            yield Mistake(path, f"'{name}' is there twice", "leave one out")
        elif name not in used and not any(isinstance(node, RunNode) for node in flow.nodes.values()):
            yield Mistake(path, f"no text uses '{name}'", nearest(name, used) or "leave it out")


def _questions(flow: Flow) -> Iterator[Mistake]:
    for name, node in flow.nodes.items():
        if isinstance(node, MenuNode | CollectNode):
            if isinstance(node, CollectNode) and (node.digits.max or node.digits.min) < node.digits.min:
                problem = f"'max' ({node.digits.max}) is less than 'min' ({node.digits.min})"
                yield Mistake(("nodes", name, "digits", "max"), problem)
                continue
            try:
                digit_rules(node)
            except ConfigurationError as error:
                yield Mistake(("nodes", name, "digits"), str(error))


def _texts(flow: Flow) -> Iterator[Mistake]:
    known = BUILT_IN.union(flow.variables, flow.needs, *(variables_set_by(node) for node in flow.nodes.values()))
    for path, text in flow_texts(flow).items():
        own = {"heard"} if path[-2:] == ("confirm", "say") else frozenset[str]()
        yield from _unknown_names(path, text, names_in, known | own)
    for path, condition in flow_conditions(flow).items():
        yield from _unknown_names(path, condition, names_in_condition, known)


def _unknown_names(
    path: KeyPath, text: str, names: Callable[[str], frozenset[str]], known: frozenset[str]
) -> Iterator[Mistake]:
    try:
        unknown = sorted(names(text) - known)
    except TemplateProblem as error:
        yield Mistake(path, str(error), error.hint)
        return
    for name in unknown:
        yield Mistake(path, f"nothing sets the variable '{name}'", nearest(name, known) or "name it under 'variables'")


def _cases(flow: Flow) -> Iterator[Mistake]:
    """A `choose` needs a last case without a condition, and no case after that."""
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
    """Keys that are written out in the file; those of a template are known only in a call."""
    for name, node in flow.nodes.items():
        if isinstance(node, SendDigitsNode) and "{" not in node.send_digits:
            for key in unknown_keys(node.send_digits)[:1]:
                hint = f"0 to 9, A to D, *, # and {PAUSE} for a pause are"
                yield Mistake(("nodes", name, "send_digits"), f"'{key}' is no telephone key", hint)


def _numbers(flow: Flow) -> Iterator[Mistake]:
    """Numbers that are written out in the file and would be refused while a caller waits to be connected."""
    for name, node in flow.nodes.items():
        if not isinstance(node, TransferNode):
            continue
        for field, number in (("transfer", node.transfer), ("caller_id", node.caller_id)):
            if number is not None and "{" not in number and not ADDRESS.fullmatch(number):
                hint = "write it with + and the country, such as +15551230100, or as sip:… or client:…"
                yield Mistake(("nodes", name, field), f"'{number}' cannot be called", hint)


def _addresses(flow: Flow) -> Iterator[Mistake]:
    """Addresses of requests whose service is what a node made of a call: it would be asked whatever it is."""
    set_by_nodes = BUILT_IN.union(*(variables_set_by(node) for node in flow.nodes.values()))
    for name, node in flow.nodes.items():
        if not isinstance(node, RequestNode) or (head := ADDRESS_HEAD.match(node.request.url)) is None:
            continue
        try:
            chosen = sorted(names_in(head[0]) & set_by_nodes)
        except TemplateProblem:
            continue  # found among the texts
        if chosen and "safe_url" not in head[0]:
            hint = "write out where the service is, or mark the value with | safe_url"
            yield Mistake(("nodes", name, "request", "url"), f"begins with '{chosen[0]}', which the call sets", hint)


def _call_back_times(flow: Flow) -> Iterator[Mistake]:
    """Times of a call-back: each node needs exactly one, and one that is written out must be readable."""
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
    """Nodes that no call can reach; of a group that lead to one another only the first is reported."""
    reached = _reached_from(flow, flow.start)
    if flow.escape is not None:
        reached |= _reached_from(flow, flow.escape.then)
    for entrance in flow.entrances:
        reached |= _reached_from(flow, entrance)
    unreached = [name for name in flow.nodes if name not in reached]
    led_to = {target for name in unreached for target in targets(flow.nodes[name]).values() if target != name}
    for name in sorted(unreached, key=lambda name: name in led_to):
        if name not in reached:
            yield Mistake(("nodes", name), "no way leads here" if name in led_to else "nothing leads here")
            reached |= _reached_from(flow, name)


def _reached_from(flow: Flow, start: str) -> set[str]:
    reached: set[str] = set()
    pending = [start]
    while pending:
        name = pending.pop()
        if name not in reached and name in flow.nodes:
            reached.add(name)
            pending += targets(flow.nodes[name]).values()
    return reached


def _loops(flow: Flow) -> Iterator[Mistake]:
    """Paths back to a node on which the caller does nothing at all: a dead line would go round them without end."""
    following = {name: target_without_caller(node) for name, node in flow.nodes.items()}
    reported: set[str] = set()
    for start in flow.nodes:
        path = [start]
        while (name := following.get(path[-1])) is not None and name not in path:
            path.append(name)
        if name == start and start not in reported:
            reported.update(path)
            loop = " → ".join([*path, start])
            yield Mistake(("nodes", start), f"a silent caller goes round for ever: {loop}", "let one of them hang up")


def _choose_loops(flow: Flow) -> Iterator[Mistake]:
    """A `choose` that leads back to itself through `choose` and `hours` only: nothing changes, so it never ends."""
    choosing = ChooseNode | HoursNode
    following = {
        name: [target for target in targets(node).values() if isinstance(flow.nodes.get(target), choosing)]
        for name, node in flow.nodes.items()
        if isinstance(node, choosing)
    }
    reported: set[str] = set()
    for start in following:
        seen: set[str] = set()
        pending = list(following[start])
        while pending:
            name = pending.pop()
            if name not in seen:
                seen.add(name)
                pending += following[name]
        if start in seen and not reported & seen:
            reported.add(start)
            yield Mistake(("nodes", start), "leads back to itself with nothing in between that could change the choice")


def markup_warnings(flow: Flow) -> list[Mistake]:
    """Return the tags of SSML and the like in texts that are spoken, one for each text.

    They are warnings: a voice reads them aloud, which is hardly what their author meant, but the flow runs.
    """
    return list(_markup(flow))


def _markup(flow: Flow) -> Iterator[Mistake]:
    if tags := speech_tags(flow.apology):
        yield Mistake(("apology",), f"{tags[0]} would be read aloud", MARKUP_HINT)
    for name, node in flow.nodes.items():
        for path, text in texts_of(node).items():
            if path and path[-1] in SPOKEN and (tags := speech_tags(text)):
                yield Mistake(("nodes", name, *path), f"{tags[0]} would be read aloud", MARKUP_HINT)
