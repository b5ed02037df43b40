"""Settings of all tests: how a property is tried, slow tests left out by default, measured figures printed."""

from importlib.metadata import entry_points

import structlog
from hypothesis import settings

pytest_plugins = ["pytester", "support.slow_tests", "support.open_databases"]
if not entry_points(group="pytest11", name="telebridge"):  # an installation from before there was a plugin
    pytest_plugins.append("telebridge.testing.plugin")

# A property never fails because the machine is loaded. It is tried half as often when the slow tests are left out.
settings.register_profile("all", settings(), deadline=None)
settings.register_profile("quick", settings.get_profile("all"), max_examples=50)


def pytest_configure(config):
    settings.load_profile("all" if config.getoption("--all") else "quick")


def pytest_runtest_setup():
    """Begin each test with the default log: a command that ran in this process may have set another level."""
    structlog.reset_defaults()


def pytest_terminal_summary(terminalreporter):
    """Print what tests recorded with `record_property("figures", ...)`."""
    passed = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    figures = [
        (report.nodeid, value) for report in passed for name, value in report.user_properties if name == "figures"
    ]
    if figures:
        terminalreporter.section("figures")
    for test, values in figures:
        terminalreporter.write_line(f"{test.partition('::')[2]}: {values}")
