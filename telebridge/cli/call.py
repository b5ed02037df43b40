"""`telebridge call`: place one outbound call that a flow leads.

`telebridge call show SID` and `telebridge call list` print calls from the database.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from telebridge.app.twilio import open_twilio
from telebridge.call.flows.catalogue import FlowCatalogue
from telebridge.call.store.store import CallStore
from telebridge.call.store.table import StoredCall
from telebridge.campaigns.numbers.numbers import DialableNumber, read_number
from telebridge.cli.database import migrated_database
from telebridge.cli.options import ConfigOption, JsonOption
from telebridge.cli.process.printing import print_line, print_text
from telebridge.database.database import database_of
from telebridge.errors import ConfigurationError
from telebridge.flows.values import ADDRESS
from telebridge.server.api.originate import call_request
from telebridge.server.api.ports import OutboundCall
from telebridge.settings.loading import load_settings
from telebridge.settings.settings import Settings
from telebridge.testing.scenarios.drafting import ScenarioDraft, draft_of_record
from telebridge.testing.vocabulary import NUMBER
from telebridge.twilio.calls import CallRequest
from telebridge.twilio.client import CallResource

MOST_LISTED = 20
LAST = "last"
SHOWN_SID = 10
WIDE = 130
"""Columns of a terminal from which on dates and names of calls are shown whole."""

T = TypeVar("T")


async def show_call(settings: Settings, named: str, *, as_json: bool) -> None:
    """Print one call.

    Args:
        settings: Where the database is.
        named: The CallSid or its beginning, a number of the list, or "last".
        as_json: Whether it is printed for programs.

    Raises:
        ConfigurationError: There is no such call, or there are several.
    """
    kept = await _read(settings, partial(_find, named=named))
    if as_json:
        print_line(json.dumps({**kept.as_json(), "live": not kept.ended}, default=str))
    else:
        _print(kept)


async def call_as_test(settings: Settings, call_sid: str) -> str:
    """A call as a scenario file.

    Raises:
        ConfigurationError: There is no such call.
    """
    kept = await _read(settings, partial(_find, named=call_sid))
    record = kept.as_json()
    flows = FlowCatalogue(settings.flows_dir)
    flows.load()
    flow = next((each for each in flows.files() if each.flow == kept.begun.flow), None)
    draft = ScenarioDraft(kept.begun.flow, caller=_in_e164(record["from"]), to=_in_e164(record["to"]))
    return draft_of_record(draft, record, flow).text()


def _in_e164(number: str) -> str | None:
    return number if re.fullmatch(NUMBER, number) else None


async def _find(store: CallStore, named: str) -> StoredCall:
    nth = 1 if named == LAST else int(named) if named.isascii() and named.isdigit() else None
    if nth is not None:
        calls = await store.recent(max(1, min(nth, MOST_LISTED)))
        if not 1 <= nth <= len(calls):
            what = "there is no call yet" if not calls else f"there is no call {nth} in the list"
            raise ConfigurationError("SID", what, "telebridge call list tells the latest")
        return calls[nth - 1]
    found = await store.starting_with(named, 2)
    if not found:
        raise ConfigurationError("SID", f"there is no call '{named}'", "telebridge call list tells the latest")
    if len(found) > 1 and found[0].begun.call_sid != named:
        raise ConfigurationError("SID", f"several calls begin with '{named}'", "write more of it")
    return found[0]


async def list_calls(settings: Settings, *, as_json: bool) -> None:
    """Print the latest calls that have ended."""
    calls = await _read(settings, lambda store: store.recent(MOST_LISTED))
    if as_json:
        print_line(json.dumps([kept.as_json() for kept in calls], default=str))
        return
    if not calls:
        print_text("no call has ended yet")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("", justify="right", no_wrap=True)
    for heading in ("began (UTC)", "call"):
        table.add_column(heading, no_wrap=True)
    for heading in ("from", "to", "flow", "ended"):
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
    console = Console(highlight=False)
    whole = console.width >= WIDE
    for number, kept in enumerate(calls, 1):
        began, fields = kept.begun, kept.as_json()
        answered_by = fields.get("answered_by") or {}
        reason = f"{fields['end_reason']}{' · ' * bool(answered_by)}{answered_by.get('who', '')}"
        at = f"{began.started_at:%Y-%m-%d %H:%M:%S}" if whole else f"{began.started_at:%m-%d %H:%M}"
        sid = began.call_sid if whole else began.call_sid[:SHOWN_SID]
        table.add_row(str(number), at, sid, began.from_number, began.to_number, began.flow, reason)
    console.print(table)
    print_text("telebridge call show 1 (or last, or the beginning of a call's name) shows one")


async def _read(settings: Settings, query: Callable[[CallStore], Awaitable[T]]) -> T:
    async with migrated_database(settings) as engine:
        return await query(CallStore(database_of(engine)))


def _print(kept: StoredCall) -> None:
    try:
        lines = _lines(kept, kept.as_json())
    except (TypeError, ValueError, LookupError, AttributeError):  # the row was damaged, or written by somebody else
        lines = [*_lines(kept, kept.begun.as_json()), ("", Text("its record is damaged", style="yellow"))]
    console = Console(highlight=False)
    head, *rows = lines
    console.print(head[1])
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


Line = tuple[str, Text]
"""What stands before a line of a call, and the line, which is wrapped in its own column."""


def _lines(kept: StoredCall, fields: dict[str, Any]) -> list[Line]:
    began = kept.begun
    head = Text(f"{began.call_sid}  {began.from_number} → {began.to_number}  {began.direction}", style="bold")
    facts = {
        "began": f"{began.started_at:%Y-%m-%d %H:%M:%S} UTC",
        "flow": began.flow,
        "answered by": _answered_by(fields),
        "path": " → ".join(fields["path"]),
        "digits": ", ".join(fields["digits"]),
        "first audio": "" if fields["first_audio_ms"] is None else f"{fields['first_audio_ms']:g} ms after the webhook",
        "result": ", ".join(f"{name} = {value!r}" for name, value in fields["result"].items()),
        "recordings": ", ".join(fields["recordings"]),
        "transfers": ", ".join(map(_transfer_words, fields.get("transfers", []))),
        "ended": fields["end_reason"] or ("" if kept.ended else "live"),
    }
    told = [(name, Text(str(value))) for name, value in facts.items() if value]
    return [("", head), *told, *map(_utterance_line, fields["utterances"])]


def _answered_by(fields: dict[str, Any]) -> str:
    """Who answered a call of a campaign, where words or a beep told it."""
    known = fields.get("answered_by")
    return "" if known is None else f"{known['who']}, by {known['by']} after {known['after_ms'] / 1000:.1f} s"


def _transfer_words(transfer: dict[str, Any]) -> str:
    talked = "" if transfer["seconds"] is None else f", {transfer['seconds']} s"
    return f"{transfer['to']}: {transfer['status']}{talked}"


def _utterance_line(utterance: dict[str, Any]) -> Line:
    line = Text()
    if "interrupted_by" not in utterance:
        line.append(utterance["text"], style="")
    else:
        heard = utterance["heard_text"]
        line.append(heard or f"(nothing of: {utterance['text']})", style="" if heard else "dim")
        line.append(f"  ✂ {utterance['interrupted_by']} after {utterance['heard_ms']} ms", style="yellow")
        line.append("" if utterance["exact"] else ", words estimated", style="dim")
    if utterance.get("pauses"):
        line.append(f"  ({_paused(utterance['pauses'])})", style="dim")
    return f"{utterance['audio_ms'] / 1000:.1f}s", line


def _paused(times: int) -> str:
    return "paused once" if times == 1 else f"paused {times} times"


POLL_SECONDS = 1.0


def call(  # noqa: PLR0913 - one command, three uses
    to: Annotated[
        str, typer.Argument(metavar="TO|show|list", help="Whom to ring, such as +15551230000; or one of the words.")
    ],
    sid: Annotated[
        str | None,
        typer.Argument(metavar="[SID]", help="The call that is shown: its name or the beginning of it, 1, or last."),
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="A number of your account.")] = None,
    flow: Annotated[str | None, typer.Option(help="The flow that speaks; by default the one for the number.")] = None,
    as_test: Annotated[  # noqa: FBT002 - a flag of the command line
        bool, typer.Option("--as-test", help="With `show`: print the call as a scenario file, for `telebridge test`.")
    ] = False,
    ring_seconds: Annotated[int, typer.Option(min=5, max=600, help="How long it may ring.")] = 60,
    wait: Annotated[bool, typer.Option(help="Stay until the call is over, and tell how it went.")] = True,  # noqa: FBT002
    json_: JsonOption = False,  # noqa: FBT002 - a flag of the command line
    config: ConfigOption = None,
) -> None:
    """Place one outbound call; or tell what came of one (`call show SID`), or of the latest (`call list`).

    To place one, `telebridge serve` must run where `public_url` leads. Exits with 1 when it was not answered.
    """
    settings = load_settings(config)
    if to == "list":
        asyncio.run(list_calls(settings, as_json=json_))
        return
    if to == "show":
        if sid is None:
            raise ConfigurationError("SID", "is missing", "telebridge call show last, or the name of a call")
        if as_test:
            print_line(asyncio.run(call_as_test(settings, sid)).rstrip())
        else:
            asyncio.run(show_call(settings, sid, as_json=json_))
        return
    if from_ is None:
        raise ConfigurationError("--from", "is missing", "give a number of your account, such as +15559870000")
    outbound = OutboundCall(_dialled(to, "TO"), _dialled(from_, "--from"), flow=flow or "", ring_seconds=ring_seconds)
    request = call_request(outbound, settings.public_url)
    placed = asyncio.run(_call(settings, request, wait=wait, quiet=json_))
    if json_:
        fields = {"sid": placed.sid, "status": placed.status.value, "duration_seconds": placed.duration_seconds}
        print_line(json.dumps(fields))
    if wait and placed.status.value != "completed":
        raise typer.Exit(1)


def _dialled(written: str, where: str) -> str:
    """A number in E.164, or an address as it is. Twilio itself reads letters as keys, and would call a stranger.

    Raises:
        ConfigurationError: It is neither.
    """
    if ADDRESS.fullmatch(written):
        return written
    number = read_number(written, country="", check="possible")
    if not isinstance(number, DialableNumber):
        raise ConfigurationError(where, number.reason, "for example '+12125550123', or as sip:… or client:…")
    return number.e164


async def _call(settings: Settings, request: CallRequest, *, wait: bool, quiet: bool) -> CallResource:
    async with open_twilio(settings.twilio) as calls:
        placed = await calls.create(request)
        status = None
        while True:
            if placed.status is not status and not quiet:
                print_line(f"{placed.sid} {placed.status.value}")
            status = placed.status
            if not wait or status.is_final:
                return placed
            await asyncio.sleep(POLL_SECONDS)
            placed = await calls.fetch(placed.sid)
