"""What happens with files that are a little wrong: a clear refusal, or a plan; never a traceback, a hang or a gigabyte.

Usage: python -m benchmarks.fuzz [--mutations 5000] [--seed 1] [--keep FOLDER]

Mutates configurations of ../shared/metric-hub, one-file experiments and Experimenter's JSON, in their bytes or in what
they say, and gives each to `plan`, `graph` or `workflow` in a process of its own, and then, fifty at a time, to
`submit-due --output`. What is wrong is kept in FOLDER, with what was said of it.
"""

import argparse
import functools
import io
import os
import random
import re
import resource
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.mutations import mutated
from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.storage import toml_file

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
HUB = SHARED / "metric-hub"
AS_OF = "2026-05-31"
_DEPLOYMENT = ("--warehouse", "bigquery:project", "--image", "registry.example/x@sha256:" + "0" * 64)
_EXPERIMENT = """{
"slug": "fuzzed", "appName": "firefox_desktop", "appId": "firefox-desktop", "isRollout": false,
"branches": [{"slug": "control", "ratio": 1}, {"slug": "treatment", "ratio": 1}], "referenceBranch": "control",
"startDate": "2026-05-04", "proposedEnrollment": 7, "endDate": "2026-05-28", "outcomes": [], "segments": [],
"bucketConfig": {"randomizationUnit": "normandy_id"}}"""
_LONGEST_SECONDS, _MOST_MIB, _BATCH = 10.0, 1024, 50
_WAITS_FOR_EVER = 3600.0  # seconds by the clock, which say nothing while a machine is busy
# A key, a place in the file, or that all of the file is meant.
_WHERE = re.compile(
    r"^  \S.*: |, [\w.]+:$|at line|line \d+|is not (valid TOML|JSON|UTF-8)|holds \d+ experiments|too deep|: metrics\.",
    re.MULTILINE,
)
_ENTRY = re.compile(r"^(submitted|exists already|not due|waiting|failed): ", re.MULTILINE)
_OF_THE_WHOLE = re.compile(
    r"is not analysed|nothing is due|the experiment ends|days;|is not an experiment|needs \d+ nodes|holds no experiment"
)


@dataclass(frozen=True, slots=True)
class Seed:
    """A file to mutate, and how a mutation of it is named on the command line."""

    name: str
    kind: str
    data: bytes

    @property
    def ending(self) -> str:
        """What the file's name ends in."""
        return "json" if self.kind == "json" else "toml"

    def arguments(self, file: Path, folder: Path) -> list[str]:
        """Return what names the mutated `file`; `folder` holds the experiment of the real configurations."""
        if self.kind == "config":
            return [str(folder / "experiment.json"), "--config", str(file), "-d", str(HUB)]
        return [str(file), "-d", str(HUB)] if self.kind == "json" else [str(file)]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended, and what it said.

    `seconds` are of a processor, which no busy machine adds to; what waits for ever is stopped by the clock. `mib`
    is the most memory that it had. Of `submit-due` they are those of the process, its own or an experiment's, that
    took most.
    """

    code: int
    seconds: float
    mib: float
    output: str


def main() -> int:
    """Mutate, run, and print the figures; 1 if anything was not as promised."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutations", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("JETSTREAM_")]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="jetstream-fuzz-") as scratch:
        tally = Tally(options.keep)
        try:
            _run(options.mutations, random.Random(options.seed), Path(scratch), tally)
        except KeyboardInterrupt:
            print("stopped before the end")
    for line in tally.lines():
        print(line)
    return 1 if tally.wrong else 0


