"""The flows that come with telebridge, for tests that call them."""

import asyncio
import re
from pathlib import Path

from support.bridge import heard_by
from support.speech import audio_of

FOLDER = Path(__file__).parents[2] / "config" / "flows"
OPERATOR_RINGS = "ring 2s; listen 3s; speak 1s; hang up"


def flow_text(name, **changed):
    """A flow that comes with telebridge; `changed` are lines of its variables."""
    text = (FOLDER / f"{name}.yaml").read_text()
    for variable, value in changed.items():
        [line] = [line for line in text.splitlines() if line.startswith(f"  {variable}: ")]
        text = text.replace(line, f"  {variable}: {value}")
    return text


def followed(phone, script, *, within=200, **target):
    """A call whose caller follows a script, until it is over and nothing of it is left; of the telephone of tests."""
    with phone.call(**target) as call:
        call.follows(script)
        call.ends(within=within)
    assert (phone.live_calls, phone.tasks_of_calls()) == (0, [])
    return call


def said(record):
    """What was begun to be said, in order."""
    return [utterance.text for utterance in record.utterances]


def heard_whole(placed, text):
    """Whether the caller heard all of a text, byte for byte; the voice says one sentence after the other."""
    sentences = re.split(r"(?<=[.?!]) ", text)
    return b"".join(audio_of(sentence) for sentence in sentences) in b"".join(heard_by(placed))


async def left_running():
    """The tasks of calls that still run when threads have ended; virtual time stands still while one writes a file."""
    await asyncio.sleep(0.01)
    return alive()


def alive():
    """The tasks of calls that still run."""
    return [task for task in asyncio.all_tasks() if task.get_name() in ("call", "message")]
