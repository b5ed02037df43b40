"""A question is asked once, on a terminal, for many calls."""

import pytest
import typer
from support.campaigns import SteeredClock, contacts, memory_store, running_campaign

from telebridge.cli.campaign import confirming
from telebridge.cli.campaign.confirming import confirmed


class Terminal:
    """Standard input and standard error as a terminal, or as none; remembers what was asked."""

    def __init__(self, answer, *, is_one=True):
        self.answer, self.is_one, self.asked = answer, is_one, []

    def isatty(self):
        return self.is_one

    def confirm(self, question, *, err):
        assert err
        self.asked.append(question)
        return self.answer


async def asked(monkeypatch, terminal, count, *, yes=False):
    monkeypatch.setattr(confirming, "sys", type("sys", (), {"stdin": terminal, "stderr": terminal}))
    monkeypatch.setattr(confirming.typer, "confirm", terminal.confirm)
    async with memory_store(SteeredClock()) as store:
        campaign = await running_campaign(store, contacts(count))
        await confirmed(store, campaign, "Call {count} of '{name}'?", yes=yes)


async def test_more_than_50_calls_are_asked_about_once(monkeypatch):
    terminal = Terminal(True)
    await asked(monkeypatch, terminal, 51)
    assert terminal.asked == ["Call 51 of 'spring'?"]


async def test_no_ends_the_command_before_anything_is_changed(monkeypatch, capsys):
    with pytest.raises(typer.Exit) as ended:
        await asked(monkeypatch, Terminal(False), 51)
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == "nothing was changed\n"


@pytest.mark.parametrize(
    ("terminal", "count", "yes"),
    [(Terminal(False), 50, False), (Terminal(False), 51, True), (Terminal(False, is_one=False), 51, False)],
    ids=["few calls", "--yes", "no terminal"],
)
async def test_nobody_is_asked(monkeypatch, terminal, count, yes):
    await asked(monkeypatch, terminal, count, yes=yes)
    assert terminal.asked == []
