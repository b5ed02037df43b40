"""What a process uses, as Linux tells it under `/proc`."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Processor time used so far, by all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def waited_seconds(pid: int) -> float:
    """How long the main thread was ready to run while another process ran on its core.

    It waits for the threads of its own process, too; at the most for as long as they ran, which is taken off.
    """
    ran, waited, *_ = map(int, Path(f"/proc/{pid}/schedstat").read_text().split())
    return waited / 1e9 - (cpu_seconds(pid) - ran / 1e9)


def proportional_bytes(pid: int) -> int:
    """Memory in use, pages that several processes share counted in parts (PSS)."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024


def descriptors(pid: int) -> int:
    """Open files and sockets."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def family(pid: int) -> list[int]:
    """A process and those that it started, and those that they started."""
    found = [pid]
    for each in found:  # grows meanwhile
        for task in Path(f"/proc/{each}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def pin(pid: int, core: int) -> None:
    """Keep all threads of a process, and those they start, on one core."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(task.name), {core})
