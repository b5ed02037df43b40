"""The tables of docs/stand-ins.md, made by asking the local Twilio what it does with each thing that Twilio publishes.

TwiML: a document is written for each element and each attribute of `telebridge.simulator.twiml.published` and read;
what gives no warning is performed. REST: each operation of `tests/data/simulator/twilio_rest_v2010.json` (of the
official package) has a route or not, and each parameter is asked for by the handler or not.
"""

import asyncio
import inspect
import json
import re
from collections import Counter
from dataclasses import fields as fields_of
from pathlib import Path
from xml.sax.saxutils import quoteattr

from aiohttp import web

from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.resources.fields import WatchedForm
from telebridge.simulator.resources.parameters import RecordingSetup, read_create
from telebridge.simulator.resources.problems import ApiProblem
from telebridge.simulator.rest.api import ApiRequest
from telebridge.simulator.server import ROUTES
from telebridge.simulator.setup.clock import run_virtual
from telebridge.simulator.setup.faults import CallbackFault, RestFault, SimulatorFaults, StreamFaults
from telebridge.simulator.setup.options import SimulatorOptions
from telebridge.simulator.twiml.document import read_document
from telebridge.simulator.twiml.elements import NOT_SIMULATED
from telebridge.simulator.twiml.published import PUBLISHED, SSML
from telebridge.simulator.twiml.verbs import TwimlError

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "stand-ins.md"
REST = json.loads((ROOT / "tests" / "data" / "simulator" / "twilio_rest_v2010.json").read_text())

PERFORMED, WARNED, REFUSED = "performed", "accepted with a warning", "refused as Twilio refuses"
PARENTS = {"Sip": "Dial", "Stream": "Connect", "Transcription": "Start", "Siprec": "Start", "Prompt": "Pay"}
"""Where an element stands in a probe that has several places."""
GIVEN = {
    "Stream": {"url": "wss://a.example/m"},
    "Parameter": {"name": "a", "value": "b"},
    "Gather": {"input": "dtmf speech"},
}
"""Attributes without which an element does nothing."""
INNER = {"Response/Connect": "<Stream url='wss://a.example/m'/>"}
"""What stands in an element that is nothing without it."""
VALUES = {
    "transcribe": "true",
    "statusCallbackEvent": "completed",
    "recordingStatusCallbackEvent": "completed",
    "track": "inbound_track",
    "record": "record-from-answer",
    "trim": "trim-silence",
    "input": "dtmf",
    "reason": "busy",
    "beep": "true",
    "channels": "dual",
    "url": "wss://a.example/m",
}
PLACE_VALUES = {
    "Dial/Conference": {"record": "record-from-start", "statusCallbackEvent": "join"},
    "Start/Recording": {"track": "both"},
    "Connect/Conversation": {},
}
KINDS = ("5", "true", "https://a.example/x", "GET")
CALLBACK = re.compile(r"(callback|callbackurl|url|^action|referurl)$", re.IGNORECASE)


# TwiML.


def chain(place):
    """The elements around an element, from the outermost inwards, and itself."""
    parent, _, tag = place.partition("/")
    if parent in {"Response", "Messaging"}:
        return [tag]
    above = (
        next(each for each in PUBLISHED if each == f"{PARENTS.get(parent, '')}/{parent}")
        if parent in PARENTS
        else (next(each for each in PUBLISHED if each.partition("/")[2] == parent))
    )
    return [*chain(above), tag]


def is_messaging(place):
    """Whether an element belongs to the documents that answer text messages."""
    return place.startswith(("Messaging/", "Message/"))


def document(place, attributes):
    """A document with one element in its place."""
    tags = chain(place)
    text = INNER.get(place, "")
    for depth, tag in enumerate(reversed(tags)):
        given = {} if place == "Stop/Stream" else GIVEN.get(tag, {})
        own = {**given, **(attributes if depth == 0 else {})}
        written = "".join(f" {name}={quoteattr(value)}" for name, value in own.items())
        text = f"<{tag}{written}>{text or 'x'}</{tag}>"
    return f"<Response>{text}</Response>".encode()


