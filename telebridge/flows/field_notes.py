"""What each field of a flow file means, in one sentence: for the schema that editors read, and for the page on flows.

One rule: every field of every part has a note here, and a test says which is missing.
"""

from collections.abc import Iterator, Mapping
from typing import get_args

from pydantic import BaseModel

from telebridge.flows.model import NODES, Escape, Flow

WHOLE = "flow"

NOTES: Mapping[str, str] = {
    "flow.flow": "The flow's name: letters, digits, `_`, `.` and `-`.",
    "flow.start": "The node that a call begins with.",
    "flow.nodes": "What happens where: nodes by their names, each with one verb.",
    "flow.variables": "Values for `{{ name }}` in texts, beside `{{ from }}` and `{{ to }}`, the numbers of the call.",
    "flow.speech": "Synthesis parameters for the whole flow, such as `speaker`, `model`, `lang`.",
    "flow.apology": "Said before hanging up where a road ends and nothing else is named.",
    "flow.entrances": "Nodes that something beside the flow leads to, such as the `message_node` of a campaign.",
    "flow.escape": "A key that leads out of every question, where the question itself does not take it.",
    "escape.key": "The key, quoted.",
    "escape.then": "The node that it leads to.",
    "node.failed": "The node that follows when it fails; without it the apology is said and the call ends.",
    "node.then": "The node that follows.",
    "node.into": "The variable that keeps the result.",
    "node.speech": "Synthesis parameters for this node only.",
    "node.barge_in": "What may interrupt the prompt; without it the settings say.",
    "node.no_input": "What happens when nothing is pressed.",
    "node.no_match": "What happens when something else is pressed than what counts.",
    "say.say": "What is said; a template.",
    "menu.menu": "The question; a template.",
    "menu.choices": "The node that each key leads to: 0 to 9, and quoted `*` and `#`.",
    "menu.type_ahead": "Whether a key pressed before the question answers it.",
    "collect.collect": "The question; a template.",
    "collect.digits": "Which digits answer, and when they are complete.",
    "collect.into": "The variable that keeps the digits.",
    "collect.no_match": "What happens with fewer digits than `digits.min`; says “That is not complete.” unless told.",
    "choose.choose": "The cases, looked at in their order; the last has no `if`.",
    "set.set": "Values by the names of variables; texts are templates, everything else is taken as it is.",
    "wait.wait": "How long the line is silent.",
    "send_digits.send_digits": "The keys: 0 to 9, A to D, `*`, `#`, and `w` for half a second's pause; a template.",
    "set.speech": "Changes the voice from here on: another language, another speaker.",
    "request.request": "What is asked of which web service.",
    "web_request.method": "GET, POST, PUT, PATCH or DELETE.",
    "web_request.url": "Where; a template.",
    "web_request.headers": "Sent with it; values are templates.",
    "web_request.json": "The body, sent as JSON; every text in it is a template.",
    "web_request.form": "The body, sent as a form; values are templates.",
    "web_request.timeout": "How long all of it may take, the caller waiting in silence.",
    "web_request.into": "The variable that keeps the answer: what its JSON holds, or its text.",
    "run.run": "The name of the function, as `@bridge.function` registered it.",
    "run.into": "The variable that keeps what it returns.",
    "run.timeout": "How long it may take.",
    "record.record": "Said before the beep, a template; `null` for nothing.",
    "record.into": "The variable that keeps where the recording is, as `file` and `seconds`.",
    "record.beep": "Whether a tone tells the caller to speak.",
    "record.longest": "It ends after so much.",
    "record.silence": "It ends when nothing was said for so long.",
    "record.finish_on_key": 'This key ends it; `""` for none.',
    "record.nothing": "The node that follows when nothing was said; without it `then`.",
    "transfer.transfer": "Whom: a number with + and the country, `sip:…` or `client:…`; a template.",
    "transfer.then": "The node that follows when they have talked; without it the call ends.",
    "transfer.failed": "The node that follows when nobody answers; without it the apology is said and the call ends.",
    "transfer.timeout": "How long it rings there.",
    "transfer.caller_id": "The number shown there, a template; without it the caller's own.",
    "transfer.whisper": "Said to who answers, before they are connected; a template.",
    "opt_out.opt_out": "Said once they are on the list, and cannot be interrupted; a template, `null` for nothing.",
    "call_back.call_back": "Said once it is kept, and cannot be interrupted; a template, `null` for nothing.",
    "call_back.in": "So long from now: `30m`, `2h`, `1d`.",
    "call_back.at": "Then: an ISO 8601 date and time, a template; without an offset it is on the clock of the person.",
    "call_back.invalid": "The node that follows when `at` comes out as no time; without it the apology ends the call.",
    "hang_up.hang_up": "A last word that cannot be interrupted, a template; `null` for none.",
    "no_input.after": "How long the caller may be silent after the question.",
    "no_input.say": "Said before the question is asked again; a template.",
    "no_input.reprompt": "How many times it is asked again.",
    "no_input.then": "The node that follows the last time; without it the apology is said and the call ends.",
    "no_match.say": "Said before the question is asked again; a template.",
    "no_match.reprompt": "How many times it is asked again.",
    "no_match.then": "The node that follows the last time; without it the apology is said and the call ends.",
    "digits.min": "Fewer digits are no match.",
    "digits.max": "So many digits end it at once.",
    "digits.finish_on_key": 'This key ends it and is no digit; `""` for none.',
    "digits.between": "So long a pause after a digit ends it.",
    "digits.overall": "So long after the question it ends in any case.",
    "digits.type_ahead": "Whether keys pressed before the question answer it.",
    "case.if": "A condition, a Jinja2 expression; without one the case always holds.",
    "case.then": "The node that follows when the condition holds.",
}
"""By part and field; `node.…` is for all verbs that have no note of their own."""


def note(part: str, field: str) -> str | None:
    """What a field means; None when nobody has written it down."""
    return NOTES.get(f"{part}.{field}") or (NOTES.get(f"node.{field}") if part in NODES else None)


def parts() -> Mapping[str, type[BaseModel]]:
    """Every part of a flow file by its name: the whole, the verbs, and what they are made of."""
    found: dict[str, type[BaseModel]] = {WHOLE: Flow, **NODES, "escape": Escape}
    for kind in NODES.values():
        for inner in _inner(kind):
            found.setdefault(_snake(inner.__name__), inner)
    return found


def _inner(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for field in kind.model_fields.values():
        for each in models_in(field.annotation):
            yield each
            yield from _inner(each)


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """The parts that a field may hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).removeprefix("_")
