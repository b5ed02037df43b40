"""The page about Python flows names everything that a call can do, and its examples run."""

import asyncio
import inspect
import re
from contextlib import aclosing
from pathlib import Path

import pytest
from support.bridge import bridge as whole_bridge
from support.flows import OPERATOR_RINGS
from support.virtual_time import virtually

from telebridge import Bridge, Call, SmsNotSent
from telebridge.audio import wav
from telebridge.audio.mulaw import silence
from telebridge.simulator.caller.script import parse_script
from telebridge.turns.digits import DigitRules

PAGE = (Path(__file__).parents[3] / "docs" / "python-flows.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
OF_A_CALL = [example for example in EXAMPLES if example.startswith("async def example")]
WITHOUT_AGENTS = [example for example in OF_A_CALL if "call.enqueue(" not in example]
"""Nobody takes the call of an example out of a queue; `tests/end_to_end/test_clinic.py` waits in one."""
NAMES = {
    "SmsNotSent": SmsNotSent,
    "Call": Call,
    "Bridge": Bridge,
    "DigitRules": DigitRules,
    "aclosing": aclosing,
    "asyncio": asyncio,
}


def methods():
    """What an application may call."""
    return sorted(name for name, _ in inspect.getmembers(Call, inspect.isfunction) if not name.startswith("_"))


@pytest.mark.parametrize("method", methods())
def test_every_method_has_a_section_with_an_example(method):
    section = PAGE.split(f"\n### {method}\n")[1].split("\n##")[0]
    assert f"call.{method}(" in section


def test_no_section_is_about_a_method_that_is_gone():
    assert sorted(re.findall(r"^### (\w+)$", PAGE, re.MULTILINE)) == methods()


def test_every_attribute_has_a_row():
    source = inspect.getsource(Call.__init__)
    attributes = {name for name in re.findall(r"self\.(\w+) = ", source) if not name.startswith("_")}
    rows = PAGE.split("## What a call knows")[1].split("\n## ")[0]
    assert attributes == {
        name for row in re.findall(r"^\| (`.*?) \|", rows, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    } - {"attribute"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "example", WITHOUT_AGENTS, ids=lambda text: re.search(r"call\.(?!result|variables)(\w+)", text)[1]
)
@virtually
async def test_every_example_runs(tmp_path, monkeypatch, example):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEBRIDGE_TWILIO__API_BASE_URL", "http://127.0.0.1:9")
    wav.write(tmp_path / "welcome.wav", silence(200))
    space = dict(NAMES)
    exec(example, space)
    led = Bridge()
    finished = []

    @led.flow("test")
    async def flow(call):
        await space["example"](call)
        finished.append(call.sid)

    office = {"callers": {"+15551230100": parse_script(OPERATOR_RINGS)}}
    async with whole_bridge(tmp_path, None, python=led, twilio=office) as stack:
        _, record = await stack.call("silence; press 1; listen 60s")
    ends_the_call = "hang_up" in example
    assert record.end_reason == ("hung up by the flow" if ends_the_call and not finished else "flow ended")


@pytest.mark.parametrize("example", [each for each in EXAMPLES if each not in OF_A_CALL], ids=["flow", "function"])
def test_every_registration_registers(example):
    space = {"bridge": Bridge()}
    exec(example, space)
    assert [*space["bridge"].flows, *space["bridge"].functions] in (["reminder"], ["opening_hours"])
