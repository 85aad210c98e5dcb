"""How long statistics take from what a warehouse hands over, beside Jetstream, gbstats and tea-tasting from rows.

    JETSTREAM_ORACLE_PYTHON=…/python GBSTATS_PYTHON=…/python python benchmarks/statistics_speed.py --units 10000,100000

Each peer runs in an environment of its own, named by these variables; one that is not named is left out. Every cell
is a process of its own, and the cells of one statistic follow one another, so that all of them meet the same machine.
We compare every branch with every other, upstream one reference with two others; its times are for that one.
"""  # Not called statistics.py: the programs beside it would take it for the standard library's module.

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
import numpy as np

from jetstream_argo.stats.needs import Adjustment

PEERS = {"jetstream": "JETSTREAM_ORACLE_PYTHON", "tea-tasting": "JETSTREAM_ORACLE_PYTHON", "gbstats": "GBSTATS_PYTHON"}
COLUMNS = ("counts", "continuous", "boolean")
ADJUST = {"covariate_adjustment": Adjustment("m", "preenrollment_week")}
PARTS = {"numerator": "m", "denominator": "d"}
LOG = {"log_space": True}


@dataclass(frozen=True, slots=True)
class Task:
    """A statistic, the peers that have it, and how many times as fast as upstream it should be on which columns."""

    name: str
    statistic: str
    arguments: dict[str, object]
    peers: tuple[str, ...]
    goals: dict[str, float]


EVERYONE = ("jetstream", "tea-tasting", "gbstats")
TASKS = (
    Task("bootstrap_mean", "bootstrap_mean", {}, ("jetstream",), {"counts": 100, "continuous": 10_000, "boolean": 100}),
    Task("population_ratio", "population_ratio", PARTS, EVERYONE, {"counts": 10_000, "continuous": 10_000}),
    Task("kernel_density_estimate", "kernel_density_estimate", LOG, ("jetstream",), {"counts": 500, "continuous": 500}),
    Task("linear_model_mean", "linear_model_mean", {}, EVERYONE, {"counts": 50, "continuous": 50}),
    Task("linear_model_mean + covariate", "linear_model_mean", ADJUST, EVERYONE, {"counts": 18, "continuous": 18}),
    Task("deciles", "deciles", {}, ("jetstream",), {"counts": 40, "continuous": 5}),
    Task("empirical_cdf", "empirical_cdf", LOG, ("jetstream",), {"counts": 9, "continuous": 9}),
    Task("binomial", "binomial", {}, ("jetstream", "tea-tasting"), {"boolean": 8}),
)


def write_columns(folder: Path, kind: str, units: int) -> None:
    """Write branch codes, a column of the kind, and another that is correlated with it."""
    rng = np.random.default_rng(12)
    level = rng.normal(0, 1, units)
    match kind:
        case "counts":
            rate = rng.gamma(0.35, 17, units)
            values, other = np.minimum(rng.poisson(rate), 199), np.minimum(rng.poisson(rate * 0.8), 199)
        case "continuous":
            values = np.exp(level + rng.normal(0, 1.1, units))
            other = np.exp(level + rng.normal(0, 0.8, units))
        case _:
            values, other = rng.random(units) < 0.12, rng.random(units) < 0.12
    np.save(folder / "codes.npy", rng.integers(0, 3, units).astype(np.int8))
    np.save(folder / "values.npy", values)
    np.save(folder / "other.npy", other)


def ours(folder: str, task: str, repeats: str) -> None:
    """Measure the product, in a process of its own: from what a warehouse would hand over."""
    from benchmarks.statistics_peers import measured
    from jetstream_argo.stats.estimate import estimate
    from jetstream_argo.stats.registry import parse_method
    from tests.reference.samples import Columns, sample_from_columns

    (asked,) = (timed for timed in TASKS if timed.name == task)
    method = parse_method(asked.statistic, asked.arguments)
    codes, values, other = (np.load(Path(folder) / f"{name}.npy") for name in ("codes", "values", "other"))
    columns = Columns("m", ("a", "b", "c"), codes, values, other)
    sample = sample_from_columns(method, columns)
    estimate(method, sample)
    seconds, growth = measured(lambda: estimate(method, sample), int(repeats))
    print(json.dumps({"seconds": seconds, "growth": growth}))


