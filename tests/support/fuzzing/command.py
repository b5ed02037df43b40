"""`scripts/fuzz`: runs Atheris over decoders, one after the other, and keeps what it finds.

A decoder ends at its first find: the input is made smaller, written to `tests/fuzz/corpus/<decoder>/`, and fails
`tests/fuzz/test_corpus.py` until it is mended.
"""

import argparse
import hashlib
import os
import re
import subprocess
import sys
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests"))
warnings.simplefilter("ignore")

from support.fuzzing.decoders import DECODERS  # noqa: E402 - pytest adds tests/ to the path by itself, this program does not

CORPUS = ROOT / "tests" / "fuzz" / "corpus"
WORKER = Path(__file__).with_name("worker.py")
MOST_BYTES = 16_384
MOST_SECONDS = 20
"""For one input, by the clock: what takes longer hangs."""
MOST_MEGABYTES = 1024
MOST_TRIALS = 2000
"""While an input is made smaller."""
STATUS = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: \d+ corp: (\d+)/\S+.*exec/s: (\d+) rss: (\d+)Mb")


@dataclass
class Run:
    """What came of one decoder."""

    decoder: str
    executions: int = 0
    branches: int = 0
    megabytes: int = 0
    found: Path | None = None
    broken: str = ""


def options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/fuzz",
        description="Feed decoders with bytes that nobody wrote, guided by the branches that they take (Atheris). "
        "Only the documented error may come out, in one line, within bounded time and memory.",
        epilog="decoders: " + ", ".join(DECODERS) + ". Exit code: 0 nothing found, 1 something found, 2 wrong use. "
        "A find is kept in tests/fuzz/corpus/<decoder>/, where scripts/test tests/fuzz replays it; new branches are "
        "kept in .fuzz/, where the next run goes on.",
    )
    parser.add_argument("decoders", nargs="*", metavar="decoder", help="which; all of them when none is named")
    parser.add_argument("--minutes", type=float, default=1.0, help="for each decoder (default: %(default)g)")
    parser.add_argument("--quiet", action="store_true", help="no progress, only what came of each decoder")
    chosen = parser.parse_args(arguments)
    if unknown := [name for name in chosen.decoders if name not in DECODERS]:
        parser.error(f"there is no decoder '{unknown[0]}'; there are {', '.join(DECODERS)}")
    if not 0 < chosen.minutes <= 24 * 60:
        parser.error("--minutes is more than 0 and at most 1440")
    chosen.decoders = chosen.decoders or list(DECODERS)
    return chosen


def fuzz(name: str, minutes: float, *, quiet: bool) -> Run:
    """Run one decoder."""
    work = ROOT / ".fuzz" / name
    (work / "corpus").mkdir(parents=True, exist_ok=True)
    for old in [*work.glob("crash-*"), *work.glob("timeout-*"), *work.glob("oom-*")]:
        old.unlink()
    kept = CORPUS / name
    command = [
        *(sys.executable, str(WORKER), name, str(kept), str(work / "corpus"), str(kept)),
        *(f"-max_total_time={int(minutes * 60)}", f"-timeout={MOST_SECONDS}", f"-max_len={MOST_BYTES}"),
        *(f"-rss_limit_mb={MOST_MEGABYTES}", f"-artifact_prefix={work}/", "-print_final_stats=1"),
    ]
    run = Run(name)
    tail: list[str] = []
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env=environment) as process:
        assert process.stderr is not None
        for line in process.stderr:
            tail = [*tail[-40:], line.decode("utf-8", "replace").rstrip()]
            if status := STATUS.match(tail[-1]):
                run.executions, run.branches, _, rate, run.megabytes = map(int, status.groups())
                if not quiet and sys.stderr.isatty():
                    shown = (
                        f"{name}: {run.executions:,} executions, {run.branches} branches, {rate}/s, {run.megabytes} MB"
                    )
                    sys.stderr.write(f"\r{shown:<79}")
    if not quiet and sys.stderr.isatty():
        sys.stderr.write(f"\r{'':<79}\r")
    for artifact in [*work.glob("crash-*"), *work.glob("timeout-*"), *work.glob("oom-*")]:
        run.found = keep(name, artifact)
    if process.returncode and run.found is None:
        run.broken = next((line for line in reversed(tail) if line), f"exit code {process.returncode}")
    return run


def keep(name: str, artifact: Path) -> Path:
    """Put what was found into the corpus, as small as it can be made."""
    data = artifact.read_bytes()
    if artifact.name.startswith("crash-"):
        data = smaller(name, data)
    kind = artifact.name.partition("-")[0]
    path = CORPUS / name / f"found-{kind}-{hashlib.sha256(data).hexdigest()[:8]}"
    path.write_bytes(data)
    return path


def failure(name: str, data: bytes) -> tuple[str, str] | None:
    """What goes wrong with an input, and where; None when nothing does."""
    try:
        DECODERS[name](data)
    except Exception as error:  # noqa: BLE001 - whatever it is, it was found
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return type(error).__name__, f"{frame.filename}:{frame.lineno}"
    return None


def smaller(name: str, data: bytes) -> bytes:
    """The same failure with fewer bytes: pieces are left out as long as it stays."""
    wanted, trials, size = failure(name, data), 0, max(1, len(data) // 2)
    while wanted is not None and size:
        at = 0
        while at < len(data) and trials < MOST_TRIALS:
            shorter = data[:at] + data[at + size :]
            trials += 1
            if failure(name, shorter) == wanted:
                data = shorter
            else:
                at += size
        size //= 2
    return data


def main(arguments: list[str]) -> int:
    chosen = options(arguments)
    code = 0
    for name in chosen.decoders:
        run = fuzz(name, chosen.minutes, quiet=chosen.quiet)
        found = "nothing found"
        if run.found is not None:
            wrong = failure(name, run.found.read_bytes())
            found = f"found {run.found.relative_to(ROOT)}: {': '.join(wrong) if wrong else 'too slow or too large'}"
        elif run.broken:
            found = f"did not run: {run.broken}"
        code = 1 if run.found is not None or run.broken else code
        sys.stdout.write(
            f"{name}: {run.executions:,} executions, {run.branches} branches, {run.megabytes} MB; {found}\n"
        )
        sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