def warnings_of(place, attributes):
    """What the local Twilio notes of an element with these attributes; a set of code and words."""
    return {(warning.code, warning.problem) for warning in read_document(document(place, attributes)).warnings}


def element_status(place):
    """What becomes of an element."""
    if is_messaging(place):
        return REFUSED
    tags = chain(place)
    try:
        noted = warnings_of(place, {})
    except TwimlError:
        return REFUSED
    if tags[-1] in SSML:
        return WARNED
    words = [problem for code, problem in noted if code == NOT_SIMULATED]
    return WARNED if any(problem.startswith(f"<{tag}>") for problem in words for tag in tags) else PERFORMED


def attribute_status(place, name):
    """What becomes of an attribute of a performed element."""
    special = PLACE_VALUES.get(place, {})
    candidates = [special[name]] if name in special else [VALUES[name]] if name in VALUES else KINDS
    for value in candidates:
        noted = warnings_of(place, {name: value}) - warnings_of(place, {})
        if not noted:
            return PERFORMED
        if any(code == NOT_SIMULATED for code, _ in noted):
            return WARNED
    raise AssertionError(f"no value of {name} fits {place}: say one in VALUES")


def twiml():
    """Each published place with what becomes of it: its status, and the status of each attribute."""
    rows = {}
    for place, attributes in PUBLISHED.items():
        status = element_status(place)
        own = {name: attribute_status(place, name) if status == PERFORMED else status for name in attributes}
        rows[place] = (status, own)
    return rows


# REST.


def shape(path):
    """A path with its names taken out, so that Twilio's and ours are the same."""
    return re.sub(r"\{\w+\}", "{}", path.removeprefix("/2010-04-01"))


def routes():
    """The routes of the local Twilio by method and shape."""
    return {(route.method, shape(route.path)): route for route in ROUTES}


async def _prepared():
    """An account that has one of everything, and the names that stand in paths."""
    simulator = Simulator(SimulatorOptions(anybody=parse_script("ring 10ms"), calls_per_second=1000))

    def call(twiml):
        form = {"To": ["+15550001111"], "From": ["+15550002222"], "Twiml": [f"<Response>{twiml}</Response>"]}
        return simulator.create(read_create(form)).sid

    live = call("<Pause length='600'/>")
    inside = call("<Dial><Conference>desk</Conference></Dial>")
    call("<Enqueue>support</Enqueue>")
    await asyncio.sleep(1)
    recording = simulator.live(live).recorder.start("StartCallRecordingAPI", RecordingSetup())
    number = next(iter(simulator.books.numbers.owned))
    names = {
        "call": live,
        "recording": recording.sid,
        "conference": simulator.books.conferences.of("desk").sid,
        "participant": inside,
        "queue": simulator.books.queues.of("support").sid,
        "number": simulator.books.numbers.of(number).sid,
    }
    return simulator, names


def _names_for(path, names):
    """What stands in the braces of a route."""
    own = {"call": names["call"], "conference": names["conference"], "queue": names["queue"]}
    if "/Recordings/" in path:
        return {**own, "sid": names["recording"]}
    if "/Participants/" in path:
        return {**own, "sid": names["participant"]}
    if "/Members/" in path:
        return {**own, "sid": "Front"}
    if path.endswith("/Conferences/{sid}.json"):
        return {"sid": names["conference"]}
    if path.endswith("/IncomingPhoneNumbers/{sid}.json"):
        return {"sid": names["number"]}
    if path.endswith("/Messages/{sid}.json"):
        return {"sid": names["message"]}
    return {**own, "sid": names["call"]}


