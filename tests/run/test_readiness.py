"""A plan that knows which source is late, and the one of the next hour."""

from datetime import date
from pathlib import Path

from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column
from jetstream_argo.plan.due import limited
from jetstream_argo.plan.readiness import Readiness
from jetstream_argo.run.context import read_ledger
from jetstream_argo.sql import names
from jetstream_argo.store.entries import Kind
from jetstream_argo.warehouse.types import Layout, Write
from tests.worlds.pipeline import Pipeline, experiment, metric, planned, source, summary_of

LATE, AS_OF = date(2026, 5, 8), date(2026, 5, 9)  # units enroll from 4 to 6 May: the fourth day is due
DATES = [date(2026, 5, day) for day in range(4, 10)]


def load(pipeline: Pipeline, table: str, until: date) -> None:
    rows = [
        {"client_id": unit, "submission_date": day, "x": float(day.day)}
        for day in DATES
        for unit in "ab"
        if day <= until
    ]
    columns = [Column("client_id", "STRING"), Column("submission_date", "DATE"), Column("x", "FLOAT64")]
    layout = Layout(partition_by="submission_date")
    pipeline.engine.load(f"telemetry.{table}", rows, columns, write=Write.TRUNCATE, labels={}, layout=layout)


def test_a_source_that_was_late_is_read_when_it_is_there_and_the_other_is_not_read_again(tmp_path: Path) -> None:
    metrics = [metric("hours", "SUM(x)", "clients"), metric("clicks", "SUM(x)", "events")]
    asked = {Period.DAY: [summary_of(metric.name, "linear_model_mean") for metric in metrics]}
    settings = experiment(metrics, [source("clients"), source("events")], asked, exposures_sql=None)
    whole = planned(settings, as_of=AS_OF)
    pipeline = Pipeline(tmp_path, limited(whole, Readiness.of({"clients": AS_OF, "events": LATE})))
    columns = [Column("unit", "STRING"), Column("branch", "STRING"), Column("day", "DATE")]
    units = [
        {"unit": unit, "branch": branch, "day": DATES[0]} for unit, branch in (("a", "control"), ("b", "treatment"))
    ]
    pipeline.engine.load("telemetry.assignments", units, columns, write=Write.TRUNCATE, labels={})
    load(pipeline, "clients", AS_OF)
    load(pipeline, "events", LATE)

    early = pipeline.run()
    hours, clicks = (pipeline.values(name, Period.DAY) for name in ("hours", "clicks"))
    load(pipeline, "events", AS_OF)
    pipeline.plan = limited(whole, Readiness.of({"clients": AS_OF, "events": AS_OF}))
    later = pipeline.run()

    assert all(result.exit_code == 0 for result in (*early.values(), *later.values()))
    assert [value for key, value in sorted(hours.items()) if key[0] == "a"] == [4, 5, 6, 7]
    assert [value for key, value in sorted(clicks.items()) if key[0] == "a"] == [4, 5, 6]
    now = pipeline.values("clicks", Period.DAY)
    assert [value for key, value in sorted(now.items()) if key[0] == "a"] == [4, 5, 6, 7]
    ledger = read_ledger(pipeline.plan, pipeline.engine)
    reads = {name: list(ledger.complete(Kind.PARTIALS, names.partials(whole, name))) for name in ("clients", "events")}
    assert [(read.first_date, read.last_date) for read in reads["clients"]] == [(DATES[0], AS_OF)]
    assert [(read.first_date, read.last_date) for read in reads["events"]] == [(DATES[0], LATE), (AS_OF, AS_OF)]
