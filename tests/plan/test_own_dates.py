"""Which sources of a plan are told to read dates of their own."""

from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.cli.describe import described
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import CostExceeded
from jetstream_argo.plan.own_dates import costly_sources
from jetstream_argo.run.own_dates import check_own_dates, own_dates_bytes
from jetstream_argo.sql.text import Sql
from jetstream_argo.terminal.console import EscapingConsole
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Layout, Write
from tests.worlds.pipeline import experiment, metric, planned, source, summary_of

LATEST = """(
  SELECT a.* FROM telemetry.activity AS a
  JOIN (SELECT client_id FROM telemetry.ids WHERE day >= CURRENT_DATE() - 90) USING (client_id)
)"""


def plan(latest=LATEST):
    settings = experiment(
        [metric("hours", "SUM(hours)"), metric("late", "SUM(hours)", source="latest")],
        [source("activity"), source("latest", latest)],
        {Period.DAY: [summary_of("hours", "linear_model_mean"), summary_of("late", "linear_model_mean")]},
    )
    return planned(settings, as_of=date(2026, 5, 13))


def test_a_source_with_dates_of_its_own_is_named_with_table_condition_and_what_it_costs():
    (sentence,) = costly_sources(plan())

    assert sentence.startswith("latest reads dates of its own: telemetry.ids where day >= CURRENT_DATE - 90.")
    assert "all of that is read, again on every day with new dates (how much that is only a warehouse says)" in sentence
    assert "with new dates (1.2 TB)." in next(iter(costly_sources(plan(), sizes={"latest": "1.2 TB"})))
    assert "a later run counts other rows" in sentence
    assert list(costly_sources(plan(), ["hours"])) == []


def test_what_each_query_reads_of_dates_of_its_own_is_asked_and_may_be_limited(tmp_path: Path):
    engine = EmbeddedEngine(tmp_path)
    columns = [Column("client_id", "STRING"), Column("hours", "FLOAT64"), Column("experiments", "STRING")]
    for name, column in (("activity", "submission_date"), ("ids", "day")):
        rows = [{"client_id": "a", column: date(2026, 5, n)} for n in range(4, 12)]
        day = Column(column, "DATE")
        engine.load(f"telemetry.{name}", rows, [*columns, day], write=Write.TRUNCATE, labels={}, layout=Layout(column))
    ids = engine.dry_run(Sql("SELECT i.client_id FROM telemetry.ids AS i WHERE i.day >= '2026-01-01'")).bytes

    made = plan(LATEST.replace("CURRENT_DATE() - 90", "'2026-01-01'"))

    (size,) = own_dates_bytes(made, engine).values()

    assert size is not None
    assert size >= ids
    check_own_dates(made, engine, size)
    check_own_dates(made, engine, size - 1, ["hours"])
    with pytest.raises(CostExceeded, match=r"source latest reads .* own .* \(own_dates.most_bytes\) - "):
        check_own_dates(made, engine, size - 1)


def test_the_description_of_a_plan_says_it(capsys):
    made = plan()
    console = EscapingConsole(width=500)

    for part in described(made, build_dag(made)):
        console.print(part)

    assert "latest reads dates of its own: telemetry.ids" in capsys.readouterr().out
