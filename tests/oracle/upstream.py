"""Asks Jetstream what it would run and what it would estimate; runs under the oracle's own Python (see README.md).

    upstream.py queries < request.json       the SQL of one experiment, with what each query is for
    upstream.py estimates < request.json     rows of statistics of values that were read from files

Nothing here knows SQL: every query is made by Jetstream and mozanalysis, from metric-hub's files, as in production.
"""

import json
import logging
import os
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import attr
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from jetstream.config import ConfigLoader
from metric_config_parser.analysis import AnalysisConfiguration, AnalysisSpec
from metric_config_parser.config import LocalConfigCollection
from metric_config_parser.experiment import Branch, BucketConfig, Experiment
from metric_config_parser.metric import AnalysisPeriod

FIELDS = ("statistic", "parameter", "branch", "comparison", "comparison_to_branch")
RANDOM = {"bootstrap_mean", "binomial", "deciles", "population_ratio"}


def collection(hub: str) -> LocalConfigCollection:
    found = LocalConfigCollection.from_local_path(hub)
    found.merge(LocalConfigCollection.from_local_path(str(Path(hub) / "jetstream")))
    return found


def configuration(request: dict, configs: LocalConfigCollection) -> AnalysisConfiguration:
    unit = request["randomization_unit"]
    experiment = Experiment(
        experimenter_slug=None,
        normandy_slug=request["slug"],
        type="v6",
        status="Complete",
        branches=[Branch(slug=name, ratio=1) for name in request["branches"]],
        start_date=moment(request["start"]),
        end_date=moment(request["end"]),
        proposed_enrollment=request["enrollment_days"],
        reference_branch=request["branches"][0],
        is_high_population=False,
        app_name=request["app"],
        app_id=request["app_id"],
        outcomes=request["outcomes"],
        bucket_config=BucketConfig(randomization_unit=unit, namespace="n", start=0, count=10) if unit else None,
    )
    spec = AnalysisSpec.default_for_experiment(experiment, configs)
    own = configs.spec_for_experiment(request["slug"])
    if own is not None:
        spec.merge(own)
    return spec.resolve(experiment, configs)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Recorder:
    """Stands where BigQuery's client is: keeps the SQL, and says that every covariate is there."""

    def __init__(self) -> None:
        self.executed: list[tuple[str, str]] = []

    def execute(self, sql: str, table: str, *_: object, **__: object) -> SimpleNamespace:
        self.executed.append((table, sql))
        return SimpleNamespace(slot_millis=0)

    def column_exists_in_table(self, *_: object) -> bool:
        return True


def queries(request: dict) -> dict:
    configs = collection(request["hub"])
    ConfigLoader.config_collection = configs  # otherwise it is fetched from the internet on import
    from jetstream import analysis as jetstream
    from mozanalysis.metrics import AnalysisBasis

    jetstream.ExposureSignal = signal_on_time(jetstream.ExposureSignal)
    recorder = Recorder()
    jetstream.Analysis.bigquery = property(lambda self: recorder)
    config = configuration(request, configs)
    analysis = jetstream.Analysis(request["project"], request["dataset"], config)
    segments = [segment.name for segment in config.experiment.segments]
    metrics: list[dict] = []
    statistics: list[dict] = []
    for run in runs(analysis):
        of_run, tables = metric_queries(analysis, recorder, run)
        metrics += of_run
        if [run.period.value, run.index] in request["estimated"]:
            statistics += statistic_queries(analysis, run, tables, ["all", *segments][: request["segments"]], request)
    bases = {metric["basis"] for metric in metrics}
    return {
        "enrollments": {
            "table": f"enrollments_{request['slug'].replace('-', '_')}",
            "sql": analysis.enrollments_query(first_day_limits(analysis)),
        },
        "segments": segments,
        "signal": config.experiment.exposure_signal is not None,
        "metrics": metrics,
        "statistics": statistics,
        "counts": [
            {"segment": segment, "basis": basis.value, "sql": analysis._create_population_subset_query(segment, basis)}
            for segment in ["all", *segments]
            for basis in AnalysisBasis
            if basis.value in bases
        ],
    }


