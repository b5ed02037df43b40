"""Ten screening telephones, ten voice mailboxes and ten people answer: what each is taken for, and when we speak.

The table that this makes stands in docs/voicemail.md; `PYTHONPATH=tests python FILE` prints it anew.
"""

import json
from functools import cache
from pathlib import Path

import pytest
from support.answered_call import AnsweredCall

from telebridge.answering.plan import AnswerPlan, AnswerReaction, OnAnswerer, read_plan

PAGE = Path(__file__).parents[4] / "docs" / "voicemail.md"
GREETING = "Hello, this is Acme Dental with a reminder."
MESSAGE, INTRODUCTION = "Acme Dental here. Please call us back.", "Acme Dental, about your visit tomorrow."
FLOW = f"""
flow: reminder
start: hello
entrances: [screened, message]
nodes:
  hello: {{say: "{GREETING}", then: ask}}
  ask: {{menu: "Press one to confirm.", choices: {{1: bye}}, no_input: {{then: bye}}, no_match: {{then: bye}}}}
  screened: {{screening: "{INTRODUCTION}", then: hello, voicemail: message, nobody: over, longest: 20s}}
  message: {{say: "{MESSAGE}", then: over}}
  bye: {{hang_up: "Goodbye."}}
  over: {{hang_up: null}}
"""
GO_TO = OnAnswerer.GO_TO
PLAN = AnswerPlan(AnswerReaction(GO_TO, "message"), AnswerReaction(GO_TO, "screened"))

STAY, HELLO = "Thanks. Please stay on the line.", "Hello, this is Ann speaking"
SCREENS = {
    "iOS 26, then Ann": (
        "Hi, if you record your name and reason for calling, I'll see if this person is available.",
        [STAY, 3, HELLO],
    ),
    "iOS 26, nobody": ("Hi, if you record your name and reason for calling, I'll see if this person is available.", []),
    "Google, then Ann": (
        "Hi, the person you're calling is using a screening service from Google. Go ahead and say your name and why "
        "you're calling.",
        [3, HELLO],
    ),
    "Google Voice": (
        "Please state your name after the tone and Google Voice will try to connect you.",
        [STAY, 2, HELLO],
    ),
    "a carrier": ("Please say your name and the reason for your call.", ["Please hold while we find them.", 2, HELLO]),
    "a call assistant": ("This call is being screened by a call assistant. Who is this?", [2, HELLO]),
    "iOS 26, in German": (
        "Hallo, wenn Sie Ihren Namen und den Grund Ihres Anrufs nennen, sehe ich, ob diese Person verfügbar ist.",
        ["Danke. Bitte bleiben Sie in der Leitung.", 2, "Ja hier Müller"],
    ),
    "iOS 26, in French": (
        "Bonjour, si vous enregistrez votre nom et la raison de votre appel, je verrai si cette personne est "
        "disponible.",
        ["Merci. Restez en ligne.", 2, "Oui allô"],
    ),
    "iOS 26, in Spanish": (
        "Hola, si graba su nombre y el motivo de su llamada, veré si esta persona está disponible.",
        ["Gracias. No cuelgue.", 2, "Sí dígame"],
    ),
    "iOS 26, then a mailbox": (
        "Hi, if you record your name and reason for calling, I'll see if this person is available.",
        [STAY, 4, "Ann is not available. Please leave a message after the tone.", "beep"],
    ),
}
MAILBOXES = {
    "a carrier": (
        "Your call has been forwarded to an automated voice messaging system. At the tone please record",
        1000,
    ),
    "a carrier, by number": (
        "The number you have dialed is not available. Please leave your message after the tone",
        440,
    ),
    "Ann": ("Hi this is Ann. I can't take your call right now. Leave me a message", 1400),
    "a family": ("You have reached the Smiths. We're not home. Please leave a message after the beep", 800),
    "an office": ("You have reached the voicemail of Acme. Nobody is in the office. Leave a message", 950),
    "a carrier, in German": (
        "Der gewünschte Gesprächspartner ist zurzeit nicht erreichbar. Nachricht nach dem Signalton",
        1000,
    ),
    "Müller, in German": ("Hier ist die Mailbox von Müller. Bitte hinterlassen Sie eine Nachricht nach dem Ton", 1200),
    "a carrier, in French": ("Vous êtes sur la messagerie d'Anne. Laissez un message après le bip sonore", 1000),
    "a carrier, in Spanish": ("El número que ha marcado no está disponible. Deje su mensaje después del tono", 620),
    "words nobody knows": ("Yo yo yo it's your man Bob and you know exactly what to do at this point", 1000),
}
PEOPLE = {
    "Ann": ["Hello?"],
    "Ann, in a hurry": ["Yes?"],
    "Ann, by name": ["Hello, Ann speaking"],
    "Bob, at work": ["Acme Plumbing, Bob, how can I help you today?"],
    "Bob, who asks": ["Hello?", 1, "Who is this?"],
    "Müller, in German": ["Müller"],
    "Müller, with a greeting": ["Ja hallo, hier ist Müller"],
    "Anne, in French": ["Oui, allô ?"],
    "Anne, with a question": ["Allô, c'est qui ?"],
    "Paul, in French, late": [2, "Allô bonjour"],
}


