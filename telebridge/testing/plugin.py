"""The pytest plugin: the fixtures `phone` and `aphone`, scenario files, and what a failure shows.

pytest imports this module in every project of an environment that has telebridge, so it imports nothing but pytest
until somebody uses it.

One rule: a project that uses none of this pays nothing and sees nothing of it.
"""

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from telebridge.testing.async_phone import AsyncPhone
    from telebridge.testing.phone import Phone

MARKER = (
    "telebridge(flow=None, url=None, settings=None, config=None, faults=()): what the fixture 'phone' calls: a flow or "
    "the URL of a program, settings of the bridge, a settings file, and what fails from the beginning"
)
KEPT_PHONE = pytest.StashKey["Phone"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and settings of the plugin."""
    group = parser.getgroup("telebridge", "telephone calls (telebridge)")
    group.addoption(
        "--telebridge-dir",
        metavar="FOLDER",
        help="where the audio and the picture of calls are kept; by default in pytest's temporary folder",
    )
    group.addoption(
        "--telebridge-keep",
        choices=("all", "failed", "none"),
        default="failed",
        help="of which tests the audio and the picture of calls are kept (default: failed)",
    )
    group.addoption(
        "--telebridge-url",
        metavar="URL",
        help="the voice webhook that tests and scenario files call that name nothing else; in place of telebridge_url",
    )
    parser.addini("telebridge_config", "a settings file of telebridge to begin with", default="")
    parser.addini("telebridge_flow", "the flow that the fixture 'phone' calls", default="")
    parser.addini("telebridge_url", "the voice webhook of a program that the fixture 'phone' calls", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that --strict-markers knows it; and keep pytest from rewriting our modules.

    pytest compiles all modules of a package that has a plugin anew, for the messages of their assertions. Ours have
    none, and it would take seconds of the first run.
    """
    config.addinivalue_line("markers", MARKER)
    hook = getattr(config.pluginmanager, "rewrite_hook", None)
    getattr(hook, "_must_rewrite", set()).discard("telebridge")
    getattr(hook, "_marked_for_rewrite_cache", {}).clear()


@pytest.fixture
def phone(request: pytest.FixtureRequest) -> "Generator[Phone]":
    """A telephone: `with phone.call(flow="front-desk.yaml") as call:`; see `telebridge.testing.Phone`."""
    with made_phone(request.config, request.node) as made:
        yield made


@pytest.fixture
def aphone(request: pytest.FixtureRequest) -> "Generator[AsyncPhone]":
    """A telephone for asynchronous tests: `async with aphone.call(…) as call:`, `await call.hears("…")`."""
    from telebridge.testing.async_phone import AsyncPhone

    with made_phone(request.config, request.node) as made, AsyncPhone(made) as telephone:
        yield telephone


def made_phone(config: pytest.Config, node: pytest.Item, **given: Any) -> "Phone":
    """The telephone of a test, by the settings of the project and the markers of the test.

    Args:
        config: The settings of pytest.
        node: The test.
        given: Arguments of `Phone` that come before them.
    """
    from telebridge.testing.phone import Phone

    said: dict[str, Any] = {
        "flow": config.getini("telebridge_flow") or None,
        "url": url_of(config),
        "config": config.getini("telebridge_config") or None,
    }
    if said["url"] and said["flow"]:
        raise pytest.UsageError("telebridge_flow and telebridge_url are both set: leave one out")
    for marker in reversed(list(node.iter_markers("telebridge"))):
        if marker.kwargs.keys() & {"flow", "url"}:
            said |= {"flow": None, "url": None}
        said.update(marker.kwargs)
    faults = said.pop("faults", ())
    made = Phone(**{**said, **given}, folder=config.rootpath)
    for fault in faults:
        made.inject(fault)
    node.stash[KEPT_PHONE] = made
    return made


def url_of(config: pytest.Config) -> str | None:
    """The voice webhook that is called where nothing else is named."""
    return config.getoption("--telebridge-url") or config.getini("telebridge_url") or None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the calls of a test that failed."""
    report = yield
    made = item.stash.get(KEPT_PHONE, None)
    if made is not None and report.when == "call":
        from telebridge.testing.reporting import add_calls

        add_calls(report, made, item, call)
    return report


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect scenario files."""
    if not file_path.name.endswith(".call.yaml"):
        return None
    from telebridge.testing.scenarios.collecting import ScenarioFile

    return ScenarioFile.from_parent(parent, path=file_path)
