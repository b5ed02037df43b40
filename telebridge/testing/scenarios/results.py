"""Runs scenario files, and reports them: line by line, as JSON, and as JUnit's XML.

Exit codes: 0 when all passed, 1 when a call went otherwise, 2 when a file could not be run.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from telebridge.errors import TelebridgeError
from telebridge.testing.artifacts import write_call
from telebridge.testing.bench.real_time import TwimlApplication
from telebridge.testing.call.failure import CallFailure
from telebridge.testing.phone import Phone
from telebridge.testing.scenarios.loading import load_scenarios
from telebridge.testing.scenarios.running import play
from telebridge.unicode_text import xml_text

LISTENING = "listens"
"""The title of a call without a scenario."""
FIRST_SOUND_SECONDS = 10.0
QUIET_SECONDS = 4.0
LONGEST_LISTENING_SECONDS = 60.0


@dataclass(slots=True)
class ScenarioResult:
    """How a scenario went.

    Args:
        path: The file, or the URL that was called without one.
        title: The name of the call.
        outcome: "passed", "failed" or "error".
        problem: What is wrong; empty when it passed.
        timeline: The call as text; empty when there was none.
        call_seconds: How long the line was open, on the call's own clock.
        took_seconds: How long that took here.
        files: Where the audio and the picture are.
    """

    path: Path | str
    title: str
    outcome: str
    problem: str = ""
    timeline: str = ""
    call_seconds: float = 0.0
    took_seconds: float = 0.0
    files: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "file": str(self.path),
            "name": self.title,
            "outcome": self.outcome,
            "problem": self.problem,
            "timeline": self.timeline,
            "call_seconds": round(self.call_seconds, 3),
            "took_seconds": round(self.took_seconds, 3),
            "files": self.files,
        }


@dataclass(frozen=True, slots=True)
class ScenarioRunOptions:
    """How scenarios are run.

    Args:
        folder: Where the paths of flows begin.
        config: A settings file to begin with.
        kept: The folder in which the audio and pictures of failed calls are kept; None to keep none.
        program: What is called by files that name no flow; None for what they name.
    """

    folder: Path
    config: Path | None = None
    kept: Path | None = None
    program: TwimlApplication | None = None


def run_file(path: Path, options: ScenarioRunOptions) -> Iterator[ScenarioResult]:
    """Run the calls of one file, and yield how each went."""
    try:
        scenarios = load_scenarios(path, url=None if options.program is None else options.program.url)
    except TelebridgeError as error:
        yield ScenarioResult(path, path.name, "error", str(error))
        return
    for loaded in scenarios:
        yield _run(ScenarioResult(path, loaded.title, "passed"), options, partial(play, loaded))


def junit_xml(results: list[ScenarioResult]) -> str:
    """The results as JUnit's XML, as programs of continuous integration read it."""
    counts = {name: str(sum(each.outcome == name for each in results)) for name in ("failed", "error")}
    seconds = f"{sum(each.took_seconds for each in results):.3f}"
    suite = ElementTree.Element(
        "testsuite",
        name="telebridge",
        tests=str(len(results)),
        failures=counts["failed"],
        errors=counts["error"],
        time=seconds,
    )
    for each in results:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=str(each.path),
            name=each.title,
            file=str(each.path),
            time=f"{each.took_seconds:.3f}",
        )
        if each.outcome != "passed":
            tag = "failure" if each.outcome == "failed" else "error"
            found = ElementTree.SubElement(case, tag, message=xml_text(each.problem))
            found.text = xml_text("\n".join([each.problem, each.timeline, *each.files]))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def listen(program: TwimlApplication, options: ScenarioRunOptions) -> ScenarioResult:
    """Call a program without a scenario, and listen until it has been silent for some time."""
    result = ScenarioResult(program.url, LISTENING, "passed")

    def call(phone: Phone) -> None:
        placed = phone.call(program)
        placed.hears_sound(within=FIRST_SOUND_SECONDS)
        while not placed.over and placed.seconds < LONGEST_LISTENING_SECONDS and placed.quiet_seconds < QUIET_SECONDS:
            placed.waits(0.5)
        if not placed.over:
            placed.hangs_up()

    return _run(result, options, call)


def _run(result: ScenarioResult, options: ScenarioRunOptions, work: Callable[[Phone], object]) -> ScenarioResult:
    """Do what a call consists of, and fill in how it went."""
    began = time.perf_counter()
    with Phone(folder=options.folder, config=options.config, url=options.program) as phone:
        try:
            work(phone)
        except CallFailure as failure:
            nearest = f"; nearest: {failure.nearest}" if failure.nearest else ""
            result.outcome, result.problem = "failed", f"{failure.headline}{nearest}"
        except TelebridgeError as error:
            result.outcome, result.problem = "error", str(error)
        if phone.calls:
            call = phone.calls[-1]
            result.timeline, result.call_seconds = call.timeline(), call.recording.duration_ms / 1000
            if result.outcome == "failed" and options.kept is not None:
                result.files = write_call(call, options.kept / result.title)
    result.took_seconds = time.perf_counter() - began
    return result