FORM = {
    "To": "+15550003333",
    "From": "+15550002222",
    "Body": "Hello",
    "Twiml": "<Response/>",
    "Url": "https://a.example/x",
    "FriendlyName": "desk",
    "AreaCode": "415",
}
FORMS = {
    "/Calls.json": {"Record": "true", "MachineDetection": "Enable"},
    "/Streams.json": {"Url": "wss://a.example/m"},
    "/Recordings/{sid}.json": {"Status": "paused"},
    "/Conferences/{sid}.json": {"Status": ""},
    "/Calls/{sid}.json": {"Twiml": "", "Status": ""},
    "/Streams/{sid}.json": {"Status": "stopped"},
    "/Messages/{sid}.json": {"Body": ""},
}


async def _asked_of_all():
    """The parameters that the handler of each POST route asks for."""
    simulator, names = await _prepared()
    asked = {}
    for route in ROUTES:
        if route.method != "POST":
            continue
        form = {**FORM, **next((each for end, each in FORMS.items() if route.path.endswith(end)), {})}
        if "message" not in names:
            names["message"] = "SM0"
        watched = WatchedForm({name: [value] for name, value in form.items()})
        try:
            answer = route.handler(ApiRequest(simulator, _names_for(route.path, names), route.path, {}, watched))
            if route.path.endswith("/Messages.json") and not isinstance(answer, web.Response):
                names["message"] = answer.body["sid"]
        except ApiProblem:
            pass
        asked["POST", shape(route.path)] = watched.asked
    await simulator.aclose()
    return asked


def refused_parameters():
    """The parameters of a new call that are known and refused."""
    form = {name: [FORM[name]] for name in ("To", "From", "Twiml")}
    for name in REST["operations"]["POST /Accounts/{account_sid}/Calls.json"]:
        try:
            read_create({**form, name: ["AP" + "0" * 32]})
        except ApiProblem as problem:
            if problem.code == 21218:
                yield name


def rest():
    """Each published operation with whether it has a route, and its parameters with what becomes of each."""
    known, asked = routes(), run_virtual(_asked_of_all())
    rows = {}
    for operation, parameters in REST["operations"].items():
        method, _, path = operation.partition(" ")
        key = method, shape(path)
        read = asked.get(key, frozenset())
        status = PERFORMED if key in known else REFUSED
        named = {re.sub(r"Parameter\d+", "Parameter1", name) for name in parameters}
        own = {name: (PERFORMED if name in read else WARNED) if key in known else REFUSED for name in sorted(named)}
        if path.endswith("/Calls.json"):
            own |= dict.fromkeys(set(refused_parameters()) & own.keys(), REFUSED)
        rows[operation] = (status, own)
    return rows


# The page.


def _names(statuses, status):
    found = [name for name, each in statuses.items() if each == status]
    return ", ".join(f"`{name}`" for name in found)


def twiml_table(rows):
    """The table of elements and attributes."""
    lines = ["| element | in | | attributes performed | attributes accepted with a warning |", "|---|---|---|---|---|"]
    for place, (status, attributes) in rows.items():
        parent, _, tag = place.partition("/")
        done = _names(attributes, PERFORMED)
        warned = _names(attributes, WARNED) if status == PERFORMED else ""
        lines.append(f"| `<{tag}>` | {parent} | {status} | {done} | {warned} |")
    return lines


