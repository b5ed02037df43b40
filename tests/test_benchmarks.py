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
    "name",
    [
        "barge_in",
        "cached_prompt",
        "campaign_import",
        "chunks",
        "continuity",
        "first_audio",
        "inbound_frames",
        "live_calls",
        "overload",
        "publish",
        "soak",
        "startup",
        "workers",
    ],
)
def test_every_benchmark_can_be_loaded(beside, name):
    assert callable(loaded(name).run)


def samples(**figures):
    count = len(next(iter(figures.values())))
    return [
        {"at_seconds": 10.0 * place, **{name: values[place] for name, values in figures.items()}}
        for place in range(count)
    ]


def soaked(beside, before=10, after=10, **figures):
    soak = loaded("soak")
    each = {"megabytes": [100.0] * 10, "descriptors": [50] * 10, "tasks": [30] * 10, **figures}
    found = {
        "samples": samples(**each),
        "before": {"descriptors": before, "tasks": before},
        "after": {"descriptors": after, "tasks": after},
    }
    growth = {name: soak.grown(found["samples"], name) for name in soak.ALLOWANCES}
    return growth, {name for name, met in soak.judged(found, growth).items() if not met}


def test_a_soak_that_goes_up_and_down_is_flat(beside):
    growth, missed = soaked(beside, megabytes=[80, 95, 100, 103, 99, 101, 100, 102, 99, 100], descriptors=[49, 51] * 5)
    assert missed == set()
    assert abs(growth["megabytes"]) < 2


def test_a_soak_that_rises_is_not_flat(beside):
    growth, missed = soaked(
        beside, megabytes=[100 + each for each in range(10)], tasks=[30 + each for each in range(10)]
    )
    assert growth == {"megabytes": 7.0, "descriptors": 0.0, "tasks": 7.0}
    assert missed == {"growth.megabytes", "growth.tasks"}


def test_a_soak_that_leaves_descriptors_behind_is_not_flat(beside):
    assert soaked(beside, after=31)[1] == {"after.descriptors", "after.tasks"}


def test_a_telebridge_that_does_not_tell_its_tasks_is_judged_by_the_rest(beside):
    growth, missed = soaked(beside, tasks=[None] * 10)
    assert (growth["tasks"], missed) == (0.0, set())


ACCEPTED = {
    "chunk_ms_p99": 19.0,
    "underruns": 0,
    "closed": 0,
    "refused_ms_p99": 99.0,
    "live": 300,
}


@pytest.mark.parametrize(
    ("differs", "missed"),
    [
        ({}, set()),
        ({"chunk_ms_p99": 20.0}, {"chunk_ms_p99"}),
        ({"chunk_ms_p99": 0.0}, {"chunk_ms_p99"}),
        ({"underruns": 1}, {"underruns"}),
        ({"closed": 1}, {"closed"}),
        ({"refused_ms_p99": 101.0}, {"refused_ms_p99"}),
        ({"live": 200}, {"live"}),
    ],
)
def test_an_overload_step_misses_what_is_wrong(beside, differs, missed):
    met = loaded("overload").judged(ACCEPTED | differs, 300, 0)
    assert {name for name, each in met.items() if not each} == missed


def test_a_switch_to_the_local_voice_under_overload_is_a_bar_missed(beside):
    assert not loaded("overload").judged(ACCEPTED, 300, 1)["spoken_locally"]
