"""Writes `references.json`: what Mozilla's Jetstream and mozanalysis compute for the cases of `reference_cases`.

    python -m venv oracle
    oracle/bin/pip install mozilla-jetstream==2026.8.2 mozanalysis==2026.10.1
    oracle/bin/python tests/stats/make_references.py [CASE …]

With the names of cases only these are made again. Each reference branch gets its own copy of the data:
`LinearModelMean` clips the data that it is given in place, once more for every reference branch. Rows with chance in
them are averaged over seeds, with the standard error of the mean; a number that upstream does not give is null.
"""

import json
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import jetstream.statistics as upstream
import numpy as np
import pandas as pd
import reference_data as data  # beside this program: a package named tests is among upstream's dependencies
from jetstream import pre_treatment as steps
from metric_config_parser.metric import AnalysisPeriod
from mozanalysis.frequentist_stats.linear_models.functions import compare_branches_lm
from mozanalysis.metrics import AnalysisBasis
from reference_cases import CASES, PERIOD, RANDOM, Case

SEEDS = 24
DAYS = 7
FILE = Path(__file__).with_name("references.json")
FIELDS = ("statistic", "parameter", "branch", "comparison", "comparison_to_branch")
EXPERIMENT = SimpleNamespace(
    normandy_slug="slug",
    reference_branch="control",
    branches=[SimpleNamespace(slug=name) for name in data.BRANCHES],
)
STATISTICS = {
    "binomial": upstream.Binomial,
    "bootstrap_mean": upstream.BootstrapMean,
    "count": upstream.Count,
    "deciles": upstream.Deciles,
    "empirical_cdf": upstream.EmpiricalCDF,
    "kernel_density_estimate": upstream.KernelDensityEstimate,
    "linear_model_mean": upstream.LinearModelMean,
    "linear_model_mean_no_clip": upstream.LinearModelMeanNoClip,
    "per_client_dau_impact": upstream.PerClientDAUImpact,
    "population_ratio": upstream.PopulationRatio,
    "sum": upstream.Sum,
}
STEPS = {step.name(): step for step in steps.PreTreatment.__subclasses__()}


class WithConfidence(upstream.LinearModelMean):
    """What `LinearModelMean` would be if it heeded a confidence."""

    def __init__(self, confidence_interval: float, **arguments: object) -> None:
        super().__init__(**arguments)
        self.confidence = confidence_interval

    def transform(
        self, df: pd.DataFrame, metric: str, reference: str, *_: object
    ) -> upstream.StatisticResultCollection:
        """Ask mozanalysis itself."""
        found = compare_branches_lm(
            df,
            metric,
            reference,
            covariate_col_label="m_pre" if self.covariate_adjustment else None,
            threshold_quantile=1 - self.drop_highest,
            alphas=[round(1 - self.confidence, 6)],
        )
        return upstream.flatten_simple_compare_branches_result(
            ma_result=found,
            metric_name=metric,
            statistic_name="mean_lm",
            reference_branch=reference,
            ci_width=self.confidence,
        )


def frame(case: Case) -> pd.DataFrame:
    column: data.Column = getattr(data, case.column)()
    parts = [
        pd.DataFrame({"branch": name, "m": values, "m_pre": covariate, "d": covariate})
        for name, values, covariate in zip(data.BRANCHES, column.values, column.covariate, strict=True)
    ]
    table = pd.concat(parts, ignore_index=True)
    if case.integer:
        table = table.astype({"m": "Int64", "m_pre": "Int64", "d": "Int64"})
    for name, arguments in case.steps:
        for symbol in ("m", "d") if case.statistic == "population_ratio" else ("m",):
            table = STEPS[name](analysis_period_length=DAYS, **arguments).apply(table, symbol)
    return table


def statistic(case: Case) -> upstream.Statistic:
    arguments = dict(case.arguments)
    if case.adjusted:
        arguments |= {"period": AnalysisPeriod.OVERALL, "covariate_adjustment": {"metric": "m", "period": PERIOD}}
    if case.statistic == "linear_model_mean" and "confidence_interval" in arguments:
        return WithConfidence(**arguments)
    return STATISTICS[case.statistic](**arguments)


def rows(case: Case, table: pd.DataFrame) -> Iterator[tuple[tuple[str | None, ...], list[float | None]]]:
    asked = statistic(case)
    for reference in data.BRANCHES:
        found = asked.transform(table.copy(), "m", reference, EXPERIMENT, AnalysisBasis.ENROLLMENTS, "all")
        for row in found.root:
            key = tuple(None if (value := getattr(row, name)) is None else str(value) for name in FIELDS)
            yield key, [row.point, row.lower, row.upper]


def references(case: Case) -> list[list[object]]:
    """The rows of a case: point, lower and upper, and where chance is in them the standard errors of these."""
    table = frame(case)
    if case.statistic not in RANDOM:
        return [[*key, *numbers] for key, numbers in dict(rows(case, table)).items()]
    runs = []
    for seed in range(SEEDS):
        np.random.seed(seed)  # what upstream draws from
        runs.append(dict(rows(case, table)))
    found: list[list[object]] = []
    for key in runs[0]:
        numbers = np.array([run[key] for run in runs], dtype=float)
        errors = numbers.std(axis=0, ddof=1) / np.sqrt(SEEDS)
        cells = (*numbers.mean(axis=0).tolist(), *errors.tolist())
        found.append([*key, *(value if np.isfinite(value) else None for value in cells)])
    return found


def main(wanted: list[str]) -> None:
    warnings.simplefilter("ignore")
    known = json.loads(FILE.read_text()) if wanted and FILE.exists() else {}
    made = {case.name: references(case) for case in CASES if not wanted or case.name in wanted}
    by_case = {case.name: made.get(case.name, known.get(case.name)) for case in CASES}
    lines = ",\n".join(
        f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(row) for row in found) + "\n]"
        for name, found in by_case.items()
        if found is not None
    )
    FILE.write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