def run(python: str, *arguments: str) -> dict[str, float] | None:
    """Run one cell; None if it failed, which is told."""
    root = Path(__file__).parents[1]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    environment |= {"ARROW_DEFAULT_MEMORY_POOL": "system"}
    done = subprocess.run([python, *arguments], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        print(f"{' '.join(arguments[-3:])}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}", file=sys.stderr)
        return None
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def line(task: Task, kind: str, units: int, folder: Path, repeats: int) -> str:
    """Measure one statistic on one column, everyone in turn, and return the line of the table."""
    here = str(Path(__file__))
    program = str(Path(__file__).with_name("statistics_peers.py"))
    runs: list[dict[str, float]] = []
    theirs: dict[str, list[dict[str, float]]] = {}
    for _ in range(repeats):
        found = run(sys.executable, here, "ours", str(folder), task.name, "9")
        runs += [found] if found else []
        for peer in task.peers:
            python = os.environ.get(PEERS[peer])
            cell = run(python, program, str(folder), peer, task.name, "4") if python else None
            theirs.setdefault(peer, []).extend([cell] if cell else [])
    seconds, growth = (median(run[key] for run in runs) for key in ("seconds", "growth"))
    cells = [task.name, kind, f"{units:,}", f"{seconds * 1e3:.2f}", f"{growth:.0f}"]
    goal = task.goals[kind]
    up = theirs.get("jetstream", [])
    if up:
        upstream = median(run["seconds"] for run in up)
        scaled = f" (x{up[0]['scaled']})" if up[0]["scaled"] > 1 else ""
        reached = upstream / seconds
        missed = " **below**" if reached < goal and units >= 1_000_000 else ""
        cells += [f"{upstream:.3g}{scaled}", f"{median(run['growth'] for run in up):.0f}", f"{reached:,.0f}x{missed}"]
        cells += [f"{goal:,.0f}x"]
    else:
        cells += ["", "", "", f"{goal:,.0f}x"]
    for peer in ("tea-tasting", "gbstats"):
        peer_runs = theirs.get(peer, [])
        cells.append(f"{median(run['seconds'] for run in peer_runs) * 1e3:.0f}" if peer_runs else "")
    return "| " + " | ".join(cells) + " |"


@click.group(invoke_without_command=True)
@click.option("--units", default="10000,100000,1000000", show_default=True)
@click.option("--repeats", default=1, show_default=True, help="Rounds; the median counts.")
@click.option("--only", default="", help="Statistics, comma-separated.")
@click.pass_context
def main(context: click.Context, units: str, repeats: int, only: str) -> None:
    """Print a table: processor milliseconds of ours, seconds of upstream's, MB of memory, and ratios."""
    if context.invoked_subcommand:
        return
    heads = ["statistic", "column", "units", "ms from aggregates", "MB", "Jetstream s", "MB"]
    heads += ["ratio", "goal at 1M", "tea-tasting ms", "gbstats ms"]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads), flush=True)
    for size in units.split(","):
        for kind in COLUMNS:
            with tempfile.TemporaryDirectory() as folder:
                write_columns(Path(folder), kind, int(size))
                for task in TASKS:
                    if kind in task.goals and (not only or task.name in only.split(",")):
                        print(line(task, kind, int(size), Path(folder), repeats), flush=True)


@main.command("ours", hidden=True)
@click.argument("folder")
@click.argument("task")
@click.argument("repeats")
def _ours(folder: str, task: str, repeats: str) -> None:
    ours(folder, task, repeats)


if __name__ == "__main__":
    main()
