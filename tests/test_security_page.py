"""The numbers of docs/security.md are those of the code."""

import re
from inspect import signature
from pathlib import Path

from telebridge import bounded_templates
from telebridge.call.flows.http_client import MAX_REDIRECTS
from telebridge.call.flows.requests import MAX_RESPONSE_BYTES
from telebridge.call.session.session import SessionOptions
from telebridge.flows.checks.yaml_tree import MOST_VALUES
from telebridge.flows.loading import LARGEST_BYTES
from telebridge.private_files import FILE_MODE, FOLDER_MODE
from telebridge.rime.connection import MESSAGES_A_TURN
from telebridge.rime.utterance import MOST_WORDS
from telebridge.server.http import connections, refusal_log, request_bodies
from telebridge.server.http.endpoint import DEEPEST, MOST_BYTES
from telebridge.server.twilio import media, prompts, reading_pace
from telebridge.settings.sections import ServerSettings
from telebridge.speech.utterance import EVENTS_A_TURN
from telebridge.twilio.messages import MAX_MEDIA_BYTES, MAX_MESSAGE_BYTES
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
    "values of a flow or scenario file, with its aliases": [MOST_VALUES],
    "characters of a text that a template makes": [bounded_templates.MOST_CHARACTERS],
    "bits of a number computed in a template": [bounded_templates.MOST_BITS],
    "calls at once": [],
    "calls that wait for their media streams, and seconds that each waits": [
        ServerSettings().max_waiting_calls,
        SessionOptions().stream_wait_seconds,
    ],
    "connections of strangers for each address": [ServerSettings().max_connections_per_address],
    "connections of strangers in all": [connections.FEWEST, connections.MOST],
    "seconds that an address may have too many connections": [connections.GRACE_SECONDS],
    "seconds that the headers of a request may take": [connections.HEADER_SECONDS],
    "seconds that the body of a request may take, or the next chunk of an upload": [request_bodies.BODY_SECONDS],
    "seconds until an idle connection is closed, and one whose body nobody wants": [
        connections.IDLE_SECONDS,
        connections.LINGER_SECONDS,
    ],
    "bytes and fields of a form": [request_bodies.MOST_FORM_BYTES, request_bodies.MOST_FIELDS],
    "lines about refusals in a log, within so many seconds": [refusal_log.MOST_LINES, refusal_log.SECONDS],
    "characters of a value in such a line": [refusal_log.MOST_CHARACTERS],
    "messages of one media stream in one turn of the event loop": [reading_pace.TURN_UNITS],
    "messages of one media stream at once, and in each second after that": [
        reading_pace.BURST_UNITS,
        reading_pace.UNITS_A_SECOND,
    ],
    "bytes of a message with the caller's audio": [MAX_MEDIA_BYTES],
    "messages of one connection to Rime in one turn of the event loop": [MESSAGES_A_TURN],
    "events of a waiting utterance in one turn of the event loop": [EVENTS_A_TURN],
    "word times of a request to Rime, beyond one for each character": [MOST_WORDS],
}


def test_its_bounds_are_those_of_the_code():
    table = PAGE[PAGE.index("| what | bound |") :].partition("\n\n")[0]
    rows = [row.strip("| ").split(" | ") for row in table.splitlines()[2:]]
    assert {what: [int(number) for number in re.findall(r"\d+", bound)] for what, bound in rows} == BOUNDS
    assert media.MAX_MESSAGE_BYTES == MAX_MESSAGE_BYTES
    assert ServerSettings().max_connections_per_address == connections.CONNECTIONS_PER_ADDRESS
    assert connections.DESCRIPTORS_SHARE == 2


def test_its_modes_are_those_of_the_code():
    table = PAGE[PAGE.index("| what | where | mode |") :].partition("\n\n")[0]
    modes = {int(mode, 8) for mode in re.findall(r"\b0\d00\b", table)}
    assert modes == {FILE_MODE, FOLDER_MODE}