def signal_on_time(signal_type: type) -> type:
    """Return Jetstream's exposure signals as seen on the day on which a window is due: there is no later telemetry."""

    class SignalOnTime(signal_type):
        def to_mozanalysis_exposure_signal(self, limits: object) -> object:
            signal = super().to_mozanalysis_exposure_signal(limits)
            if not signal.window_end:
                return signal
            seen = max(limits.last_enrollment_date, limits.last_date_data_required)
            days = (moment(seen) - moment(limits.first_enrollment_date)).days
            return attr.evolve(signal, window_end=min(signal.window_end, days))

    return SignalOnTime


@dataclass(frozen=True)
class Run:
    """What Jetstream does on one date for one period and basis."""

    limits: object
    period: AnalysisPeriod
    basis: object

    @property
    def index(self) -> int:
        return len(self.limits.analysis_windows)

    @property
    def window(self) -> object:
        return self.limits.analysis_windows[-1]

    @property
    def place(self) -> dict:
        return {"basis": self.basis.value, "period": self.period.value, "index": self.index}


def days_of(analysis: object) -> list[datetime]:
    experiment = analysis.config.experiment
    first, last = experiment.start_date, experiment.end_date + timedelta(days=1)
    return [first + timedelta(days=days) for days in range((last - first).days + 1)]


def runs(analysis: object) -> Iterator[Run]:
    """Yield every run that is due on some day up to the one after the end date."""
    for today in days_of(analysis):
        for period, summaries in analysis.config.metrics.items():
            limits = analysis._get_timelimits_if_ready(period, today)
            if limits is not None:
                for basis in {basis: None for summary in summaries for basis in summary.metric.analysis_bases}:
                    yield Run(limits, period, basis)


def first_day_limits(analysis: object) -> object:
    """Return the limits with which the enrollments are queried: of the first day on which any window is due."""
    found = (analysis._get_timelimits_if_ready(AnalysisPeriod.DAY, today) for today in days_of(analysis))
    return next(limits for limits in found if limits is not None)


def metric_queries(analysis: object, recorder: Recorder, run: Run) -> tuple[list[dict], dict[str, str]]:
    """Return the queries of a run, one a data source, and the table in which each metric is."""
    from jetstream.metric import Metric
    from mozanalysis import experiment as mozanalysis

    experiment = analysis.config.experiment
    unit = mozanalysis.Experiment(
        experiment_slug=experiment.normandy_slug,
        start_date=experiment.start_date.strftime("%Y-%m-%d"),
        app_id=analysis._app_id_to_bigquery_dataset(experiment.app_id),
        analysis_unit=experiment.analysis_unit,
    )
    wanted = {
        Metric.from_metric_config(metric.metric).to_mozanalysis_metric()
        for metric in analysis.config.metrics[run.period]
        if run.basis in metric.metric.analysis_bases and metric.metric.select_expression is not None
    }
    found = []
    tables = {}
    for source, metrics in mozanalysis.partition_metrics_by_data_source(wanted).items():
        done = analysis.calculate_metric_for_ds(unit, run.limits, run.period, run.basis, metrics, False)
        done.compute(scheduler="synchronous")
        table, sql = recorder.executed[-1]
        tables.update(dict.fromkeys((metric.name for metric in metrics), table))
        sanity = source.get_sanity_metrics(experiment.normandy_slug)
        found.append(
            {
                **run.place,
                "table": table,
                "sql": sql,
                "first_day": run.window.start,
                "last_day": run.window.end,
                "source": source.name,
                "metrics": [*sorted(metric.name for metric in metrics), *(metric.name for metric in sanity)],
            }
        )
    return found, tables


