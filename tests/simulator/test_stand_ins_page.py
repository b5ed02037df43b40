"""docs/stand-ins.md is what the local Twilio does with each thing that Twilio publishes."""

import ast
import inspect
import re

import pytest
import twilio
import twilio.twiml.messaging_response
import twilio.twiml.voice_response
from support.stand_ins import PAGE, PERFORMED, REFUSED, is_messaging, page, rest, twiml

from telebridge.simulator.twiml.published import PUBLISHED


@pytest.fixture(scope="module")
def rows():
    return twiml()


def test_the_page_is_current():
    assert PAGE.read_text() == page(PAGE.read_text()), "run scripts/stand-ins"


def test_most_kinds_of_documents_are_performed_or_warned_of(rows):
    voice = [status for place, (status, _) in rows.items() if not is_messaging(place)]
    assert sum(status != REFUSED for status in voice) / len(voice) >= 0.85
    assert sum(status == PERFORMED for status in voice) >= 33


def test_the_resources_around_a_call_are_performed():
    performed = [operation for operation, (status, _) in rest().items() if status == PERFORMED]
    resources = {operation.split("/")[3].removesuffix(".json") for operation in performed if operation.count("/") > 2}
    assert resources >= {
        "Calls",
        "Recordings",
        "IncomingPhoneNumbers",
        "AvailablePhoneNumbers",
        "Messages",
        "Conferences",
    }


TEXTS = {"message", "words", "body", "number", "name", "identity", "applicationSid", "sipUrl", "url"}
"""Arguments of the builders that are the text of an element and not an attribute, in some elements."""


def camel(name):
    head, *tail = {"from_": "from", "for_": "for", "xml_lang": "xml:lang"}.get(name, name).split("_")
    return "interpret-as" if name == "interpret_as" else head + "".join(part.capitalize() for part in tail)


def built(module, root):
    """The places and attributes that the builders of a module write."""
    tree = ast.parse(inspect.getsource(module))
    classes = [each for each in tree.body if isinstance(each, ast.ClassDef)]
    names = {each.name: re.search(r"self\.name = '([^']+)'", ast.unparse(each)) for each in classes}
    tags = {name: match[1] for name, match in names.items() if match}
    for each in classes:
        parent = root if each.name.endswith("Response") else tags[each.name]
        for call in ast.walk(each):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in tags:
                yield f"{parent}/{tags[call.func.id]}", {camel(key.arg) for key in call.keywords if key.arg}


@pytest.mark.skipif(twilio.__version__ != "9.13.0", reason="the list was taken from another version of the package")
def test_the_list_of_what_twilio_publishes_is_that_of_the_official_package():
    places = {}
    for module, root in ((twilio.twiml.voice_response, "Response"), (twilio.twiml.messaging_response, "Messaging")):
        for place, attributes in built(module, root):
            parent = place.partition("/")[0]
            if parent[0].isupper():
                places.setdefault(place, set()).update(attributes)
    assert set(places) == set(PUBLISHED)
    for place, attributes in places.items():
        assert set(PUBLISHED[place]) <= attributes, place
        assert attributes - set(PUBLISHED[place]) <= TEXTS, place
