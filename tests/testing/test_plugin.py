"""The pytest plugin in projects of others, run by pytest's own `pytester`."""

import sys
from importlib.metadata import entry_points

import pytest

# pytester forgets what is imported in a run, and numpy cannot be imported twice.
import telebridge.testing.picture
import telebridge.testing.reporting  # noqa: F401

FLOW = """
flow: desk
start: main
nodes:
  main: {say: "Welcome to Acme.", then: bye}
  bye: {hang_up: "Goodbye."}
"""
TEST = """
def test_welcome(phone):
    with phone.call(flow="desk.yaml") as call:
        call.hears("welcome to acme", within=3)
"""
FAILING = """
def test_sales(phone):
    with phone.call(flow="desk.yaml") as call:
        call.hears("sales", within=1)

def test_plain_assertion(phone):
    with phone.call(flow="desk.yaml") as call:
        call.hears("welcome")
        assert call.at == "billing"
"""
ASYNC_TEST = """
import pytest

pytestmark = pytest.mark.MARK

@pytest.fixture
def anyio_backend():
    return "asyncio"

async def test_welcome(aphone):
    async with aphone.call("desk.yaml") as call:
        await call.hears("welcome to acme", within=3)
    assert call.ended_by == "caller"
"""
SCOPE = ("-o", "asyncio_default_fixture_loop_scope=function")
PLUGINS = ("-p", "no:schemathesis", "-p", "no:anyio", "-p", "no:cacheprovider")
MODES = {
    "auto": ("filterwarnings('default')", [*PLUGINS, "--asyncio-mode=auto", *SCOPE]),
    "strict": ("asyncio", [*PLUGINS, "--asyncio-mode=strict", *SCOPE]),
    "anyio": ("anyio", ["-p", "no:schemathesis", "-p", "no:asyncio", "-p", "no:cacheprovider", "-p", "anyio"]),
}
"""How an asynchronous test is marked, and pytest's options, for each plugin that runs such tests."""


@pytest.fixture
def project(pytester):
    """A folder with a flow and nothing else of ours: no conftest, no settings."""
    (pytester.path / "desk.yaml").write_text(FLOW)
    return pytester


def run(project, *arguments):
    plugin = () if _installed() else ("-p", "telebridge.testing.plugin")
    return project.runpytest_inprocess(*PLUGINS, *plugin, *arguments)


def _installed():
    return bool(entry_points(group="pytest11", name="telebridge"))


def test_the_first_test_of_a_project_passes(project):
    project.makepyfile(TEST)
    run(project, "--strict-markers", "-W", "error", *SCOPE).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "mode", [["-p", "no:asyncio"], ["--asyncio-mode=auto", *SCOPE], ["--asyncio-mode=strict", *SCOPE]]
)
def test_with_asyncio_plugins_in_every_mode(project, mode):
    project.makepyfile(TEST)
    run(project, *mode, "-W", "error").assert_outcomes(passed=1)


@pytest.mark.parametrize("mode", MODES)
def test_asynchronous_tests_with_each_plugin(project, mode):
    mark, options = MODES[mode]
    project.makepyfile(ASYNC_TEST.replace("MARK", mark))
    plugin = () if _installed() else ("-p", "telebridge.testing.plugin")
    project.runpytest_inprocess(*options, *plugin, "-W", "error").assert_outcomes(passed=1)


@pytest.mark.slow
def test_a_failure_shows_the_call_with_its_audio_and_picture(project):
    project.makepyfile(FAILING)
    result = run(project, "--telebridge-dir", "kept")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines([
        "*test_a_failure*.py:3: CallFailure",
        "*- call -*",
        "audio: kept/*test_sales/call.wav",
        "picture: kept/*test_sales/call.png",
        "*test_plain_assertion*",
        "*- call -*",
        "*✓ hears \"welcome\"",
        "audio: kept/*test_plain_assertion/call.wav",
    ])  # fmt: skip
    text = result.stdout.str()
    assert 'hears "sales": not heard within 1 s' in text
    assert '▶ "Welcome to Acme."' in text
    assert "placed_call.py" not in text, "the frames of telebridge are hidden"
    wav, png = (next(project.path.glob(f"kept/*test_sales/call.{ending}")) for ending in ("wav", "png"))
    assert wav.read_bytes()[:4] == b"RIFF"
    assert png.read_bytes()[:4] == b"\x89PNG"


def test_which_calls_are_kept(project):
    project.makepyfile(TEST)
    run(project, "--telebridge-dir", "all", "--telebridge-keep", "all").assert_outcomes(passed=1)
    assert list(project.path.glob("all/*/call.txt"))
    run(project, "--telebridge-dir", "some").assert_outcomes(passed=1)
    assert not (project.path / "some").exists()


def test_the_marker_says_what_is_called(project):
    project.makepyfile("""
        import pytest

        @pytest.mark.telebridge(flow="desk.yaml", settings={"barge_in": {"policy": "none"}}, faults=["rime slow 2s"])
        def test_marked(phone):
            with phone.call() as call:
                call.hears("welcome")
                assert call.lines[0].start_ms >= 2000
    """)
    run(project, "--strict-markers").assert_outcomes(passed=1)


def test_settings_of_the_project(project):
    project.makeini("[pytest]\ntelebridge_flow = desk.yaml\n")
    project.makepyfile("""
        import unittest
        from telebridge.testing import Phone

        def test_ini(phone):
            with phone.call() as call:
                call.hears("welcome")

        class TestCase(unittest.TestCase):
            def test_without_the_fixture(self):
                with Phone(flow="desk.yaml") as phone, phone.call() as call:
                    call.hears("goodbye")
    """)
    run(project).assert_outcomes(passed=2)


def test_in_an_asynchronous_test_it_says_what_to_do(project):
    project.makepyfile("""
        async def test_async(phone):
            phone.call(flow="desk.yaml")
    """)
    result = run(project, "--asyncio-mode=auto")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*phone: is synchronous, and an event loop is running here; write the test with 'def'*"]
    )


MANY = """
import pytest
import telebridge.testing.phone

@pytest.mark.parametrize("n", range(6))
def test_welcome(phone, n):
    assert "Rewriting" not in type(telebridge.testing.phone.__loader__).__name__, "pytest compiles us anew"
    with phone.call(flow="desk.yaml") as call:
        call.hears("welcome to acme", within=3)
"""


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_with_xdist(project):
    project.makepyfile(MANY)
    result = project.runpytest_subprocess(
        *PLUGINS, *(() if _installed() else ("-p", "telebridge.testing.plugin")), "-n", "2"
    )
    result.assert_outcomes(passed=6)


@pytest.mark.slow
def test_a_project_that_uses_none_of_it_imports_none_of_it(project):
    project.makepyfile("def test_nothing(): pass")
    plugin = [] if _installed() else ["-p", "telebridge.testing.plugin"]
    code = (
        "import sys, time, pytest; began = time.process_time(); import telebridge.testing.plugin; "
        "took = time.process_time() - began; status = pytest.main(['-q', "
        f"*{[*PLUGINS, *plugin]!r}, '-p', 'no:asyncio', '-p', 'no:timeout', '-p', 'no:xdist']); "
        "heavy = {'aiohttp', 'numpy', 'yaml', 'pydantic', 'sqlalchemy', 'structlog'} & set(sys.modules); "
        "assert status == 0; assert not heavy, heavy; assert took < 0.05, took"
    )
    result = project.run(sys.executable, "-c", code)
    assert result.ret == 0, result.stderr.str()