def statistic_queries(
    analysis: object, run: Run, tables: dict[str, str], segments: list[str], request: dict
) -> Iterator[dict]:
    """Yield what each statistic reads; of those that draw random numbers the first few, and for all units only."""
    seen: Counter[str] = Counter()
    last_table = list(tables.values())[-1]  # that of a metric without values of its own
    for segment in segments:
        for number, summary in enumerate(analysis.config.metrics[run.period]):
            name = summary.statistic.name
            if run.basis not in summary.metric.analysis_bases:
                continue
            seen[name] += 1
            if name in RANDOM and (segment != "all" or seen[name] > request["random"]):
                continue
            table = tables.get(summary.metric.name, last_table)
            yield {
                **run.place,
                "metric": summary.metric.name,
                "statistic": name,
                "number": number,
                "days": run.window.end - run.window.start + 1,
                "segment": segment,
                "sql": analysis._create_subset_metric_table_query(table, segment, summary, run.basis, run.period, True),
            }


def frame(path: str) -> pd.DataFrame:
    """Read values as BigQuery's client gives them: integers and booleans that can be missing, plain floats."""
    types = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    return pq.read_table(path).to_pandas(types_mapper=types.get)


def estimates(request: dict) -> list[dict]:
    configs = collection(request["hub"])
    ConfigLoader.config_collection = configs
    from jetstream.statistics import Summary

    config = configuration(request, configs)
    answers = []
    for asked in request["statistics"]:
        period = AnalysisPeriod(asked["period"])
        configured = config.metrics[period][asked["number"]]
        summary = Summary.from_config(configured, asked["days"], period)
        data = frame(asked["path"])
        names = [asked["metric"], *(dependency.metric.name for dependency in configured.metric.depends_on or [])]
        for treatment in summary.pre_treatments:
            for name in names:
                data = treatment.apply(data, name)
        seeds = request["seeds"] if asked["statistic"] in RANDOM else 1
        samples = [estimated(summary, data, asked, config, seed) for seed in range(seeds)]
        places = {place: None for sample in samples for place in sample}
        place = {name: asked[name] for name in ("metric", "statistic", "basis", "period", "index", "segment")}
        rows = [[*place, *averaged([sample.get(place) for sample in samples])] for place in places]
        answers.append({**place, "rows": rows})
    return answers


def estimated(summary: object, data: pd.DataFrame, asked: dict, config: AnalysisConfiguration, seed: int) -> dict:
    """Return (point, lower, upper) by place; what a reference branch fails for is left out, as upstream does."""
    from mozanalysis.metrics import AnalysisBasis

    np.random.seed(seed)  # what upstream draws from
    found: dict[tuple[str | None, ...], list[float | None]] = {}
    for reference in (branch.slug for branch in config.experiment.branches if branch.slug in set(data.branch)):
        given = data.copy()  # linear models clip what they are given in place
        basis = AnalysisBasis(asked["basis"])
        try:
            rows = summary.statistic.transform(
                given, asked["metric"], reference, config.experiment, basis, asked["segment"]
            ).root
        except Exception as error:  # noqa: BLE001  # upstream logs any, and goes on with the next reference
            sys.stderr.write(f"{asked['metric']} {asked['statistic']} {reference}: {error}\n")
            continue
        for row in rows:
            place = tuple(None if (value := getattr(row, name)) is None else str(value) for name in FIELDS)
            found[place] = [row.point, row.lower, row.upper]
    return found


def averaged(runs: list[list[float | None] | None]) -> list[float | None]:
    """Return the mean of point, lower and upper over runs, and the standard errors of these means."""
    numbers = np.array([run or [None] * 3 for run in runs], dtype=float)
    errors = numbers.std(axis=0, ddof=1) / np.sqrt(len(runs)) if len(runs) > 1 else np.zeros(3)
    return [None if not np.isfinite(number) else float(number) for number in (*numbers.mean(axis=0), *errors)]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    answer_to = os.dup(1)
    os.dup2(2, 1)  # whatever the libraries print
    command = {"queries": queries, "estimates": estimates}[sys.argv[1]]
    answer = json.dumps(command(json.load(sys.stdin)))
    with os.fdopen(answer_to, "w") as out:
        out.write(answer)
