"""Draws the state diagrams of docs/architecture.md from the tables of transitions in the code.

A pair of comments in the page says which table is drawn between them:

    <!-- states: campaigns/engine/states.py:CAMPAIGN -->
    <!-- end of states -->

The name is the file under telebridge/ and the table in it: a mapping of (state, input) to the state that follows, all
members of enums. A table whose values are actions and not states is drawn as a matrix. A machine without such a table
is tried instead with every message in every state (`PROBED`).

One rule: nothing is drawn by hand; a diagram that is wrong is a table that is wrong.
"""

import re
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from importlib import import_module
from pathlib import Path

from telebridge.errors import RemoteProtocolError
from telebridge.twilio.media_stream import MediaStream, Side, StreamState

PAGE = Path(__file__).parent.parent / "docs" / "architecture.md"
BLOCK = re.compile(r"(<!-- states: (?P<name>\S+) -->\n).*?(<!-- end of states -->)", re.DOTALL)

Table = Mapping[tuple[Enum, Enum | str], Enum]


def media_stream() -> Table:
    """The bridge's end of a media stream: which state follows from which message of Twilio; errors are left out."""
    twilio = MediaStream(Side.TWILIO)
    messages = {
        "connected": twilio.send_connected(),
        "start": twilio.send_start("MZ1", "CA1", "AC1", {}),
        "media": twilio.send_audio(b"\xff", 0),
        "dtmf": twilio.send_digit("1"),
        "mark": twilio.send_mark_returned("m"),
        "stop": twilio.send_stop(),
    }
    table: dict[tuple[Enum, Enum | str], Enum] = {}
    for state in StreamState:
        for name, message in messages.items():
            stream = MediaStream(Side.BRIDGE)
            stream.state, stream.stream_sid = state, "MZ1"
            try:
                stream.receive_text(message)
            except RemoteProtocolError:
                continue
            table[state, name] = stream.state
    return table


PROBED: Mapping[str, Callable[[], Table]] = {"twilio/media_stream.py:MediaStream": media_stream}


def table_of(name: str) -> Table:
    """The table of a marker: `package/module.py:NAME`."""
    if name in PROBED:
        return PROBED[name]()
    module, _, attribute = name.partition(":")
    table: Table = getattr(import_module("telebridge." + module.removesuffix(".py").replace("/", ".")), attribute)
    return table


def diagram(table: Table) -> str:
    """A table as a Mermaid state diagram. Inputs that lead to the same state are one arrow.

    The first member of the enum is the initial state. A state that nothing leaves is final. Inputs that change nothing
    are listed beside their state, so that the arrows stay readable.
    """
    states = type(next(iter(table))[0])
    arrows: dict[tuple[Enum, Enum], list[str]] = {}
    for (state, happened), after in table.items():
        arrows.setdefault((state, after), []).append(happened if isinstance(happened, str) else _word(happened))
    lines = ["stateDiagram-v2", f"    [*] --> {_identifier(next(iter(states)))}"]
    lines += [f"    {_identifier(state)}: {_word(state)}" for state in states if _identifier(state) != _word(state)]
    for (state, after), inputs in arrows.items():
        if state is not after:
            lines.append(f"    {_identifier(state)} --> {_identifier(after)}: {', '.join(inputs)}")
    left = {state for state, after in arrows if state is not after}
    lines += [f"    {_identifier(state)} --> [*]" for state in states if state not in left]
    unchanged = [f"{_word(state)}: {', '.join(inputs)}" for (state, after), inputs in arrows.items() if state is after]
    note = f"\nWithout effect: {'; '.join(unchanged)}.\n" if unchanged else ""
    return "```mermaid\n" + "\n".join(lines) + "\n```\n" + note


def matrix(table: Table) -> str:
    """A table of actions as a Markdown table: a row for each state, a column for each input."""
    states = list(dict.fromkeys(state for state, _ in table))
    inputs = list(dict.fromkeys(happened for _, happened in table))
    names = [happened if isinstance(happened, str) else _word(happened) for happened in inputs]
    lines = [f"| | {' | '.join(names)} |", f"|---{'|---' * len(inputs)}|"]
    for state in states:
        actions = [_word(table[state, happened]) if (state, happened) in table else "" for happened in inputs]
        lines.append(f"| {_word(state)} | {' | '.join(actions)} |")
    return "\n".join(lines) + "\n"


def picture(table: Table) -> str:
    """A table as a state diagram, or as a matrix when its values are not states."""
    (state, _), after = next(iter(table.items()))
    return diagram(table) if type(state) is type(after) else matrix(table)


def drawn(page: str) -> str:
    """The page with every diagram drawn anew."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{picture(table_of(found['name']))}\n{found[3]}", page)


def _identifier(state: Enum) -> str:
    return state.name.lower()


def _word(member: Enum) -> str:
    return member.value if isinstance(member.value, str) else member.name.lower().replace("_", " ")


def main(arguments: list[str]) -> int:
    """Write the page, or with --check only return 1 when it is out of date."""
    page = PAGE.read_text(encoding="utf-8")
    after = drawn(page)
    if "--check" not in arguments:
        PAGE.write_text(after, encoding="utf-8")
        return 0
    if after != page:
        print(f"{PAGE.name} is out of date: run scripts/diagrams", file=sys.stderr)
    return int(after != page)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
