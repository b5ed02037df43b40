"""docs/scaling.md has the tables that scripts/scaling.py prints, and the simulation agrees with Erlang."""

import importlib.util
from pathlib import Path

import pytest

from telebridge.settings.sections import ServerSettings

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "scaling.md").read_text()


def loaded():
    spec = importlib.util.spec_from_file_location("scaling", ROOT / "scripts" / "scaling.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCALING = loaded()


def erlang_b(servers, offered):
    """The share of callers whom so many servers refuse who serve alone (Erlang, 1917)."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = offered * blocked / (number + offered * blocked)
    return blocked


def test_the_page_has_the_arithmetic():
    assert "\n".join(SCALING.arithmetic()) in PAGE


@pytest.mark.slow
def test_the_page_has_the_simulation():
    assert "\n".join(SCALING.simulation()) in PAGE


def test_it_is_calculated_with_the_default_of_max_calls():
    assert ServerSettings().max_calls == SCALING.CALLS_A_PROCESS


def test_processes_that_are_chosen_at_random_refuse_as_erlang_says(monkeypatch):
    monkeypatch.setattr(SCALING, "CALLS_A_PROCESS", 20)
    found = SCALING.refused_share(50, 0.9, "random")
    assert found == pytest.approx(erlang_b(20, 18.0), rel=0.1)
    assert SCALING.refused_share(50, 0.9, "fewest calls") < found / 20
