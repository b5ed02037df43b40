"""Builds the wheel, installs it in a fresh environment, and does in an empty folder what a new user does.

The environment sees the packages that the wheel declares, out of the environment that runs this, and no others: neither
the extras nor the tools of a developer. So a dependency that is not declared, and a file that the wheel lacks, is found
without downloading anything twice.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
CALL = "wait; silence 500ms; press 1; wait 1s; hang up"


def main() -> None:
    """Check the wheel, and end with 1 at the first thing that does not work."""
    with tempfile.TemporaryDirectory(prefix="telebridge-wheel-") as name:
        folder = Path(name)
        fresh = folder / "environment"
        step("build", lambda: build(folder))
        [wheel] = folder.glob("*.whl")
        step("install", lambda: install(wheel, fresh))
        empty = folder / "empty"
        empty.mkdir()
        run = Runner(fresh / "bin" / "telebridge", empty)
        step("--version", lambda: expect(run("--version").stdout.startswith("telebridge "), "no version"))
        step("say, without a voice", lambda: hums(run))
        step("demo, in an empty folder", lambda: calls(run))
        step("init, its tests", lambda: project(run))
        step("init --flow python, flow try", lambda: python(run))
        step("init --flow campaign, preflight", lambda: preflight(run))


def build(folder: Path) -> None:
    """Build the wheel into a folder."""
    if importable("pip"):
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
        finished([*command, "--wheel-dir", str(folder), str(ROOT)], ROOT)
    else:
        finished(["uv", "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT)], ROOT)


def install(wheel: Path, fresh: Path) -> None:
    """Install the wheel in a new environment, and link what it declares, and pytest, from this one."""
    finished([sys.executable, "-m", "venv", "--without-pip", str(fresh)], ROOT)
    python = str(fresh / "bin" / "python")
    if importable("pip"):
        command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check"]
    else:
        command = ["uv", "pip", "install", "--quiet", "--python", python]
    finished([*command, "--no-deps", "--no-index", str(wheel)], ROOT)
    [packages] = (fresh / "lib").glob("python*/site-packages")
    installed = next(Distribution.discover(name="telebridge", path=[str(packages)]))
    for name in declared([*(installed.requires or []), "pytest"]):
        for part in parts(distribution(name)):
            link = packages / part.name
            if not link.exists():
                link.symlink_to(part)


def declared(requirements: list[str]) -> Iterator[str]:
    """Yield the names of all packages that these requirements lead to, without extras."""
    waiting = [(Requirement(text), "") for text in requirements]
    seen: set[tuple[str, str]] = set()
    while waiting:
        requirement, extra = waiting.pop()
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        for wanted in {"", *requirement.extras}:
            if (requirement.name, wanted) in seen:
                continue
            seen.add((requirement.name, wanted))
            yield requirement.name
            more = distribution(requirement.name).requires or []
            waiting += [(Requirement(text), wanted) for text in more]


def parts(package: Distribution) -> set[Path]:
    """Return the files and folders of a package that lie at the top of its site-packages."""
    names = {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}
    return {Path(str(package.locate_file(name))) for name in names}


class Runner:
    """Runs the installed program in a folder, with nothing of this environment."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.folder = folder

    def __call__(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        return finished([str(self.program), *arguments], folder or self.folder)


def hums(run: Runner) -> None:
    """Without the voice extra it is said before a hum is written."""
    done = run("say", "Hello.", "-o", "hum.wav")
    expect("no voice is installed" in done.stderr and "telebridge[voice]" in done.stderr, done.stderr)
    expect((run.folder / "hum.wav").exists(), "no hum.wav")


def calls(run: Runner) -> None:
    """A call is answered by the bundled flow."""
    done = json.loads(run("demo", "--json", "--script", CALL).stdout)
    expect(done["call"]["path"][:2] == ["welcome", "main"], done["call"])


def project(run: Runner) -> None:
    """A new project has no mistakes, and its tests pass."""
    folder = run.folder / "project"
    run("init", str(folder))
    found = json.loads(run("doctor", "--no-online", "--json", folder=folder).stdout)
    expect([each for each in found if each["state"] == "fail"] == [], found)
    finished([str(run.program.with_name("python")), "-m", "pytest", "-q", "-p", "no:cacheprovider"], folder)


def python(run: Runner) -> None:
    """A project in Python imports its own module, with the installed package."""
    run("init", "--flow", "python", str(run.folder / "python"))
    expect("Monday to Friday" in run("flow", "try", "--keys", "1", folder=run.folder / "python").stdout, "no hours")


def preflight(run: Runner) -> None:
    """The contacts of a campaign's project could be called."""
    run("init", "--flow", "campaign", str(run.folder / "campaign"))
    files = ("campaigns/reminders.toml", "--contacts", "campaigns/reminders.csv")
    expect("200" in run("campaign", "preflight", *files, folder=run.folder / "campaign").stdout, "not 200 contacts")


def finished(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; one that fails ends the check with what it wrote."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "PIP_INDEX_URL", "TMPDIR") if name in os.environ
    }
    done = subprocess.run(command, cwd=folder, env=kept, capture_output=True, text=True, timeout=120, check=False)
    expect(done.returncode == 0, f"{shutil.which(command[0])} {' '.join(command[1:])}:\n{done.stdout}{done.stderr}")
    return done


def importable(name: str) -> bool:
    """Whether this environment has a module."""
    return subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0


def expect(holds: bool, problem: object) -> None:  # noqa: FBT001
    """End the check with what is wrong."""
    if not holds:
        sys.exit(f"check-wheel: {problem}")


def step(name: str, work) -> None:
    """Do one step and print how long it took."""
    began = time.monotonic()
    work()
    print(f"{name:<34} {time.monotonic() - began:5.1f} s", flush=True)


if __name__ == "__main__":
    main()
