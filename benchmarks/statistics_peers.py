"""What the peers take for one statistic on one column: run by `statistics_speed.py` in the peers' own environments.

    python statistics_peers.py FOLDER PEER TASK REPEATS

FOLDER holds `codes.npy`, `values.npy` and `other.npy`. Prints one line of JSON: seconds of processor time (least),
the peak growth of memory in the call in MB, and by which factor both were scaled to the full number of samples.
Nothing of the product is imported here.
"""

import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

BRANCHES = np.array(["a", "b", "c"])
SAMPLES = 10_000
ALONE = ("empirical_cdf", "kernel_density_estimate")
Call = Callable[[], object]


def peak_mb(field: str = "VmHWM") -> float:
    """The highest resident memory since it was last reset."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def measured(call: Call, repeats: int) -> tuple[float, float]:
    """The least processor time of some calls, the one that others disturbed least, and how a call raises the peak."""
    times, growth = [], 0.0
    for _ in range(repeats):
        Path("/proc/self/clear_refs").write_text("5")
        before, start = peak_mb("VmRSS"), time.process_time()
        call()
        times.append(time.process_time() - start)
        growth = max(growth, peak_mb() - before)
    return min(times), growth


def frame(folder: Path) -> pd.DataFrame:
    """The rows as upstream downloads them."""
    codes, values, other = (np.load(folder / f"{name}.npy") for name in ("codes", "values", "other"))
    return pd.DataFrame({"branch": BRANCHES[codes], "m": values, "m_pre": other, "d": other})


def jetstream(task: str, rows: pd.DataFrame) -> tuple[Call, int]:
    """Jetstream's statistic against one reference, with fewer samples or grid points where it would take minutes.

    What does not compare branches it computes anew for every reference; that is measured as it is done.
    """
    import jetstream.statistics as upstream
    from metric_config_parser.metric import AnalysisPeriod
    from mozanalysis.metrics import AnalysisBasis

    n, distinct = len(rows), rows["m"].iloc[:2000].nunique() > 1000
    adjust = {"metric": "m", "period": "preenrollment_week"}
    slow = max(1, min(n // 5_000, 400)) if distinct and n >= 100_000 else 1
    made: dict[str, tuple[Callable[[int], object], int]] = {
        "bootstrap_mean": (lambda k: upstream.BootstrapMean(num_samples=SAMPLES // k), slow),
        "population_ratio": (
            lambda k: upstream.PopulationRatio(numerator="m", denominator="d", num_samples=SAMPLES // k),
            max(1, min(n // 2_500, 500)),
        ),
        "deciles": (lambda _: upstream.Deciles(), 1),
        "binomial": (lambda _: upstream.Binomial(), 1),
        "linear_model_mean": (lambda _: upstream.LinearModelMean(), 1),
        "linear_model_mean + covariate": (
            lambda _: upstream.LinearModelMean(period=AnalysisPeriod.OVERALL, covariate_adjustment=adjust), 1,
        ),
        "empirical_cdf": (lambda _: upstream.EmpiricalCDF(log_space=True), 1),
        "kernel_density_estimate": (
            lambda k: upstream.KernelDensityEstimate(log_space=True, grid_size=256 // k), 16 if n > 1_000_000 else 1,
        ),
    }  # fmt: skip
    make, factor = made[task]
    statistic = make(factor)
    experiment = SimpleNamespace(
        normandy_slug="slug", reference_branch="a", branches=[SimpleNamespace(slug=name) for name in BRANCHES]
    )

    def call() -> object:
        return [
            statistic.transform(rows, "m", name, experiment, AnalysisBasis.ENROLLMENTS, "all")  # type: ignore[attr-defined]
            for name in (BRANCHES if task in ALONE else BRANCHES[:1])
        ]

    return call, factor


def tea_tasting(task: str, rows: pd.DataFrame) -> tuple[Call, int]:
    """Both comparisons with the first branch."""
    import tea_tasting as tt

    metrics = {
        "linear_model_mean": lambda: tt.Mean("m"),
        "linear_model_mean + covariate": lambda: tt.Mean("m", covariate="m_pre"),
        "population_ratio": lambda: tt.RatioOfMeans("m", "d"),
        "binomial": lambda: tt.Proportion("m"),
    }
    made = tt.Experiment(metric=metrics[task](), variant="branch") if hasattr(tt, "Experiment") else None
    rows = rows.astype({"m": float}) if task != "binomial" else rows
    return lambda: made.analyze(rows, control="a", all_variants=True), 1  # type: ignore[union-attr]


def gbstats(task: str, rows: pd.DataFrame) -> tuple[Call, int]:
    """Sums of rows in pandas, then both comparisons with the first branch."""
    from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
    from gbstats.models.statistics import RatioStatistic, RegressionAdjustedStatistic, SampleMeanStatistic

    rows = rows.astype({"m": float, "m_pre": float, "d": float})

    def statistics() -> list[object]:
        y, x = rows["m"], rows["m_pre"]
        columns = {"branch": rows["branch"], "y": y, "yy": y * y}
        if task != "linear_model_mean":
            columns |= {"x": x, "xx": x * x, "xy": x * y}
        sums = pd.DataFrame(columns).groupby("branch").agg(["sum", "count"])
        found = []
        for _, row in sums.iterrows():
            n = int(row["y", "count"])
            of_y = SampleMeanStatistic(n=n, sum=row["y", "sum"], sum_squares=row["yy", "sum"])
            if task == "linear_model_mean":
                found.append(of_y)
                continue
            of_x = SampleMeanStatistic(n=n, sum=row["x", "sum"], sum_squares=row["xx", "sum"])
            product = row["xy", "sum"]
            if task == "population_ratio":
                found.append(RatioStatistic(n=n, m_statistic=of_y, d_statistic=of_x, m_d_sum_of_products=product))
            else:
                found.append(
                    RegressionAdjustedStatistic(
                        n=n, post_statistic=of_y, pre_statistic=of_x, post_pre_sum_of_products=product, theta=0.3
                    )
                )
        return found

    def call() -> object:
        first, *others = statistics()
        return [
            TwoSidedTTest(first, other, FrequentistConfig(difference_type=kind)).compute_result()  # type: ignore[arg-type]
            for other in others
            for kind in ("absolute", "relative")
        ]

    return call, 1


PEERS = {"jetstream": jetstream, "tea-tasting": tea_tasting, "gbstats": gbstats}


def main(folder: str, peer: str, task: str, repeats: str) -> None:
    """Measure one peer."""
    warnings.simplefilter("ignore")
    call, factor = PEERS[peer](task, frame(Path(folder)))
    small = frame(Path(folder)).iloc[:3000].reset_index(drop=True)
    PEERS[peer](task, small)[0]()  # what is loaded and compiled once does not count
    start = time.process_time()
    seconds, growth = measured(call, 1)
    if time.process_time() - start < 3:
        again, _ = measured(call, int(repeats))
        seconds = min(seconds, again)
    print(json.dumps({"seconds": seconds * factor, "growth": growth, "scaled": factor}))


if __name__ == "__main__":
    main(*sys.argv[1:])
