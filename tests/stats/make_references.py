"""Writes `references.json`: what Mozilla's Jetstream and mozanalysis compute on `reference_data`.

    python -m venv oracle
    oracle/bin/pip install mozilla-jetstream==2026.8.2 mozanalysis==2026.10.1
    PYTHONPATH=. oracle/bin/python tests/stats/make_references.py

Each reference branch gets its own copy of the data: `LinearModelMean` clips the data that it is given in place, once
more for every reference branch. Rows with chance in them are averaged over seeds, with the standard error of the mean.
"""

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import jetstream.statistics as upstream
import numpy as np
import pandas as pd
from metric_config_parser.metric import AnalysisPeriod
from mozanalysis.metrics import AnalysisBasis

from tests.stats import reference_data as data

SEEDS = 24
FIELDS = ("statistic", "parameter", "branch", "comparison", "comparison_to_branch")
EXPERIMENT = SimpleNamespace(
    normandy_slug="slug",
    reference_branch="control",
    branches=[SimpleNamespace(slug=name) for name in data.BRANCHES],
)


def frame(column: data.Column, *, integer: bool = False) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"branch": name, "m": values, "m_pre": covariate, "d": covariate})
        for name, values, covariate in zip(data.BRANCHES, column.values, column.covariate, strict=True)
    ]
    joined = pd.concat(parts, ignore_index=True)
    return joined.astype({"m": "Int64", "m_pre": "Int64", "d": "Int64"}) if integer else joined


def rows(
    statistic: upstream.Statistic, table: pd.DataFrame
) -> Iterator[tuple[tuple[str | None, ...], list[float | None]]]:
    for reference in data.BRANCHES:
        found = statistic.transform(table.copy(), "m", reference, EXPERIMENT, AnalysisBasis.ENROLLMENTS, "all")
        for row in found.root:
            key = tuple(None if (value := getattr(row, name)) is None else str(value) for name in FIELDS)
            yield key, [row.point, row.lower, row.upper]


def exact(statistic: upstream.Statistic, table: pd.DataFrame) -> list[list[object]]:
    return [[*key, *numbers] for key, numbers in dict(rows(statistic, table)).items()]


def averaged(statistic: upstream.Statistic, table: pd.DataFrame) -> list[list[object]]:
    runs = []
    for seed in range(SEEDS):
        np.random.seed(seed)  # what upstream draws from
        runs.append(dict(rows(statistic, table)))
    found: list[list[object]] = []
    for key in runs[0]:
        numbers = np.array([run[key] for run in runs], dtype=float)
        errors = numbers.std(axis=0, ddof=1) / np.sqrt(SEEDS)
        found.append([*key, *numbers.mean(axis=0).tolist(), *errors.tolist()])
    return found


def main() -> None:
    warnings.simplefilter("ignore")
    counts, continuous = frame(data.counts(), integer=True), frame(data.continuous())
    gaps, booleans, ratio = frame(data.continuous_with_gaps()), frame(data.booleans()), frame(data.ratio())
    adjust = {"metric": "m", "period": "preenrollment_week"}
    period = AnalysisPeriod.OVERALL
    references = {
        "linear_model_mean counts": exact(upstream.LinearModelMean(), counts),
        "linear_model_mean continuous": exact(upstream.LinearModelMean(), continuous),
        "linear_model_mean_no_clip continuous": exact(upstream.LinearModelMeanNoClip(), continuous),
        "linear_model_mean counts adjusted": exact(
            upstream.LinearModelMean(period=period, covariate_adjustment=adjust), counts
        ),
        "linear_model_mean continuous adjusted": exact(
            upstream.LinearModelMean(period=period, covariate_adjustment=adjust), continuous
        ),
        "linear_model_mean gaps adjusted": exact(
            upstream.LinearModelMean(period=period, covariate_adjustment=adjust), gaps
        ),
        "per_client_dau_impact gaps": exact(upstream.PerClientDAUImpact(drop_highest=0.0), gaps),
        "empirical_cdf counts": exact(upstream.EmpiricalCDF(grid_size=40), frame(data.counts())),
        "empirical_cdf counts log": exact(upstream.EmpiricalCDF(grid_size=40, log_space=True), frame(data.counts())),
        "empirical_cdf continuous log": exact(upstream.EmpiricalCDF(grid_size=40, log_space=True), continuous),
        "kernel_density_estimate counts log": exact(
            upstream.KernelDensityEstimate(grid_size=40, log_space=True), frame(data.counts())
        ),
        "kernel_density_estimate continuous": exact(upstream.KernelDensityEstimate(grid_size=40), continuous),
        "binomial booleans": averaged(upstream.Binomial(), booleans),
        "bootstrap_mean counts": averaged(upstream.BootstrapMean(), frame(data.counts())),
        "bootstrap_mean continuous": averaged(upstream.BootstrapMean(), continuous),
        "deciles counts": averaged(upstream.Deciles(), frame(data.counts())),
        "deciles continuous": averaged(upstream.Deciles(), continuous),
        "population_ratio": averaged(upstream.PopulationRatio(numerator="m", denominator="d", num_samples=4000), ratio),
    }
    lines = ",\n".join(
        f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(row) for row in found) + "\n]"
        for name, found in references.items()
    )
    Path(__file__).with_name("references.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
