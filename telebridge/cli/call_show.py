"""`telebridge call show SID` and `telebridge call list`: what came of calls, as the database knows it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table
from rich.text import Text

from telebridge.call.store.store import CallStore
from telebridge.call.store.table import KeptCall
from telebridge.cli.database import migrated_database
from telebridge.cli.serving import tell
from telebridge.errors import ConfigurationError
from telebridge.settings import Settings

MOST_LISTED = 20

T = TypeVar("T")


async def show_call(settings: Settings, call_sid: str, *, as_json: bool) -> None:
    """Print one call.

    Raises:
        ConfigurationError: There is no such call.
    """
    kept = await _asked(settings, lambda store: store.find(call_sid))
    if kept is None:
        raise ConfigurationError("SID", f"there is no call '{call_sid}'", "telebridge call list tells the latest")
    if as_json:
        tell(json.dumps({**kept.as_json(), "live": not kept.ended}, default=str))
    else:
        _print(kept)


async def list_calls(settings: Settings, *, as_json: bool) -> None:
    """Print the latest calls that are over."""
    calls = await _asked(settings, lambda store: store.recent(MOST_LISTED))
    if as_json:
        tell(json.dumps([kept.as_json() for kept in calls], default=str))
        return
    table = Table("began", "call", "from", "to", "flow", "ended")
    for kept in calls:
        told = kept.as_json()
        began = f"{kept.started_at:%Y-%m-%d %H:%M:%S}"
        table.add_row(began, kept.call_sid, kept.from_number, kept.to_number, kept.flow, told["end_reason"])
    Console().print(table)


async def _asked(settings: Settings, question: Callable[[CallStore], Awaitable[T]]) -> T:
    async with migrated_database(settings) as engine:
        return await question(CallStore(engine))


def _print(kept: KeptCall) -> None:
    told = kept.as_json()
    console = Console(highlight=False)
    console.print(Text(f"{kept.call_sid}  {kept.from_number} → {kept.to_number}  {kept.direction}", style="bold"))
    facts = {
        "began": f"{kept.started_at:%Y-%m-%d %H:%M:%S} UTC",
        "flow": kept.flow,
        "path": " → ".join(told["path"]),
        "digits": ", ".join(told["digits"]),
        "first audio": "" if told["first_audio_ms"] is None else f"{told['first_audio_ms']:g} ms after the webhook",
        "result": ", ".join(f"{name} = {value!r}" for name, value in told["result"].items()),
        "recordings": ", ".join(told["recordings"]),
        "ended": told["end_reason"] or ("" if kept.ended else "live"),
    }
    for name, value in facts.items():
        if value:
            console.print(Text.assemble((f"{name:>12}  ", "dim"), str(value)))
    for utterance in told["utterances"]:
        _print_utterance(console, utterance)


def _print_utterance(console: Console, utterance: dict[str, Any]) -> None:
    line = Text(f"{utterance['audio_ms'] / 1000:>11.1f}s  ", style="dim")
    if "interrupted_by" not in utterance:
        line.append(utterance["text"], style="")
    else:
        heard = utterance["heard_text"]
        line.append(heard or "…", style="")
        line.append(f"  ✂ {utterance['interrupted_by']} after {utterance['heard_ms']} ms", style="yellow")
        line.append("" if utterance["exact"] else ", words estimated", style="dim")
    if utterance.get("pauses"):
        line.append(f"  (paused {utterance['pauses']} times)", style="dim")
    console.print(line)
