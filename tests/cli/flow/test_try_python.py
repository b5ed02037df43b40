"""`telebridge flow try` of a Python flow: what it says, what the caller presses, how it ends."""

import json
import sys

import pytest
from support.flow_command import flow, refused

MODULE = """
import asyncio

from telebridge import Bridge, Call

bridge = Bridge()


async def tokens():
    for word in ("One ", "moment."):
        yield word


@bridge.flow("desk", needs=["name"])
async def desk(call: Call) -> None:
    await call.say(f"Hello {call.variables['name']}.")
    await call.say(tokens())
    answer = await call.ask("Press 1 to talk to somebody, 2 to leave a message.", choices="123")
    call.checkpoint("asked")
    call.result["answer"] = answer.digits
    if answer.digits == "1":
        talk = await call.transfer("+15551230100")
        call.result["connected"] = talk.connected
    elif answer.digits == "2":
        message = await call.record("After the tone, please.")
        call.result["seconds"] = message.seconds
    elif answer.digits == "3":
        raise KeyError("account")
    await call.hang_up("Goodbye.")
"""
JANE = ("--set", "name=Jane")


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "tried_desk.py").write_text(MODULE)
    yield
    sys.modules.pop("tried_desk", None)


def tried(*arguments, **more):
    return flow("try", *arguments, "--app", "tried_desk:bridge", **more)


def test_a_python_flow_is_tried_with_keys():
    done = tried("desk", *JANE, "--keys", "1", "--answer", "transfer=completed")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == [
        "says     Hello Jane.",
        "says     One moment.",
        "asks     Press 1 to talk to somebody, 2 to leave a message.",
        "> 1",
        "saves    asked",
        "transfers +15551230100: completed",
        "says     Goodbye.",
        "hangs up",
        "",
        "  answer = '1'",
        "  connected = True",
    ]


def test_the_only_flow_needs_no_name_and_programs_get_json():
    told = json.loads(tried(*JANE, "--keys", "2", "--answer", "record=7", "--json").stdout)
    assert told["flow"] == "desk"
    assert told["result"] == {"answer": "2", "seconds": 7.0}
    assert told["variables"]["name"] == "Jane"
    assert told["lines"][-1]["what"] == "hangs up"


def test_silence_is_asked_again_and_a_caller_may_hang_up():
    asked = [line for line in tried(*JANE, "--keys", "").stdout.splitlines() if line.startswith("asks")]
    assert len(asked) == 3
    assert tried(*JANE, "--keys", "!").stdout.splitlines()[-2:] == ["caller hangs up", ""]
    assert tried(*JANE, typed="").stdout.splitlines()[-2:] == ["caller hangs up", ""], "the end of the input"


def test_a_flow_that_raises_is_told_with_its_line():
    done = tried(*JANE, "--keys", "3", "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["failure"] == "KeyError: 'account'"
    assert done.stderr.splitlines() == [
        "the flow fails: KeyError: 'account'",
        "  tried_desk.py:28 in desk",
        '    raise KeyError("account")',
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["dsk", *JANE], "FLOW: the application has no flow 'dsk'; did you mean 'desk'?"),
        (["desk"], "--set: flow 'desk' needs the variable 'name'; --set name=…"),
        (["desk", *JANE, "--answer", "find=1"], "--answer: there is no 'find' to answer; a Python flow takes"),
    ],
)
def test_wrong_use_is_told(arguments, told):
    assert refused(tried(*arguments)).startswith(told)


def test_a_flow_that_goes_in_circles_ends(tmp_path):
    (tmp_path / "tried_desk.py").write_text(
        "from telebridge import Bridge\nbridge = Bridge()\n\n\n@bridge.flow('round')\nasync def round_(call):\n"
        "    while True:\n        await call.collect('Again?')\n"
    )
    done = tried("--keys", "")
    assert done.exit_code == 1
    assert "it goes in circles" in done.stderr
