"""What is rehearsed is what is run."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import PeriodMetrics
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dialect.zetasql.checker import start
from jetstream_argo.errors import InvalidQuery
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context
from jetstream_argo.run.nodes import run_node
from jetstream_argo.run.sparse import Sparsity
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.ledger import Ledger
from jetstream_argo.validate.analysts import LocalAnalyst, WarehouseAnalyst, with_stand_ins
from jetstream_argo.validate.signatures import Memory, SparingAnalyst
from jetstream_argo.validate.statements import READING, rehearse
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import PAGE_ROWS, Job, Layout, Result, Write
from tests.worlds.pipeline import LONG_AFTER, START, metric, planned, summary_of
from tests.worlds.validate import TELEMETRY, config, write_telemetry

WEEK_DUE = date(2026, 5, 12)
HOURS = metric("hours", "SUM(hours)")
MEDIAN = metric("median", "APPROX_QUANTILES(hours, 2)[OFFSET(1)]")


class Recording(EmbeddedEngine):
    """The embedded engine, with a list of the queries that it ran."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.ran: list[str] = []

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        self.ran.append(sql)
        return super().query(sql, labels=labels, page_rows=page_rows)

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        self.ran.append(sql)
        return super().query_to_table(sql, destination, write=write, labels=labels, layout=layout)

    def create_view(self, name: str, sql: Sql, *, description: str = "", labels: Mapping[str, str]) -> None:
        self.ran.append(sql)
        super().create_view(name, sql, description=description, labels=labels)


def run(plan: AnalysisPlan, root: Path) -> list[str]:
    """Do all nodes, by the name of a rehearsal's attempt, which is in batches; return the queries."""
    engine, ledger, dag = Recording(root), Ledger(), build_dag(plan)
    for node in (*dag.nodes, dag.last):
        context = Context(plan, codec.sha256(plan), node.id, engine, "rehearsal", lambda: LONG_AFTER, ledger=ledger)
        run_node(node, context)
    return engine.ran


@pytest.mark.parametrize("statistic", ["linear_model_mean", "deciles", "bootstrap_mean"])
def test_every_query_that_a_run_makes_was_rehearsed(statistic: str, tmp_path: Path) -> None:
    plan = planned(config([HOURS, MEDIAN], statistic=statistic), as_of=WEEK_DUE)
    engine = write_telemetry(tmp_path)

    rehearsed = rehearse(plan, WarehouseAnalyst(engine))

    assert rehearsed.wrong == ()
    assert set(run(plan, tmp_path)) <= {statement.sql for statement in rehearsed.statements}


@pytest.mark.parametrize(("statistic", "details"), [("linear_model_mean", 0), ("deciles", 1), ("bootstrap_mean", 1)])
def test_queries_that_only_large_branches_need_are_rehearsed_too(
    statistic: str, details: int, tmp_path: Path
) -> None:  # fmt: skip
    plan = planned(config([HOURS], statistic=statistic), as_of=WEEK_DUE)

    rehearsed = rehearse(plan, WarehouseAnalyst(write_telemetry(tmp_path)))

    asked = [statement for statement in rehearsed.statements if statement.node == "stats-week-hours"]
    assert len([statement for statement in asked if not statement.destination]) == 1 + details
    assert len([statement for statement in asked if statement.destination]) == 1  # the rows of the leaf
    assert all(statement.metrics == ("hours",) for statement in asked)


def test_of_an_experiment_with_the_same_metrics_nothing_is_asked_again() -> None:
    memory, service = Memory(), start()
    asked = []
    for slug, start_date in (("one-of-them", START), ("another-one", START + timedelta(days=7))):
        own = replace(config([HOURS, MEDIAN]), slug=slug, start_date=start_date)
        plan = planned(own, as_of=start_date + timedelta(days=12))
        analyst = SparingAnalyst(LocalAnalyst(TELEMETRY, service), TELEMETRY, memory=memory, slug=slug)
        assert len(rehearse(plan, analyst).statements) > 10
        asked.append(memory.asked)

    assert asked[0] > 5
    assert asked[1] == asked[0]


def test_values_of_units_with_rows_alone_are_what_bigquery_accepts() -> None:
    days = (summary_of("hours", "linear_model_mean", period=Period.DAY), summary_of("latest", period=Period.DAY))
    metrics = [HOURS, metric("latest", "MAX_BY(os, hours)"), metric("rows_there", "COUNT(*)")]
    plan = planned(replace(config(metrics), periods=(PeriodMetrics(Period.DAY, days),)), as_of=WEEK_DUE)

    rehearsed = rehearse(plan, LocalAnalyst(TELEMETRY, start()), sparsity=Sparsity(below=0.6, unless_known=True))

    assert rehearsed.wrong == ()
    asked = [statement.sql for statement in rehearsed.statements]
    assert [sql for sql in asked if "units without rows that enrolled into this branch" in sql]
    assert [sql for sql in asked if "s.analysis_id IS NULL" in sql]


def test_a_rehearsal_leaves_nothing_behind(tmp_path: Path) -> None:
    plan = planned(config([HOURS, MEDIAN]), as_of=WEEK_DUE)
    engine = write_telemetry(tmp_path)

    rehearse(plan, WarehouseAnalyst(engine))

    assert engine.tables("results") == ()


def test_each_statement_says_what_it_serves(tmp_path: Path) -> None:
    plan = planned(config([HOURS, MEDIAN]), as_of=WEEK_DUE)

    statements = rehearse(plan, WarehouseAnalyst(write_telemetry(tmp_path))).statements

    by_destination = {statement.destination: statement for statement in statements}
    assert by_destination[names.partials(plan, "activity")].metrics == ("hours",)
    assert by_destination[names.enrollments(plan)].metrics == ()
    assert [statement.node for statement in statements if not statement.destination and "status" in statement.sql] == [
        READING,
        READING,
    ]


def test_a_stand_in_has_the_columns_of_the_table_that_is_not_there(tmp_path: Path) -> None:
    plan = planned(config([HOURS]), as_of=WEEK_DUE)
    engine = write_telemetry(tmp_path)
    tables = rehearse(plan, WarehouseAnalyst(engine)).tables
    name = names.enrollments(plan)

    found = engine.dry_run(with_stand_ins(Sql(f"SELECT e.* FROM `{name}` AS e"), tables))

    assert found.columns == tables[name]


def test_what_the_warehouse_refuses_fails_alone(tmp_path: Path) -> None:
    wrong = metric("wrong", "SUM(houres)")
    plan = planned(config([HOURS, wrong]), as_of=WEEK_DUE)

    rehearsed = rehearse(plan, WarehouseAnalyst(write_telemetry(tmp_path)))

    assert {mistake.metric for mistake in rehearsed.wrong} == {"wrong"}
    assert all(isinstance(mistake.error, InvalidQuery) for mistake in rehearsed.wrong)
    assert any(statement.metrics == ("hours",) for statement in rehearsed.statements)
    assert not any("houres" in statement.sql for statement in rehearsed.statements)
