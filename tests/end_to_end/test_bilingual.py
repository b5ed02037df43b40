"""Callers in two languages through every branch of the bilingual desk, on virtual time."""

import pytest
import yaml
from support.bridge import bridge
from support.flows import OPERATOR_RINGS, flow_text, heard_whole, left_running, said
from support.virtual_time import virtually

from telebridge.simulator.caller.script import parse_script
from telebridge.simulator.media.recording import EventKind

pytestmark = pytest.mark.slow

TEXTS = yaml.safe_load(flow_text("bilingual"))["variables"]["texts"]
LANGUAGE = "For English, press 1. Para español, marque 2."
CHOSEN = {"en": "silence; press 1", "es": "silence; press 2"}
NODE = {"en": "english", "es": "spanish"}
OFFICE = "+15551230200"


async def called(tmp_path, script, desk=OPERATOR_RINGS):
    twilio = {"callers": {OFFICE: parse_script(desk)}}
    async with bridge(tmp_path, flow_text("bilingual"), default_flow="bilingual", twilio=twilio) as stack:
        placed, record = await stack.call(script)
        assert len(stack.calls) == 0
        assert await left_running() == []
    return placed, record


def texts(language, *names):
    """Texts of a language by their names; two joined by a plus are said as one."""
    return [" ".join(TEXTS[language][name] for name in each.split("+")) for each in names]


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(
    ("script", "path", "names"),
    [
        ("silence; press 1; listen 60s", ["hours", "more", "bye"], ["main", "hours", "more", "bye"]),
        ("silence; press 1; silence; press 1; silence; hang up", ["hours", "more", "main"],
         ["main", "hours", "more", "main"]),
        ("listen 120s", ["bye"], ["main", "again+main", "again+main", "bye"]),
        ("silence; press 8; silence; press 9; silence; press #; listen 60s", ["bye"],
         ["main", "wrong+main", "wrong+main", "bye"]),
        ("silence; press 2; listen 120s", ["order", "more", "bye"], ["main", "order", "again+order", "more", "bye"]),
        ("silence; press 2; silence; press 12#; silence; press 3#; listen 60s", ["order", "more", "bye"],
         ["main", "order", "short+order", "more", "bye"]),
        ("silence; press 1; silence; press 7; silence; press 8; listen 60s", ["hours", "more", "bye"],
         ["main", "hours", "more", "wrong+more", "bye"]),
    ],
    ids=["hours", "back", "silence", "wrong keys", "no number", "short number", "wrong at the end"],
)  # fmt: skip
@virtually
async def test_every_way_through_in_the_language_that_was_chosen(tmp_path, language, script, path, names):
    placed, record = await called(tmp_path, f"{CHOSEN[language]}; {script}")
    assert record.path == ["language", NODE[language], "main", *path]
    assert said(record) == [LANGUAGE, *texts(language, *names)]
    assert all(heard_whole(placed, text) for text in said(record))


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(("number", "node"), [("71234", "ready"), ("12345", "waiting")])
@virtually
async def test_an_order_is_ready_or_not(tmp_path, language, number, node):
    script = f"{CHOSEN[language]}; silence; press 2; silence; press {number}; silence; hang up"
    placed, record = await called(tmp_path, script)
    assert record.path[-4:] == ["order", "look", node, "more"]
    answer = f"{TEXTS[language]['read']} {' '.join(number)}. {TEXTS[language][node]}"
    assert heard_whole(placed, answer)


@pytest.mark.parametrize("script", ["listen 60s", "silence; press 5; silence; press 6; listen 60s"])
@virtually
async def test_who_does_not_choose_a_language_is_spoken_to_in_english(tmp_path, script):
    _, record = await called(tmp_path, script)
    assert record.path == ["language", "english", "main", "bye"]
    assert said(record)[:3] == [LANGUAGE, LANGUAGE, TEXTS["en"]["main"]]


@virtually
async def test_keys_typed_ahead_choose_language_and_more(tmp_path):
    placed, record = await called(tmp_path, "wait; press 2271234; silence; hang up")
    assert record.path == ["language", "spanish", "main", "order", "look", "ready", "more"]
    assert heard_whole(placed, f"Pedido número 7 1 2 3 4. {TEXTS['es']['ready']}")


@pytest.mark.parametrize(
    ("language", "whisper"), [("en", "A customer who speaks English."), ("es", "Un cliente que habla español.")]
)
@virtually
async def test_who_talked_to_somebody_needs_no_more(tmp_path, language, whisper):
    placed, record = await called(tmp_path, f"{CHOSEN[language]}; silence; press 0; listen 60s")
    assert record.path[-2:] == ["main", "somebody"]
    assert [event.detail for event in placed.recording.of_kind(EventKind.WHISPER)] == [whisper]
    assert record.end_reason == "hung up by the flow"


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("desk", ["busy", "no answer"])
@virtually
async def test_when_nobody_is_there_the_caller_is_told_in_their_language(tmp_path, language, desk):
    script = f"{CHOSEN[language]}; silence; press 1; silence; press 0; silence; hang up"
    placed, record = await called(tmp_path, script, desk=desk)
    assert record.path[-3:] == ["somebody", "nobody", "more"]
    assert heard_whole(placed, TEXTS[language]["busy"])


@pytest.mark.parametrize(
    ("node", "script"),
    {
        "language": "wait 300ms",
        "main": "silence; press 2; wait 300ms",
        "hours": "silence; press 2; silence; press 1; wait 300ms",
        "order": "silence; press 2; silence; press 2; silence; press 71",
        "ready": "silence; press 2; silence; press 2; silence; press 71234; wait 300ms",
        "waiting": "silence; press 2; silence; press 2; silence; press 11234; wait 300ms",
        "more": "silence; press 2; silence; press 1; silence",
        "somebody": "silence; press 0; listen 5s",
        "nobody": "silence; press 0; listen 21s; wait 300ms",
        "bye": "silence; press 1; silence; press 1; silence; press 7; silence; press 8; wait 300ms",
    }.items(),
)
@virtually
async def test_hanging_up_anywhere_ends_there_and_leaves_nothing_alive(tmp_path, node, script):
    placed, record = await called(tmp_path, f"{script}; hang up", desk="ring 60s")
    assert record.path[-1] == node
    assert record.end_reason in ("caller hung up", "call completed")
    assert placed.record.status.value == "completed"
