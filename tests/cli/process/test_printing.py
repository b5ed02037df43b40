"""Words for people fit their terminal; in a pipe a line stays a line."""

import ast
import io
from pathlib import Path

import pytest

import telebridge.cli
from telebridge.cli.process import printing
from telebridge.cli.process.printing import number_of, print_text


class Terminal(io.StringIO):
    def isatty(self):
        return True


LINE = "    question       You have an appointment on Monday at nine. Press 1 to confirm, 2 to move it."


def test_a_terminal_gets_lines_that_it_holds_with_their_words_whole(monkeypatch):
    monkeypatch.setattr(printing.sys, "stdout", Terminal())
    monkeypatch.setenv("COLUMNS", "60")
    print_text(LINE, hanging=15)
    first, *further = printing.sys.stdout.getvalue().splitlines()
    assert first == "    question       You have an appointment on Monday at"
    assert further == [" " * 19 + "nine. Press 1 to confirm, 2 to move it."]


def test_a_pipe_gets_the_line_as_it_is(capsys):
    print_text(LINE, err=True)
    assert capsys.readouterr().err == LINE + "\n"


@pytest.mark.parametrize(("count", "told"), [(1, "1 entry"), (0, "0 entries"), (2000, "2,000 entries")])
def test_a_number_is_told_with_the_right_word(count, told):
    assert number_of(count, "entry", "entries") == told


WHOLE = ("export ", "telebridge campaign preflight ", "placed.sid", "settings.public_url", "simulator listens")
"""Lines that are copied, or read by programs: a terminal breaks them so that a copy of them is whole."""


def words_in(source):
    """Yield the calls that print words for people, but do not break them into lines that a terminal holds."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print_line", "typer.echo"}:
            printed = ast.unparse(node.args[0])
            words = next((part for part in ast.walk(node.args[0]) if isinstance(part, ast.JoinedStr)), None)
            told = words is not None or (isinstance(node.args[0], ast.Constant) and len(printed) > 40)
            if told and "json_" not in printed and not any(part in printed for part in WHOLE):
                yield f"line {node.lineno}: {printed}"


def test_every_command_breaks_its_words_into_lines_that_the_terminal_holds():
    modules = Path(telebridge.cli.__file__).parent.rglob("*.py")
    found = {module.name: list(words_in(module.read_text(encoding="utf-8"))) for module in modules}
    assert not {name: calls for name, calls in found.items() if calls}, "print words with print_text"
