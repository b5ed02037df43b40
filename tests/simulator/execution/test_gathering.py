"""`<Gather>` takes words as well as keys; what a caller says is what their script says."""

import pytest
from support.speech import serving
from support.twiml_application import Application
from support.virtual_time import virtually

from telebridge.simulator.account import Simulator
from telebridge.simulator.caller.caller import Listen, Press, Script, Speak
from telebridge.simulator.caller.voices import speech
from telebridge.simulator.setup.options import SimulatorOptions

ASKED = "<Say>What can I do for you today, and how can I help?</Say>"


def spoken(words):
    return Speak(speech(800), words=words)


async def gathered(attributes, *steps):
    voice = f"<Response><Gather action='/said' {attributes}>{ASKED}</Gather></Response>"
    application = Application(voice=voice)
    async with serving(application.app) as url:
        simulator = Simulator(SimulatorOptions())
        placed = simulator.place_inbound_call(f"{url}/voice", Script((*steps, Listen(60))))
        await placed.finished
        await simulator.aclose()
    return placed, application.fields("said")


@virtually
async def test_words_go_to_the_action_once_the_caller_is_silent():
    steps = (Listen(1), spoken("billing"), Listen(0.5), spoken("please"))
    placed, [fields] = await gathered("input='speech' speechTimeout='auto'", *steps)
    assert (fields["SpeechResult"], fields["Confidence"]) == ("billing please", "0.9")
    assert "Digits" not in fields
    assert placed.record.duration_seconds == 4


@pytest.mark.parametrize(
    ("attributes", "step", "given"),
    [
        ("input='dtmf speech'", Press("4#"), {"Digits": "4"}),
        ("input='dtmf speech' speechTimeout='1'", spoken("four"), {"SpeechResult": "four"}),
        ("input='speech' timeout='1'", Press("4"), None),
        ("input='speech' timeout='1'", spoken(""), None),
        ("timeout='1'", spoken("four"), None),
    ],
)
@virtually
async def test_only_what_is_asked_for_is_taken(attributes, step, given):
    _, requests = await gathered(attributes, Listen(0.5), step)
    assert [{name: fields[name] for name in given} for fields in requests] == ([given] if given else [])
