"""What a column, a function or a table that the account may not use costs, in whole runs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from jetstream_argo.config.model import MetricDefinition
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import EnrollmentsTask, SourceTask
from jetstream_argo.errors import EXIT_DEFINITION, AccessDenied, EngineError, NotFound, PartDenied, TooBig
from jetstream_argo.report.status import Standing, status_report
from jetstream_argo.run.nodes import TaskResult
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import read_entries
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import PAGE_ROWS, DryRun, Job, Layout, Result, Write
from tests.warehouse.bigquery.whole_run import AS_OF, make_telemetry
from tests.worlds.pipeline import Pipeline, experiment, metric, planned, source, summary_of

POLICY = PartDenied("Access Denied: User does not have permission to access policy tag on column activity.searches")
TABLE = AccessDenied("Access Denied: Table activity: User does not have permission to query table activity")


class Refusing(EmbeddedEngine):
    """A warehouse that refuses statements in which `pattern` is found, and with `runs` only when they are run."""

    pattern = ""
    error: EngineError = POLICY
    runs = False

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Run a query that may be run."""
        self._refuse(sql)
        return super().query_to_table(sql, destination, write=write, labels=labels, layout=layout)

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        """Run a query that may be run."""
        self._refuse(sql)
        return super().query(sql, labels=labels, page_rows=page_rows)

    def dry_run(self, sql: Sql) -> DryRun:
        """Check a query."""
        if not self.runs:
            self._refuse(sql)
        return super().dry_run(sql)

    def _refuse(self, sql: str) -> None:
        if self.pattern and re.search(self.pattern, sql):
            raise self.error


@dataclass
class RefusingPipeline(Pipeline):
    """A pipeline in such a warehouse."""

    refusing: Refusing = field(init=False)

    def __post_init__(self) -> None:
        self.refusing = Refusing(self.root, clock=lambda: self.now().timestamp())

    @property
    def engine(self) -> EmbeddedEngine:
        """The warehouse."""
        return self.refusing


VISITS = metric("visits", "SUM(visits)")
SECRET = metric("secret", "SUM(searches)")
LONGEST = metric("longest", "ARRAY_LENGTH(ARRAY_AGG(searches IGNORE NULLS ORDER BY searches LIMIT 3))")
DAYS = metric("days", "COUNT(DISTINCT submission_date)")


def refusing(root: Path, *metrics: MetricDefinition, pattern: str, error: EngineError) -> RefusingPipeline:
    """A warehouse with telemetry for these metrics of one source, in weekly windows."""
    plan = planned(
        experiment(
            metrics, [source("activity")], {Period.WEEK: [summary_of(metric.name, "sum") for metric in metrics]}
        ),
        as_of=AS_OF,
    )
    make_telemetry(root, plan)
    pipeline = RefusingPipeline(root, plan)
    pipeline.refusing.pattern, pipeline.refusing.error = pattern, error
    return pipeline


def standings(pipeline: Pipeline) -> dict[str, Standing]:
    report = status_report(pipeline.plan, read_entries(pipeline.engine, pipeline.plan))
    return {metric.metric: metric.standing for metric in report.metrics}


def failing(results: Mapping[str, TaskResult]) -> set[str]:
    return {id for id, result in results.items() if result.exit_code}


@pytest.mark.parametrize("runs", [False, True], ids=["when asked", "when run"])
def test_a_column_that_may_not_be_read_costs_its_metrics_and_no_other(tmp_path: Path, *, runs: bool) -> None:
    pipeline = refusing(tmp_path, VISITS, SECRET, LONGEST, DAYS, pattern=r"\bsearches\b", error=POLICY)
    pipeline.refusing.runs = runs

    results = pipeline.run()

    assert failing(results) == {"stats-week-secret", "stats-week-longest"}
    assert {results[id].exit_code for id in failing(results)} == {EXIT_DEFINITION}
    assert "policy tag" in results["stats-week-secret"].line
    found = standings(pipeline)
    assert [found[name] for name in ("visits", "days")] == [Standing.COMPUTED] * 2
    assert [found[name] for name in ("secret", "longest")] == [Standing.FAILED] * 2


def test_a_right_that_was_granted_since_is_made_use_of_by_the_leaf_alone(tmp_path: Path) -> None:
    pipeline = refusing(tmp_path, VISITS, SECRET, pattern=r"\bsearches\b", error=POLICY)
    pipeline.run()
    pipeline.refusing.pattern = ""

    results = pipeline.run()

    assert failing(results) == set()
    assert standings(pipeline)["secret"] is Standing.COMPUTED


def test_a_table_that_may_not_be_read_fails_its_source_with_one_message_and_status_says_why(tmp_path: Path) -> None:
    pipeline = refusing(tmp_path, VISITS, SECRET, DAYS, pattern=r"telemetry`?\.`?activity", error=TABLE)

    with pytest.raises(AccessDenied) as caught:
        pipeline.run(only=[EnrollmentsTask, SourceTask])

    assert str(caught.value) == str(TABLE)
    report = status_report(pipeline.plan, read_entries(pipeline.engine, pipeline.plan))
    assert {lack.metric: lack.message for lack in report.lacking if lack.error} == {
        name: str(TABLE) for name in ("visits", "secret", "days")
    }


def test_a_table_that_only_one_metric_names_costs_only_that_metric_when_it_is_missing(tmp_path: Path) -> None:
    pipeline = refusing(tmp_path, VISITS, SECRET, DAYS, pattern=r"\bsearches\b", error=NotFound("telemetry.lookup"))

    first, second = pipeline.run(), pipeline.run()

    assert failing(first) == failing(second) == {"stats-week-secret"}


def test_a_row_that_is_too_large_is_split_by_metrics_and_dates(tmp_path: Path) -> None:
    together = r"(?s)\bvisits\b.*\bsearches\b"
    pipeline = refusing(
        tmp_path, VISITS, SECRET, DAYS, pattern=together, error=TooBig("Cannot query rows larger than 100MB limit.")
    )
    pipeline.refusing.runs = True

    assert failing(pipeline.run()) == set()
    assert set(standings(pipeline).values()) == {Standing.COMPUTED}
