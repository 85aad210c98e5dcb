"""Experiments with results, beside one another in one warehouse."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

from jetstream_argo.config.model import MetricDefinition
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dialect.types import Column
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Layout, Write
from tests.worlds.kept import contents, made_once
from tests.worlds.pipeline import START, Pipeline, experiment, metric, planned, source, summary_of

WEEK_DUE = date(2026, 5, 12)
HOURS = metric("hours", "SUM(hours)")
MEDIAN = metric("median", "APPROX_QUANTILES(hours, 2)[OFFSET(1)]")
RATE = MetricDefinition("rate", None, None, ("hours", "median"), HOURS.bases)
UNITS = ("a", "b", "c", "d")


def telemetry(root: Path) -> None:
    """Four units, two a branch, each with an hour more than the one before."""
    made_once(("telemetry", contents(root)), root, lambda: _load_telemetry(root))


def _load_telemetry(root: Path) -> None:
    engine = EmbeddedEngine(root)
    text = ("unit", "branch")
    assigned = [(unit, ("control", "treatment")[n % 2], START) for n, unit in enumerate(UNITS)]
    tables: dict[str, tuple[tuple[str, ...], list[tuple[object, ...]]]] = {
        "telemetry.assignments": ((*text, "day"), assigned),
        "telemetry.exposures": (("unit", "day"), [("a", START)]),
        "telemetry.activity": (
            ("client_id", "submission_date", "hours"),
            [(unit, START, float(n)) for n, unit in enumerate(UNITS)],
        ),
    }
    kinds = {"day": "DATE", "submission_date": "DATE", "hours": "FLOAT64"}
    for name, (columns, rows) in tables.items():
        engine.load(
            name,
            [dict(zip(columns, row, strict=True)) for row in rows],
            [Column(column, kinds.get(column, "STRING")) for column in columns],
            write=Write.TRUNCATE,
            labels={},
            layout=Layout(partition_by=next(column for column in columns if kinds.get(column) == "DATE")),
        )


def analysed(root: Path, slug: str, metrics: Sequence[MetricDefinition] = (HOURS, MEDIAN)) -> Pipeline:
    """Return an experiment of which everything is computed and published."""
    # Commands look at the clock of this machine.
    today, plan = datetime.now(UTC) - timedelta(minutes=5), plan_of(slug, metrics)

    def begun() -> tuple[int, datetime]:
        pipeline = Pipeline(root, plan, today=today)
        again(pipeline)
        return next(pipeline.attempts), pipeline.now()

    attempts, ended = made_once((codec.sha256(plan), contents(root)), root, begun)
    return Pipeline(root, plan, today=max(today, ended), attempts=count(attempts))


def plan_of(slug: str, metrics: Sequence[MetricDefinition] = (HOURS, MEDIAN)) -> AnalysisPlan:
    """Return the plan of an experiment with weekly estimates."""
    periods = {Period.WEEK: [summary_of(metric.name, "linear_model_mean") for metric in metrics if metric.data_source]}
    periods[Period.WEEK] += [
        summary_of(
            metric.name, "population_ratio", {"numerator": metric.depends_on[0], "denominator": metric.depends_on[1]}
        )
        for metric in metrics
        if not metric.data_source
    ]
    config = replace(experiment(metrics, [source("activity")], periods), slug=slug)
    return planned(config, as_of=WEEK_DUE)


def again(pipeline: Pipeline) -> dict[str, bool]:
    """Run everything; return, by node, whether there was nothing left to do."""
    done = {id: result.idle for id, result in pipeline.run().items()}
    pipeline.do(build_dag(pipeline.plan).last)
    return done


def tables(root: Path) -> set[str]:
    """Return the names of all result tables and views."""
    return {info.name for info in EmbeddedEngine(root).tables("results")}


def rows(root: Path, text: str) -> list[tuple[object, ...]]:
    """Return the rows of a query."""
    return list(EmbeddedEngine(root).query(Sql(text), labels={}).rows)
