"""A whole analysis through BigQuery's client and the fake: undisturbed, or with failures on order."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count
from pathlib import Path

from jetstream_argo.config.model import MetricDefinition
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import Node
from jetstream_argo.dialect.types import Value
from jetstream_argo.errors import EXIT_DONE, JetstreamArgoError
from jetstream_argo.plan.build import resolve
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql.text import Sql
from jetstream_argo.synthetic.generate import generate
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Engine
from tests.warehouse.bigquery.cases import Case, Outcome
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery
from tests.worlds.pipeline import ENROLLMENTS, EXPOSURES, Pipeline, experiment, metric, planned, source, summary_of

PROJECT = "local"  # of a pipeline's tables
AS_OF = date(2026, 5, 14)
_OF_THE_ATTEMPT = {"batch", "computed_at"}

Rows = Counter[tuple[Value, ...]]


def small_plan(
    slug: str = "try-it", *, telemetry: str = "telemetry.", dataset: str = "results", as_of: date = AS_OF
) -> AnalysisPlan:
    """Two sources, three metrics, daily and weekly windows, on both bases; `telemetry` begins its tables' names."""
    metrics = [
        metric("visits", "SUM(activity.visits)"),
        metric("days", "COUNT(DISTINCT submission_date)"),
        metric("searched", "COALESCE(LOGICAL_OR(searches > 0), FALSE)", "search"),
    ]
    periods = {
        Period.DAY: [summary_of("visits", "count")],
        Period.WEEK: [
            summary_of("visits", "linear_model_mean"),
            summary_of("searched", "binomial"),
            summary_of("days", "sum"),
        ],
    }
    sources = [source(name, f"{telemetry}{name}") for name in ("activity", "search")]
    enrolled, exposed = (sql.replace("telemetry.", telemetry) for sql in (ENROLLMENTS, EXPOSURES))
    config = experiment(metrics, sources, periods, enrollments_sql=enrolled, exposures_sql=exposed)
    return resolve(replace(config, slug=slug), as_of=as_of, dataset=dataset)


def wide_plan(metrics: list[MetricDefinition]) -> AnalysisPlan:
    """One source with many metrics, in weekly windows."""
    periods = {Period.WEEK: [summary_of(metric.name, "count") for metric in metrics]}
    return planned(experiment(metrics, [source("activity")], periods), as_of=AS_OF)


def make_telemetry(root: Path, plan: AnalysisPlan) -> None:
    """Fill the tables that the plan reads."""
    generate(plan, EmbeddedEngine(root), units=40, seed=1)


@dataclass
class RemotePipeline(Pipeline):
    """A pipeline each of whose nodes is a new client of the fake at `url`."""

    url: str = ""
    retry_seconds: float = 10.0
    starts: "count[int]" = field(default_factory=count)

    @property
    def engine(self) -> Engine:  # type: ignore[override]  # any engine will do
        """The warehouse, opened anew as every pod does."""
        settings = BigQuerySettings(
            PROJECT,
            api_endpoint=self.url,
            retry_seconds=self.retry_seconds,
            first_delay_seconds=0.01,
            longest_delay_seconds=0.05,
            longest_poll_seconds=0.05,
            cancel_seconds=0.2,
        )
        return BigQueryEngine(settings, attempt=f"start-{next(self.starts)}")


def patience(case: Case) -> float:
    """Return for how many seconds to try again: long enough on a busy machine, or not for long what fails for good."""
    return 10.0 if case.outcome is Outcome.RETRIED else 0.2


def run_as_argo_does(pipeline: Pipeline, fake: FakeBigQuery | None = None) -> tuple[int, ...]:
    """Do every node, each again until it succeeds; return with which codes attempts ended before that.

    What fails for good does so until a node has failed: then the outage is over.
    """
    codes: list[int] = []
    dag = build_dag(pipeline.plan)
    for node in (*dag.nodes, dag.last):
        for _ in range(4):
            code = _code(pipeline, node)
            if code == EXIT_DONE:
                break
            codes.append(code)
            if fake is not None:
                fake.faults.clear()
        else:
            raise AssertionError(f"{node.id} never succeeded")
    return tuple(codes)


def _code(pipeline: Pipeline, node: Node) -> int:
    try:
        return pipeline.do(node).exit_code
    except JetstreamArgoError as error:
        return error.exit_code


def results(pipeline: Pipeline) -> dict[str, Rows]:
    """Return the rows of every published view, without what differs from attempt to attempt."""
    return dict(views(EmbeddedEngine(pipeline.root), "results"))


def views(engine: Engine, dataset: str, *, naming: str = "") -> Iterator[tuple[str, Rows]]:
    """Yield the rows of the views in a dataset whose names have `naming` in them."""
    for info in engine.infos([table.name for table in engine.tables(dataset) if naming in table.name]).values():
        if info.view_sql is not None:
            kept = ", ".join(column.name for column in info.columns if column.name not in _OF_THE_ATTEMPT)
            yield info.name, Counter(engine.query(Sql(f"SELECT {kept} FROM {info.name}"), labels={}).rows)