def spoken(parts, *, pause=0.7):
    """A script: texts are said, numbers are seconds of silence, `beep` is one."""
    steps = []
    for part in parts:
        steps += (
            [f"listen {part}s"]
            if isinstance(part, int | float)
            else [
                part if part.startswith("beep") else f"say {part}",
                f"listen {pause}s",
            ]
        )
    return json.dumps(steps)


def screen(name):
    prompt, then = SCREENS[name]
    return json.dumps(["listen 0.4s", f"say {prompt}", "silence 600ms", *json.loads(spoken(then))])


def mailbox(name):
    greeting, hertz = MAILBOXES[name]
    return spoken([0.4, greeting, f"beep {hertz} 350ms"])


def person(name):
    return spoken([0.3, *PEOPLE[name]])


KINDS = {"screen": (SCREENS, screen), "mailbox": (MAILBOXES, mailbox), "person": (PEOPLE, person)}


WIRED = [
    ("screen", "Google, then Ann", "deepgram"),
    ("screen", "iOS 26, in German", "deepgram-flux"),
    ("screen", "iOS 26, then a mailbox", "openai"),
    ("mailbox", "a carrier", "deepgram"),
    ("mailbox", "a carrier, in French", "deepgram-flux"),
    ("mailbox", "Müller, in German", "openai"),
    ("person", "Ann, by name", "deepgram"),
    ("person", "Müller, with a greeting", "deepgram-flux"),
    ("person", "Anne, in French", "openai"),
]
"""Calls with the recognition server's protocol in between."""


@cache
def call(kind, name, *, watched=True, provider=None):
    one = AnsweredCall(FLOW, KINDS[kind][1](name), PLAN if watched else None, provider=provider)
    return one.run(32 if kind == "screen" else 13)


def events(kind, name):
    """What each was taken for, in its order, with the seconds after their first sound."""
    return [f"{event['who']} ({event['after_ms'] / 1000:.1f} s)" for event in call(kind, name).published]


def then(kind, name):
    one = call(kind, name)
    if kind == "mailbox":
        return f"message {one.said_at(MESSAGE) - one.beeps[0]:.2f} s after the beep"
    if kind == "person":
        return f"flow as before, first word at {one.said_at(GREETING):.2f} s"
    after = [f"says who calls at {one.said_at(INTRODUCTION):.1f} s"]
    if one.said_at(MESSAGE) is not None:
        after.append(f"message {one.said_at(MESSAGE) - one.beeps[0]:.2f} s after the beep")
    again = [at for text, at in one.log if text == GREETING and at is not None][1:]
    after += [f"flow at {at:.1f} s" for at in again] or ([] if one.beeps else [f"hangs up at {one.closed_at:.1f} s"])
    return ", ".join(after)


