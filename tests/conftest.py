"""What holds for all tests: how fast one runs is the machine's affair, and what one measured is printed."""

from hypothesis import settings

# A loaded machine fails no property.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")


def pytest_terminal_summary(terminalreporter):
    """Print what tests told with `record_property("figures", ...)`."""
    passed = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    told = [(report.nodeid, value) for report in passed for name, value in report.user_properties if name == "figures"]
    if told:
        terminalreporter.section("figures")
    for test, figures in told:
        terminalreporter.write_line(f"{test.partition('::')[2]}: {figures}")