class Tally:
    """What was seen so far."""

    def __init__(self, keep: Path | None) -> None:
        self.codes: Counter[tuple[str, int]] = Counter()
        self.wrong: Counter[str] = Counter()
        self.judged: Counter[str] = Counter()
        self.unnamed: Counter[str] = Counter()
        self.unplaced: Counter[str] = Counter()
        self.seconds: dict[str, float] = defaultdict(float)
        self.mib: Counter[str] = Counter()
        self._keep = keep

    def take(self, command: str, file: Path, ending: Ending) -> None:
        """Count an ending, and keep what is wrong."""
        self.codes[command, ending.code] += 1
        self.seconds[command] = max(self.seconds[command], ending.seconds)
        self.mib[command] = max(self.mib[command], round(ending.mib))
        for what in self._faults(command, ending):
            self.wrong[what] += 1
            self._kept(what, file, ending)
        names = [path.name for path in file.iterdir()] if file.is_dir() else [file.name]
        for refusal in _refusals(command, ending):
            self.judged[command] += 1
            named = any(name in refusal for name in names) or _OF_THE_WHOLE.search(refusal)
            placed = _WHERE.search(refusal) or _OF_THE_WHOLE.search(refusal)
            self.unnamed[command] += not named
            self.unplaced[command] += bool(named and not placed)
            if not (named and placed):
                self._kept("unplaced", file, replace(ending, output=refusal))

    def lines(self) -> Iterator[str]:
        """Yield the figures."""
        for command in ("plan", "graph", "workflow", "submit-due"):
            counts = {code: count for (name, code), count in sorted(self.codes.items()) if name == command}
            yield f"{command:10} {sum(counts.values()):5} runs; exit codes {counts}"
            yield f"{'':16} longest {self.seconds[command]:.1f} s, most memory {self.mib[command]} MiB"
            yield (
                f"{'':16} of {self.judged[command]} refusals {self.unnamed[command]} name no file, "
                f"{self.unplaced[command]} a file and neither key nor place"
            )
        yield f"wrong: {dict(self.wrong) or 'nothing'}"

    @staticmethod
    def _faults(command: str, ending: Ending) -> Iterator[str]:
        if ending.code not in (0, 2):
            yield f"exit code {ending.code}"
        if "Traceback" in ending.output or "mistake of jetstream-argo" in ending.output:
            yield "traceback"
        if ending.seconds > _LONGEST_SECONDS or "was stopped; make its files smaller" in ending.output:
            yield "hang"
        if ending.mib > _MOST_MIB:
            yield "memory"
        if command == "submit-due" and not re.search(r"^\d+ submitted, ", ending.output, re.MULTILINE):
            yield "no report"

    def _kept(self, what: str, file: Path, ending: Ending) -> None:
        if self._keep is None:
            return
        self._keep.mkdir(parents=True, exist_ok=True)
        name = f"{what.replace(' ', '-')}-{file.stem}"
        (self._keep / f"{name}{file.suffix}").write_bytes(file.read_bytes() if file.is_file() else b"")
        (self._keep / f"{name}.txt").write_text(f"{ending}\n\n{ending.output}", errors="replace")


def _refusals(command: str, ending: Ending) -> list[str]:
    """Return what was refused: all that was said, or of `submit-due` what it says of every experiment that failed."""
    if command != "submit-due":
        return [ending.output] if ending.code else []
    entries = _ENTRY.split(ending.output.rpartition(" submitted, ")[0])
    return [text for state, text in zip(entries[1::2], entries[2::2], strict=True) if state == "failed"]


def _seeds(rng: random.Random, scratch: Path) -> list[Seed]:
    """Return the files to mutate, all of which can be planned: real, one-file, and JSON as 1 to 3 to 1."""
    configs = sorted((HUB / "jetstream").glob("*.toml"))
    one_file = [*sorted((SHARED / "cases").glob("*/*.toml")), ROOT / "jetstream_argo" / "demo" / "experiment.toml"]
    one_file = [file for file in one_file if b"slug" in file.read_bytes()]
    (scratch / "experiment.json").write_text(_EXPERIMENT)
    with redirect_stdout(io.StringIO()):
        exit_code_of(["plan", str(scratch / "experiment.json"), "-d", str(HUB), "--as-of", AS_OF])
    kinds = (
        [Seed(file.stem, "config", file.read_bytes()) for file in rng.sample(configs, min(25, len(configs)))],
        [Seed(file.parent.name, "toml", file.read_bytes()) for file in one_file],
        [Seed("experimenter", "json", _EXPERIMENT.encode())],
    )
    usable = [[seed for seed in kind if _is_planned(seed, scratch)] for kind in kinds]
    return [rng.choice(kind) for kind, share in zip(usable, (1, 3, 1), strict=True) for _ in range(60 * share)]


