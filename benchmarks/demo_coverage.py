"""How often the demo's intervals hold the truth, over many seeds: 95 % should.

    python -m benchmarks.demo_coverage [--seeds 20] [--units 6000] [--first 1] [--jobs 2]

Each seed makes telemetry of its own and takes it through the whole pipeline, for the overall window. Printed are the
share of each metric's intervals that cover the true relative uplift, how far the estimates are from it on average in
standard errors, which is near 0 where what is estimated is the truth, and the share of all intervals. Intervals of
the same seed are about the same units, so standard errors are those between seeds. Segments, exposures and deciles, of
which no truth is known, are left out: they change none of these estimates.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from math import sqrt
from pathlib import Path
from statistics import NormalDist, fmean, stdev

from jetstream_argo.cli.demo import FoundUplift, demo_experiment, findings, make_telemetry
from jetstream_argo.cli.local_run import LocalRun, run_locally
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.selection import Selection
from jetstream_argo.errors import EXIT_DONE
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

CONFIDENCE = 0.95
_ALL = "all intervals"


def analysed(units: int, seed: int, jobs: int) -> list[FoundUplift]:
    """Return the overall uplifts of the demo with telemetry of this seed."""
    plan, effects = demo_experiment()
    with tempfile.TemporaryDirectory(prefix="demo-coverage-") as folder:
        quiet = StringIO()
        with redirect_stdout(quiet), redirect_stderr(quiet):
            make_telemetry(Path(folder), plan, effects, units=units, seed=seed)
            plan = without_unknown_truths(plan)
            run = LocalRun(plan, f"embedded:{folder}", jobs, Selection(periods=(Period.OVERALL,)))
            result = run_locally(run)
        if isinstance(result, str) or result.exit_code != EXIT_DONE:
            raise SystemExit(f"seed {seed}: {quiet.getvalue()[-2000:]}")
        return list(findings(EmbeddedEngine(Path(folder)), plan, effects))


def without_unknown_truths(plan: AnalysisPlan) -> AnalysisPlan:
    """Return a plan of the same estimates of all units that enrolled, and no others."""
    statistics = tuple(
        replace(leaf, statistics=tuple(asked for asked in leaf.statistics if asked.name != "deciles"))
        for leaf in plan.statistics
    )
    enrollments = replace(plan.enrollments, segments=(), segment_columns=())
    return replace(plan, bases=(Basis.ENROLLMENTS,), signal=None, enrollments=enrollments, statistics=statistics)


def report(by_seed: Sequence[Sequence[FoundUplift]]) -> Iterator[str]:
    """Yield a line for each metric, and the last for all."""
    metrics = dict.fromkeys(finding.metric for found in by_seed for finding in found)
    yield f"{'':24} {'cover':>16}   {'off by, standard errors':>24}"
    for metric in metrics:
        of_metric = [[finding for finding in found if finding.metric == metric] for found in by_seed]
        yield _line(metric, [found for found in of_metric if found])
    yield _line(_ALL, by_seed)


def _line(name: str, by_seed: Sequence[Sequence[FoundUplift]]) -> str:
    shares = [fmean(finding.covers for finding in found) for found in by_seed]
    off = [fmean(_off(finding) for finding in found) for found in by_seed]
    share, of_share = _mean(shares)
    distance, of_distance = _mean(off)
    return f"{name:24} {share:7.1%} ± {of_share:6.1%}   {distance:+15.2f} ± {of_distance:.2f}"


def _off(finding: FoundUplift) -> float:
    """Return how many standard errors the point is above the truth."""
    error = (finding.upper - finding.lower) / 2 / NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    return (finding.point - finding.truth) / error


def _mean(values: Sequence[float]) -> tuple[float, float]:
    return fmean(values), stdev(values) / sqrt(len(values))


def main() -> int:
    """Analyse the demo with many seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="at least 2")
    parser.add_argument("--units", type=int, default=6000)
    parser.add_argument("--first", type=int, default=1, help="the first seed; the others follow it")
    parser.add_argument("--jobs", type=int, default=2, help="nodes at once")
    options = parser.parse_args()
    if options.seeds < 2:  # a standard error needs two
        parser.error("--seeds must be at least 2")
    by_seed = []
    for seed in range(options.first, options.first + options.seeds):
        found = analysed(options.units, seed, options.jobs)
        by_seed.append(found)
        print(f"seed {seed}: {sum(finding.covers for finding in found)} of {len(found)} cover", flush=True)
    for line in report(by_seed):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main())
