"""The numbers of docs/security.md are those of the code."""

import re
from inspect import signature
from pathlib import Path

from telebridge import bounded_templates
from telebridge.call.flows.requests import MAX_REDIRECTS, MAX_RESPONSE_BYTES
from telebridge.flows.loading import LARGEST_BYTES, MOST_VALUES
from telebridge.private_files import FILE_MODE, FOLDER_MODE
from telebridge.server.http.endpoint import DEEPEST, MOST_BYTES
from telebridge.server.twilio import media, prompts
from telebridge.twilio.messages import MAX_MESSAGE_BYTES
from telebridge.twilio.signed_urls import MOST_CHARACTERS, StreamTokens

PAGE = (Path(__file__).parent.parent / "docs" / "security.md").read_text()
LIFETIME = signature(StreamTokens).parameters["lifetime_seconds"].default
BOUNDS = {
    "characters of signed variables": [MOST_CHARACTERS],
    "bytes of a JSON body of the API": [MOST_BYTES],
    "levels of a JSON body of the API": [DEEPEST],
    "bytes of one message of a media stream": [media.MAX_MESSAGE_BYTES],
    "unreadable messages that close a media stream": [media.MAX_BAD_MESSAGES, media.BAD_MESSAGES_SECONDS],
    "seconds until a media stream has started": [media.START_SECONDS],
    "seconds that a stream token is valid": [LIFETIME],
    "seconds that the database may take over a stream token": [media.CLAIM_SECONDS],
    "prompts spoken at once for `/prompts`, and waiting": [prompts.AT_ONCE, prompts.MOST_WAITING],
    "bytes of a web service's answer": [MAX_RESPONSE_BYTES],
    "redirects of a request": [MAX_REDIRECTS],
    "bytes of a flow file": [LARGEST_BYTES],
    "values of a flow file, with its aliases": [MOST_VALUES],
    "characters of a text that a template makes": [bounded_templates.MOST_CHARACTERS],
    "bits of a number computed in a template": [bounded_templates.MOST_BITS],
    "calls at once": [],
}


def test_its_bounds_are_those_of_the_code():
    table = PAGE[PAGE.index("| what | bound |") :].partition("\n\n")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()[2:]]
    assert {what: [int(number) for number in re.findall(r"\d+", bound)] for what, bound in rows} == BOUNDS
    assert media.MAX_MESSAGE_BYTES == MAX_MESSAGE_BYTES


def test_its_modes_are_those_of_the_code():
    table = PAGE[PAGE.index("| what | where | mode |") :].partition("\n\n")[0]
    modes = {int(mode, 8) for mode in re.findall(r"\b0\d00\b", table)}
    assert modes == {FILE_MODE, FOLDER_MODE}