def _is_planned(seed: Seed, scratch: Path) -> bool:
    file = scratch / f"seed.{seed.ending}"
    file.write_bytes(seed.data)
    return _alone(["plan", *seed.arguments(file, scratch), "--as-of", AS_OF], scratch).code == 0


def _run(mutations: int, rng: random.Random, scratch: Path, tally: Tally) -> None:
    # Definitions that are the same in all forks are parsed once.
    toml_file.tomllib.loads = functools.cache(toml_file.tomllib.loads)  # type: ignore[attr-defined]  # for this process
    seeds = _seeds(rng, scratch)
    batch = scratch / "batch"
    for number in range(mutations):
        seed = rng.choice(seeds)
        batch.mkdir(exist_ok=True)
        file = batch / f"{number:05}-{seed.name[:40]}.{seed.ending}"
        file.write_bytes(mutated(seed.data, seed.ending, rng))
        command = rng.choice(("plan", "graph", "workflow"))
        extra = _DEPLOYMENT if command == "workflow" else ()
        arguments = [command, *seed.arguments(file, scratch), "--as-of", AS_OF, *extra]
        tally.take(command, file, _alone(arguments, scratch))
        if len(list(batch.iterdir())) == _BATCH or number == mutations - 1:
            out = scratch / "out"
            due = [
                "submit-due",
                "--date",
                AS_OF,
                "--experiments",
                str(batch),
                "-o",
                str(out),
                "-d",
                str(HUB),
                *_DEPLOYMENT,
            ]
            tally.take("submit-due", batch, _alone(due, scratch))
            for left in batch.iterdir():
                left.unlink()
            print(f"{number + 1} mutations, wrong so far: {dict(tally.wrong) or 'nothing'}", file=sys.stderr)


def _alone(arguments: Sequence[str], scratch: Path) -> Ending:
    """Run a command in a fork of this process, which has everything loaded."""
    log, started = scratch / "log", time.monotonic()
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit = int(_LONGEST_SECONDS * (_BATCH if arguments[0] == "submit-due" else 1)) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", errors="replace"), os.fdopen(2, "w", errors="replace")
        code = exit_code_of(list(arguments))
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    seconds = mib = 0.0
    while True:
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            seconds, mib = max(seconds, usage.ru_utime + usage.ru_stime), max(mib, usage.ru_maxrss / 1024)
            return Ending(code, seconds, mib, log.read_text(errors="replace"))
        if arguments[0] == "submit-due":
            for took, had in map(_taken, _below(pid)):
                seconds, mib = max(seconds, took), max(mib, had)
        if time.monotonic() - started > _WAITS_FOR_EVER:
            os.kill(pid, 9)
        time.sleep(0.002 if arguments[0] != "submit-due" else 0.01)


def _below(pid: int) -> Iterator[int]:
    """Yield the processes that a process has started, and those that they have."""
    try:
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return  # it is over
    for child in children:
        yield child
        yield from _below(child)


def _taken(pid: int) -> tuple[float, float]:
    """Return the seconds of a processor and the most MiB that a process has taken until now."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0, 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(peak[1]) / 1024 if peak else 0.0


if __name__ == "__main__":
    import jetstream_argo.argo.manifest.emit  # loaded once, for all forks
    import jetstream_argo.plan.planner  # noqa: F401  # as above

    sys.exit(main())
