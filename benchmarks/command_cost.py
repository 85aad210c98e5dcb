"""What a command costs with all processes that it starts: processor time, wall time, and the most memory of each."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_LOOK_EVERY = 0.05  # seconds; what a process does after the last look at it is not seen
_TICKS = os.sysconf("SC_CLK_TCK")
_SESSION, _USER, _SYSTEM = 3, 11, 12  # places in /proc/PID/stat, behind the name in brackets


@dataclass(frozen=True, slots=True)
class CommandCost:
    """Processor seconds of all `processes` together, seconds by the clock, and MiB of the process with most memory."""

    seconds: float
    wall: float
    mib: float
    processes: int

    @property
    def line(self) -> str:
        """A line for people."""
        return (
            f"{self.seconds:.1f} s of processor time in {self.processes} processes, {self.wall:.1f} s of wall time, "
            f"most memory of a process {self.mib:.0f} MiB"
        )


def cost_of(arguments: Sequence[str]) -> CommandCost:
    """Run `jetstream-argo` with these arguments; return what it cost. Linux only.

    Workers are no children of the command, but of a server that it starts; all of them are in its session.

    Raises:
        SystemExit: the command failed.
    """
    started = time.perf_counter()
    command = [str(Path(sys.executable).with_name("jetstream-argo")), *arguments]
    seen: dict[int, tuple[float, float]] = {}
    with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as run:
        while run.poll() is None:
            for process, (seconds, mib) in _processes(run.pid).items():
                before = seen.get(process, (0.0, 0.0))
                seen[process] = (max(seconds, before[0]), max(mib, before[1]))
            time.sleep(_LOOK_EVERY)
        wall = time.perf_counter() - started
        if run.returncode:
            raise SystemExit(f"{' '.join(arguments)} ends with {run.returncode}")
    total = sum(found[0] for found in seen.values())
    return CommandCost(total, wall, max(found[1] for found in seen.values()), len(seen))


def _processes(session: int) -> dict[int, tuple[float, float]]:
    """Return the processor seconds and the most MiB so far of each process of a session."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(stat[_SESSION]) == session:
                status = (folder / "status").read_text().split("VmHWM:")
                mib = int(status[1].split()[0]) / 1024 if len(status) > 1 else 0.0  # none of one that has ended
                found[int(folder.name)] = ((int(stat[_USER]) + int(stat[_SYSTEM])) / _TICKS, mib)
        except (OSError, ValueError):  # it has just ended
            continue
    return found
