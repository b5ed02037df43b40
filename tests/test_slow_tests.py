"""Slow tests are left out unless they are asked for, and a run says how many."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.slow_tests import is_named

TESTS = Path(__file__).parent
EXAMPLE = """
import pytest


@pytest.mark.slow
def test_slow():
    pass


@pytest.mark.timeout(61)
def test_patient():
    pass


@pytest.mark.timeout(10)
def test_fast():
    pass
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "test_example.py").write_text(EXAMPLE)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow: takes long\n")
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["support.slow_tests"]\n')
    return tmp_path


def run(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TESTS), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("processes", [(), pytest.param(("-n", "1"), marks=pytest.mark.slow)])
def test_a_slow_test_is_left_out_and_the_run_says_so(folder, processes):
    code, output = run(folder, "folder", *processes)
    assert code == 0
    assert "1 passed" in output
    assert "2 slow tests were left out; scripts/test --all runs all" in output


@pytest.mark.slow
def test_all_runs_everything(folder):
    code, output = run(folder, "--all")
    assert code == 0
    assert "3 passed" in output
    assert "left out" not in output


@pytest.mark.slow
def test_a_run_without_any_test_is_a_failure(folder):
    code, output = run(folder, "-k", "test_slow")
    assert code == pytest.ExitCode.NO_TESTS_COLLECTED
    assert "1 slow test was left out" in output


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("tests", False),
        ("tests/test_slow_tests.py", True),
        ("tests/test_slow_tests.py::test_one", True),
        ("tests/test_slow_tests.py::test_one[a-b]", True),
        ("tests/test_slow_tests.py::test_on", False),
        ("tests/test_slow_tests.py::test_one[a]", False),
        ("tests/test_readme.py", False),
    ],
)
def test_a_test_is_named_by_its_file_or_itself(monkeypatch, argument, named):
    monkeypatch.chdir(TESTS.parent)
    assert is_named("tests/test_slow_tests.py::test_one[a-b]", Path(__file__), [argument]) is named