def table():
    lines = ["| who answers | taken for (after their first sound) | what follows (after the answer) |", "|---|---|---|"]
    for kind, (named, _) in KINDS.items():
        lines += [
            f"| {kind}: {name} | {', '.join(events(kind, name)) or 'nobody in particular'} | {then(kind, name)} |"
            for name in named
        ]
    return "\n".join(lines) + "\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", SCREENS)
def test_a_screening_telephone_is_told_who_calls_and_then_a_person_is_spoken_to(name):
    one = call("screen", name)
    first, *_ = one.published
    assert (first["who"], first["by"]) == ("screen", "words")
    assert first["after_ms"] <= 3300
    introduced = one.said_at(INTRODUCTION)
    assert introduced is not None
    finished, _ = one.words[len(SCREENS[name][0].split()) - 1]
    assert finished < introduced < finished + 1.5
    came = one.published[-1]["who"]
    if name.endswith("mailbox"):
        assert came == "voicemail"
        assert 0 < one.said_at(MESSAGE) - one.beeps[0] < 0.2
    elif name.endswith("nobody"):
        assert (came, one.record.is_person) == ("screen", False)
        assert one.closed_at is not None
    else:
        assert came == "person"
        assert one.record.is_person
        assert [text for text, _ in one.log].count(GREETING) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", MAILBOXES)
def test_a_message_begins_after_the_beep_and_not_into_it(name):
    one = call("mailbox", name)
    assert one.record.answered_by.who.value == "voicemail"
    late = one.said_at(MESSAGE) - one.beeps[0]
    known = one.record.answered_by.by == "words"
    assert 0 < late < (0.12 if known and MAILBOXES[name][1] > 500 else 0.9)  # at 400 to 500 Hz it may be a busy tone


@pytest.mark.slow
@pytest.mark.parametrize("name", PEOPLE)
def test_no_person_hears_anything_else_than_without_it(name):
    one = call("person", name)
    assert all(event["who"] == "person" for event in one.published)
    assert one.log == call("person", name, watched=False).log
    assert one.said_at(GREETING) == 0.0


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name", "provider"), WIRED)
def test_the_same_is_known_at_the_same_time_over_the_protocols_of_the_recognition_server(kind, name, provider):
    wired, direct = call(kind, name, provider=provider), call(kind, name)
    assert [(each["who"], each["by"]) for each in wired.published] == [
        (each["who"], each["by"]) for each in direct.published
    ]
    assert direct.published, "somebody was recognized"
    for each, known in zip(wired.published, direct.published, strict=True):
        assert abs(each["after_ms"] - known["after_ms"]) <= 300
    assert [text for text, _ in wired.log] == [text for text, _ in direct.log]
    late = [at - usual for (_, at), (_, usual) in zip(wired.log, direct.log, strict=True) if usual is not None]
    assert max(late) <= 0.3


@pytest.mark.parametrize(("kind", "ends"), [(OnAnswerer.CARRY_ON, True), (GO_TO, False)])
def test_a_verdict_of_twilio_counts_unless_the_call_does_something_else_already(kind, ends):
    plan = AnswerPlan(AnswerReaction(OnAnswerer.HANG_UP), AnswerReaction(kind, "screened"))
    one = AnsweredCall(FLOW, screen("a carrier"), plan).run(4)
    assert [event["who"] for event in one.published] == ["screen"]
    one.perform(one.session.machine_answered(None, now=one.now))
    assert (one.closed_at is not None) is ends


def test_the_page_has_these_figures():
    assert table() in PAGE.read_text(), f"paste it anew: python {Path(__file__).name}"


def test_the_plan_of_a_call_survives_its_token():
    assert read_plan(PLAN.as_text()) == PLAN
    assert read_plan(AnswerPlan().as_text()) == AnswerPlan()


if __name__ == "__main__":
    print(table())  # noqa: T201
