"""What the benchmarks measure is put together as the product is, also after its parts have changed."""

import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "scripts" / "benchmarks"


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def beside(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])


@pytest.mark.parametrize(
    "name", ["barge_in", "cached_prompt", "campaign_import", "chunks", "continuity", "first_audio", "live_calls"]
)
def test_every_benchmark_can_be_loaded(beside, name):
    assert callable(loaded(name).run)
