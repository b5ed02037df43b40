"""Calls in which the caller speaks: say or press, listen, ask, spoken digits, and what becomes of a bad recognizer."""

import pytest

from telebridge.recognition_server.script import ScriptedWords
from telebridge.testing.phone import Phone

FLOW = """
flow: words
start: main
escape: {key: "0", then: desk}
nodes:
  main:
    menu: "How can I help?"
    choices:
      1: {then: account, say: [billing, my bill, invoice]}
      2: {then: reason, say: [something else, other]}
      3: desk
    spoken: {without: "For billing, press 1."}
    no_input: {after: 5s, reprompt: 1, then: desk}
    no_match: {say: "Sorry?", reprompt: 1, then: desk}
  account:
    collect: "Your account number, please."
    digits: {min: 4, max: 4}
    accept: any
    secret: true
    into: account
    then: sure
  sure:
    ask: "Is that right?"
    choices: {yes: bye, no: account}
    into: sure
  reason:
    listen: "What is it about?"
    into: reason
    hints: [crown]
    unheard: desk
    no_match: {say: "I did not get that.", reprompt: 1, then: desk}
    then: bye
  desk: {hang_up: "One moment please."}
  bye: {hang_up: "Goodbye."}
"""
PROVIDERS = ["deepgram", "openai-http"]


@pytest.fixture
def phone(tmp_path):
    (tmp_path / "words.yaml").write_text(FLOW)
    with Phone(flow="words.yaml", folder=tmp_path) as phone:
        yield phone


def words_of(phone, provider="deepgram", **settings):
    return phone.call(settings={"recognition": {"provider": provider, **settings}})


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_caller_says_what_they_want(phone, provider):
    with words_of(phone, provider) as call:
        call.hears("How can I help?")
        call.says("uh, billing I guess")
        call.hears("Your account number, please.")
        call.says("four seven double five")
        call.hears("Is that right?")
        call.says("yes please")
        call.hears("Goodbye.")
    assert call.variables["account"] == "4755"
    assert call.variables["sure"] == "yes"
    assert call.record.digits == ["****"]
    assert [answer.text for answer in call.record.heard] == ["uh, billing I guess", "", "yes please"]


def test_free_speech_goes_on_over_a_short_pause(phone):
    with words_of(phone) as call:
        call.hears("How can I help?")
        call.says("something else")
        call.hears("What is it about?")
        call.says("I have lost")
        call.waits(0.2)
        call.says("the crown of a tooth")
        call.hears("Goodbye.")
    assert call.variables["reason"] == "I have lost the crown of a tooth"


def test_the_answer_cuts_the_question_short_and_a_short_one_too(phone):
    with words_of(phone) as call:
        call.hears("How can")
        call.says("other")
        call.hears("What is it about?")
    assert call.record.path[1] == "reason"


def test_a_key_wins_over_words(phone):
    with words_of(phone) as call:
        call.hears("How can I help?")
        call.says("billing", heard=ScriptedWords("billing", delay_seconds=1.0))
        call.press("2")
        call.hears("What is it about?")
        call.press("0")
        call.hears("One moment please.")


@pytest.mark.parametrize("sound", ["cough", "mm-hm", "uhm"])
def test_a_sound_that_is_no_word_is_no_answer(phone, sound):
    with words_of(phone) as call:
        call.hears("How can I help?")
        call.says("uhm") if sound == "uhm" else call.makes(sound)
        call.waits(2)
        call.says("billing")
        call.hears("Your account number, please.")
    assert call.record.path == ["main", "account"]


def test_what_is_not_understood_is_asked_again_as_for_keys(phone):
    with words_of(phone) as call:
        call.hears("How can I help?")
        call.says("pizza")
        call.hears("Sorry? How can I help?", within=2.5)
        call.says("wrong language entirely")
        call.hears("One moment please.")


@pytest.mark.parametrize("fault", ["hangs", "garbage", "closes"])
def test_a_recognizer_that_does_not_answer_costs_two_seconds_and_then_keys_are_asked_for(phone, fault):
    with words_of(phone) as call:
        call.hears("How can I help?")
        phone.words.say(ScriptedWords("billing", fault=fault, partials=False))
        call.says("billing", heard=ScriptedWords("billing", fault=fault, partials=False))
        call.hears("Sorry? For billing, press 1.", within=2.0, heard="begun")
        call.press("1")
        call.hears("Your account number, please.")
    assert len([line for line in phone.log if "recognizer failed" in line]) == 1


def test_a_recognizer_that_refuses_is_not_waited_for(phone):
    phone.words.refuse_status = 401
    with words_of(phone) as call:
        call.hears("How can I help?")
        call.says("billing")
        call.hears("Sorry? For billing, press 1.", within=2.5)
        call.press("2")
        call.hears("One moment please.")  # nobody hears free speech


def test_without_recognition_a_flow_with_words_is_one_of_keys(phone):
    with phone.call() as call:
        call.hears("For billing, press 1.")
        call.says("billing")
        call.press("1")
        call.hears("Your account number, please.")
    assert phone.words.heard == []


def test_words_are_kept_nowhere_where_that_is_not_wanted(phone):
    with words_of(phone, keep=False) as call:
        call.hears("How can I help?")
        call.says("my bill")
        call.hears("Your account number, please.")
    assert [answer.text for answer in call.record.heard] == [""]