def counts(rows, operations):
    """How much of what Twilio publishes is performed."""
    voice = {place: row for place, row in rows.items() if not is_messaging(place)}
    kinds = Counter(status for status, _ in voice.values())
    attributes = Counter(status for _, own in voice.values() for status in own.values())
    total = sum(kinds.values())
    share = 100 * (kinds[PERFORMED] + kinds[WARNED]) / total
    routed = sum(status == PERFORMED for status, _ in operations.values())
    return [
        f"Counted against `VoiceResponse` of the official Python package ({REST['package']}), which Twilio generates",
        f"from its definition of TwiML: {total} kinds of elements, each in each place where it may stand.",
        "",
        "| | performed | accepted with a warning | refused |",
        "|---|---|---|---|",
        f"| kinds of elements | {kinds[PERFORMED]} | {kinds[WARNED]} | {kinds[REFUSED]} |",
        f"| attributes | {attributes[PERFORMED]} | {attributes[WARNED]} | {attributes[REFUSED]} |",
        "",
        f"{share:.0f} % of the kinds are performed or warned of, {100 * kinds[PERFORMED] / total:.0f} % are performed.",
        f"Of the {len(operations)} operations of the REST API `2010-04-01` in that package, {routed} are performed.",
    ]


def rest_table(rows):
    """The table of operations and parameters that have routes, and the list of those that have none."""
    lines = ["| operation | parameters performed | parameters accepted with a warning |", "|---|---|---|"]
    refused = Counter()
    for operation, (status, parameters) in rows.items():
        method, _, path = operation.partition(" ")
        short = path.removeprefix("/Accounts/{account_sid}") or path
        if status == REFUSED:
            refused[short.split("/")[1].removesuffix(".json") if short != path else "Accounts"] += 1
        else:
            done, warned = _names(parameters, PERFORMED), _names(parameters, WARNED)
            lines.append(f"| `{method} {short}` | {done} | {warned} |")
    others = ", ".join(f"{name} ({count})" for name, count in sorted(refused.items()))
    return [*lines, "", f"{REFUSED} (404, 20404, or 405, 20004): {others}."]


def callback_table(rows, operations):
    """The table of the requests that the local Twilio makes of an application: what says where they go."""
    lines = ["| asked | where | |", "|---|---|---|"]
    for place, (_, attributes) in rows.items():
        if not is_messaging(place):
            for name, status in attributes.items():
                if CALLBACK.search(name):
                    lines.append(
                        f"| `{name}` | `<{place.partition('/')[2]}>` in {place.partition('/')[0]} | {status} |"
                    )
    for operation, (status, parameters) in operations.items():
        if status == PERFORMED:
            for name, each in parameters.items():
                if CALLBACK.search(name):
                    lines.append(f"| `{name}` | `{operation.replace('/Accounts/{account_sid}', '')}` | {each} |")
    return lines


def option_table():
    """The options and faults, in the words of their docstrings."""
    lines = ["| option | default | |", "|---|---|---|"]
    for kind in (SimulatorOptions, SimulatorFaults, StreamFaults, CallbackFault, RestFault):
        said = _arguments(kind.__doc__)
        for each in fields_of(kind):
            if each.name in said:
                default = "" if not isinstance(each.default, bool | int | float | str) else repr(each.default)
                lines.append(
                    f"| `{kind.__name__}.{each.name}` | {f'`{default}`' if default else ''} | {said[each.name]} |"
                )
    return lines


def _arguments(docstring):
    found, name = {}, None
    for line in inspect.cleandoc(docstring).partition("Args:")[2].splitlines():  # Python 3.13 takes the indent off
        match = re.match(r"    (\w+): (.*)", line)
        if match:
            name, found[match[1]] = match[1], match[2]
        elif name and line.strip():
            found[name] += f" {line.strip()}"
    return found


def blocks():
    """The generated parts of the page, by name."""
    rows, operations = twiml(), rest()
    return {
        "counts": counts(rows, operations),
        "twiml": twiml_table(rows),
        "rest": rest_table(operations),
        "callbacks": callback_table(rows, operations),
        "options": option_table(),
    }


def page(text):
    """The page with its generated parts made anew."""
    for name, lines in blocks().items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, found, rest_of = text.partition(begin)
        if not found:
            raise ValueError(f"docs/stand-ins.md has no {begin}")
        after = rest_of.partition(end)[2]
        text = f"{before}{begin}\n\n" + "\n".join(lines) + f"\n\n{end}{after}"
    return text
