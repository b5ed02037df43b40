"""What the benchmarks measure is put together as the product is, also after its parts have changed."""

import importlib.util
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "scripts" / "benchmarks"
FLOW = "flow: bench\nstart: bye\nnodes:\n  bye: {hang_up: null}\n"


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def beside(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(FOLDER), *sys.path])


async def test_the_measured_bridge_has_the_doors_of_the_real_one(tmp_path):
    (tmp_path / "bench.yaml").write_text(FLOW)
    paths = {resource.canonical for resource in loaded("servers").bridge(tmp_path, 1.0).router.resources()}
    assert {"/twilio/voice", "/twilio/media/{token}", "/twilio/next"} <= paths


@pytest.mark.parametrize(
    "name", ["barge_in", "cached_prompt", "calls", "campaign_import", "continuity", "first_audio", "inbound_frames"]
)
def test_every_benchmark_can_be_loaded(beside, name):
    assert callable(loaded(name).run)
