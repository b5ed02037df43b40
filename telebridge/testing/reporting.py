"""What a pytest report shows of the calls of a test: the timeline, the log, and where the audio and picture are.

One rule: to report a failure never fails itself; what cannot be written is said.
"""

import re
import sys
from pathlib import Path

import pytest

from telebridge.errors import TelebridgeError
from telebridge.testing.artifacts import write_call
from telebridge.testing.call.failure import CallFailure
from telebridge.testing.call.timeline import plain_for
from telebridge.testing.phone import Phone

LONGEST_NAME = 80


def add_calls(report: pytest.TestReport, phone: Phone, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Add the calls of a test to its report."""
    keep = item.config.getoption("--telebridge-keep")
    if not report.failed and keep != "all":
        return
    shown = call.excinfo is not None and isinstance(call.excinfo.value, CallFailure)
    for number, each in enumerate(phone.calls, start=1):
        name = "call" if len(phone.calls) == 1 else f"call {number}"
        lines = [] if shown and len(phone.calls) == 1 else [each.timeline()]
        if keep != "none":
            try:
                lines += write_call(each, artifact_folder(item) / ("" if number == 1 else str(number)))
            except (OSError, TelebridgeError) as error:
                lines.append(f"the audio of the call cannot be written: {error}")
        report.sections.append((name, plain_for(sys.stdout, "\n".join(lines))))
    if phone.log:
        report.sections.append(("telebridge log", "\n".join(phone.log)))


def artifact_folder(item: pytest.Item) -> Path:
    """The folder of a test's audio and pictures."""
    name = re.sub(r"[^\w.-]+", "-", item.nodeid).strip("-")[-LONGEST_NAME:]
    chosen = item.config.getoption("--telebridge-dir")
    if chosen:
        return Path(chosen) / name
    factory = getattr(item.config, "_tmp_path_factory", None)
    base = factory.getbasetemp() if factory is not None else item.config.rootpath / ".telebridge"
    return Path(base) / "calls" / name
