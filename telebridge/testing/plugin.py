"""The pytest plugin: the fixture `phone`, scenario files, and what a failure shows.

pytest imports this module in every project of an environment that has telebridge, so it imports nothing but pytest
until somebody uses it.

One rule: a project that uses none of this pays nothing and sees nothing of it.
"""

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from telebridge.testing.phone import Phone

MARKER = (
    "telebridge(flow=None, settings=None, config=None): what the fixture 'phone' calls: a flow, settings of the "
    "bridge, a settings file"
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
    parser.addini("telebridge_config", "a settings file of telebridge to begin with", default="")
    parser.addini("telebridge_flow", "the flow that the fixture 'phone' calls", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that --strict-markers knows it."""
    config.addinivalue_line("markers", MARKER)


@pytest.fixture
def phone(request: pytest.FixtureRequest) -> "Generator[Phone]":
    """A telephone: `with phone.call(flow="front-desk.yaml") as call:`; see `telebridge.testing.Phone`."""
    from telebridge.testing.phone import Phone

    config = request.config
    given: dict[str, Any] = {
        "flow": config.getini("telebridge_flow") or None,
        "config": config.getini("telebridge_config") or None,
    }
    for marker in reversed(list(request.node.iter_markers("telebridge"))):
        given.update(marker.kwargs)
    with Phone(**given, folder=_folder(request, given)) as made:
        request.node.stash[KEPT_PHONE] = made
        yield made


def _folder(request: pytest.FixtureRequest, given: dict[str, Any]) -> Path:
    """Where the paths of a test begin: the project's root."""
    del given
    return request.config.rootpath


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
