"""Words that are said before the question that they answer, as keys are typed ahead."""

import pytest

from telebridge.recognition_server.script import ScriptedWords
from telebridge.testing.phone import Phone

WELCOME = "Welcome to the clinic, and thank you very much for calling us today."
FLOW = f"""
flow: ahead
start: welcome
nodes:
  welcome: {{say: "{WELCOME}", then: main}}
  main:
    menu: "How can I help?"
    choices:
      1: {{then: account, say: [billing, my bill]}}
      2: {{then: reason, say: [something else]}}
    no_input: {{after: 5s, reprompt: 1, then: desk}}
    no_match: {{say: "Sorry?", reprompt: 1, then: desk}}
  account: {{say: "Our billing department is on the second floor.", then: hours}}
  hours: {{say: "It is open from nine to five.", then: sure}}
  sure:
    ask: "Do you want to go there now?"
    choices: {{yes: bye, no: main}}
    no_input: {{after: 5s, then: desk}}
    no_match: {{say: "Sorry?", reprompt: 1, then: desk}}
  reason: {{listen: "What is it about?", into: reason, unheard: desk, no_match: {{then: desk}}, then: bye}}
  desk: {{hang_up: "One moment please."}}
  bye: {{hang_up: "Goodbye."}}
"""
JUDGES = ["sound", "words"]


@pytest.fixture
def phone(tmp_path):
    (tmp_path / "ahead.yaml").write_text(FLOW)
    with Phone(flow="ahead.yaml", folder=tmp_path) as phone:
        yield phone


def call_of(phone, judge="sound"):
    return phone.call(settings={"recognition": {"provider": "deepgram"}, "barge_in": {"judge": judge}})


def says(phone, call, text, judge="sound", **how):
    """Say something over a prompt; where another recognition hears that, the one of the question may hear it too."""
    if judge == "words":
        phone.words.say(ScriptedWords(text, **how))
    call.says(text, heard=ScriptedWords(text, **how))


@pytest.mark.slow
@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("text", ["billing, please", "um I have a question that is about my bill"])
def test_who_interrupts_the_welcome_is_understood_by_the_menu(phone, judge, text):
    with call_of(phone, judge) as call:
        call.hears("Welcome to the")
        says(phone, call, text, judge)
        call.hears("Our billing department", within=2.5)
    assert call.record.path[:3] == ["welcome", "main", "account"]
    assert call.record.utterances[0].interruption is not None
    assert [answer.text for answer in call.record.heard] == [text]


@pytest.mark.parametrize("judge", JUDGES)
def test_one_short_word_is_kept_for_the_menu(phone, judge):
    with call_of(phone, judge) as call:
        call.hears("Welcome to the")
        call.says("billing", heard=ScriptedWords("billing", partials=False, delay_seconds=0.3))
        if judge == "sound":  # it is too short to take the floor, and heard when the menu begins
            phone.words.say(ScriptedWords("billing"))
        call.hears("Our billing department", within=9)
    said = [each.text for each in call.record.utterances]
    if judge == "sound":
        assert call.record.utterances[0].interruption is None
    else:
        assert "How can I help?" not in said, "the answer was known before"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("judge", "text"),
    [
        ("sound", "mm-hm"),
        ("sound", "hello good morning to you"),
        ("words", "yeah okay"),
        ("words", "hello good morning"),
    ],
)
def test_what_answers_nothing_is_no_mismatch_and_a_back_channel_no_answer(phone, judge, text):
    with call_of(phone, judge) as call:
        call.hears("Welcome to the")
        says(phone, call, text, judge)
        call.hears("How can I help?", within=9)
        call.waits(2)
        call.says("billing")
        call.hears("Our billing department", within=3)
        call.hears("It is open")
        says(phone, call, "yeah", judge)
        call.hears("Do you want to go there now?", within=9)
        call.waits(1)
        call.says("yes")
        call.hears("Goodbye.")
    assert "Sorry" not in " ".join(each.text for each in call.record.utterances)


def test_words_that_were_said_several_prompts_before_are_of_no_question(phone):
    with call_of(phone, "words") as call:
        call.hears("Welcome to the")
        says(phone, call, "billing", "words")
        call.hears("Our billing")
        says(phone, call, "no problem yes", "words", partials=False)
        call.hears("Do you want to go there now?", within=9)
        call.waits(1)
        assert call.record.path[-1] == "sure"
        call.says("no")
        call.hears("How can I help?")
        call.waits(1)
    assert call.record.path[-1] == "main", "what answered the first question answers no other one"


def test_who_interrupts_the_prompt_before_the_last_one_is_understood_after_that(phone):
    with call_of(phone) as call:
        call.press("1")
        call.hears("Our billing")
        call.says("no I would like to hear the menu again instead")
        phone.words.say(
            ScriptedWords("no I would like to hear the menu again instead")
        )  # heard when the question begins
        call.hears("How can I help?", within=9)
    assert call.record.path[-2:] == ["sure", "main"]


@pytest.mark.parametrize("asked", [False, True])
def test_a_key_wins_over_words_which_are_of_no_later_question(phone, asked):
    with call_of(phone) as call:
        call.hears("How can I help?" if asked else "Welcome to the", within=9)
        call.says("billing")
        phone.words.say(ScriptedWords("billing"))  # heard by whoever listens next
        call.press("2")
        call.hears("What is it about?", within=3)
        call.waits(1)
    assert call.record.path == ["welcome", "main", "reason"]
    assert "reason" not in call.variables


def test_free_speech_may_begin_before_its_question(phone):
    with call_of(phone) as call:
        call.press("2")
        call.hears("What is")
        call.says("I have lost the crown of a tooth")
        call.hears("Goodbye.", within=4)
    assert call.variables["reason"] == "I have lost the crown of a tooth"


def test_a_secret_answer_that_was_said_before_its_question_is_masked(tmp_path):
    (tmp_path / "secret.yaml").write_text(
        f"""
flow: secret
start: welcome
nodes:
  welcome: {{say: "{WELCOME}", then: pin}}
  pin:
    collect: "Your number?"
    digits: {{min: 4, max: 4}}
    accept: any
    secret: true
    into: pin
    no_input: {{then: bye}}
    no_match: {{then: bye}}
    then: bye
  bye: {{hang_up: "Goodbye."}}
"""
    )
    with Phone(flow="secret.yaml", folder=tmp_path) as phone, call_of(phone, "words") as call:
        call.hears("Welcome to the")
        call.says("4711", heard=ScriptedWords("four seven one one", partials=False))
        call.hears("Goodbye.", within=3)
    assert call.variables["pin"] == "4711"
    assert [answer.text for answer in call.record.heard] == [""]
    assert "Your number?" not in [each.text for each in call.record.utterances], "the answer was known before"
