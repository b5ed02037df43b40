"""Callers in two languages through every branch of the bilingual desk, with the telephone of `telebridge.testing`."""

import pytest
import yaml
from support.flows import FOLDER, OPERATOR_RINGS, flow_text, followed

from telebridge.simulator.media.recording import EventKind

pytestmark = [pytest.mark.slow, pytest.mark.telebridge(flow=str(FOLDER / "bilingual.yaml"))]

TEXTS = yaml.safe_load(flow_text("bilingual"))["variables"]["texts"]
LANGUAGE = "For English, press 1. Para español, marque 2."
CHOSEN = {"en": "silence; press 1", "es": "silence; press 2"}
NODE = {"en": "english", "es": "spanish"}


def called(phone, script, desk=OPERATOR_RINGS):
    phone.answers("+15551230200", desk)
    return followed(phone, script)


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
def test_every_way_through_in_the_language_that_was_chosen(phone, language, script, path, names):
    call = called(phone, f"{CHOSEN[language]}; {script}")
    assert call.path == ["language", NODE[language], "main", *path]
    assert call.said == [LANGUAGE, *texts(language, *names)]
    assert call.heard == " ".join(call.said)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize(("number", "node"), [("71234", "ready"), ("12345", "waiting")])
def test_an_order_is_ready_or_not(phone, language, number, node):
    script = f"{CHOSEN[language]}; silence; press 2; silence; press {number}; silence; hang up"
    call = called(phone, script)
    assert call.path[-4:] == ["order", "look", node, "more"]
    answer = f"{TEXTS[language]['read']} {' '.join(number)}. {TEXTS[language][node]}"
    assert answer in call.heard


@pytest.mark.parametrize("script", ["listen 60s", "silence; press 5; silence; press 6; listen 60s"])
def test_who_does_not_choose_a_language_is_spoken_to_in_english(phone, script):
    call = called(phone, script)
    assert call.path == ["language", "english", "main", "bye"]
    assert call.said[:3] == [LANGUAGE, LANGUAGE, TEXTS["en"]["main"]]


def test_keys_typed_ahead_choose_language_and_more(phone):
    call = called(phone, "wait; press 2271234; silence; hang up")
    assert call.path == ["language", "spanish", "main", "order", "look", "ready", "more"]
    assert f"Pedido número 7 1 2 3 4. {TEXTS['es']['ready']}" in call.heard


@pytest.mark.parametrize(
    ("language", "whisper"), [("en", "A customer who speaks English."), ("es", "Un cliente que habla español.")]
)
def test_who_talked_to_somebody_needs_no_more(phone, language, whisper):
    call = called(phone, f"{CHOSEN[language]}; silence; press 0; listen 60s")
    assert call.path[-2:] == ["main", "somebody"]
    assert [event.detail for event in call.recording.of_kind(EventKind.WHISPER)] == [whisper]
    assert call.record.end_reason == "hung up by the flow"


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("desk", ["busy", "no answer"])
def test_when_nobody_is_there_the_caller_is_told_in_their_language(phone, language, desk):
    script = f"{CHOSEN[language]}; silence; press 1; silence; press 0; silence; hang up"
    call = called(phone, script, desk=desk)
    assert call.path[-3:] == ["somebody", "nobody", "more"]
    assert TEXTS[language]["busy"] in call.heard


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
def test_hanging_up_anywhere_ends_there_and_leaves_nothing_alive(phone, node, script):
    call = called(phone, f"{script}; hang up", desk="ring 60s")
    assert call.path[-1] == node
    assert call.record.end_reason in ("caller hung up", "call completed")
    assert call.status == "completed"
