"""Words for people fit their terminal; in a pipe a line stays a line."""

import io

import pytest

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
