"""How often tables are scanned that a source reads by dates of its own."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jetstream_argo.config.periods import Period
from jetstream_argo.store.entries import Kind
from tests.run.test_late_telemetry import ASSIGNED, EXPOSED, LAST, at, entries
from tests.run.test_pipeline import ACTIVITY, day, of_unit
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery, serving
from tests.warehouse.bigquery.whole_run import PROJECT, RemotePipeline
from tests.worlds.pipeline import START, experiment, metric, planned, source, summary_of

RECENT = """(
  SELECT a.* FROM telemetry.activity AS a
  JOIN (SELECT DISTINCT i.client_id FROM telemetry.ids AS i WHERE i.day >= '2026-01-01') USING (client_id)
)"""
UNITS = ("a", "b", "late")
ENROLLED = [("a", "control", day(0)), ("b", "treatment", day(1)), ("c", "control", day(2))]


def plan_of(days: int, *expressions: str):
    metrics = [metric(f"m{number}", text, "recent") for number, text in enumerate(expressions)]
    asked = {Period.DAY: [summary_of(metric.name, "count", period=Period.DAY) for metric in metrics]}
    return planned(experiment(metrics, [source("recent", RECENT)], asked), as_of=day(days))


@pytest.fixture
def fake(tmp_path: Path) -> FakeBigQuery:
    made = FakeBigQuery(tmp_path, project=PROJECT, datasets=["telemetry", "results"])
    made.clock.advance(at(START) - datetime.now(UTC))
    return made


@pytest.fixture
def pipeline(tmp_path: Path, fake: FakeBigQuery) -> Iterator[RemotePipeline]:
    """Three units are enrolled, and a fourth one that is enrolled as well is told of later."""
    with serving(fake) as url:
        made = RemotePipeline(tmp_path, plan_of(2, "SUM(hours)"), today=at(day(3)), url=url)
        made.put("assignments", ASSIGNED, ENROLLED)
        made.put("exposures", EXPOSED, [("a", day(2))])
        made.put("activity", ACTIVITY, [(unit, day(n), 1.0, 1, None) for unit in UNITS for n in range(LAST + 1)])
        made.put("ids", {"client_id": "STRING", "day": "DATE"}, [(unit, day(-60)) for unit in UNITS])
        yield made


def scans(fake: FakeBigQuery, since: int = 0) -> int:
    """How many queries have read the table that has dates of its own."""
    texts = {job.id: str(job.configuration.get("query", {}).get("query")) for job in fake.jobs.all}
    return sum("telemetry.ids" in texts[job] for job in fake.jobs.executed[since:])


def test_late_units_and_a_new_date_cost_one_scan(pipeline: RemotePipeline, fake: FakeBigQuery) -> None:
    pipeline.run()
    assert scans(fake) == 1

    before, recorded = len(fake.jobs.executed), len(entries(pipeline))
    pipeline.put("assignments", ASSIGNED, [*ENROLLED, ("late", "treatment", day(2))])
    pipeline.plan, pipeline.today = plan_of(3, "SUM(hours)"), at(day(4))
    pipeline.run()

    assert len([entry for entry in entries(pipeline, recorded) if entry.kind is Kind.PARTIALS]) > 1
    assert scans(fake, before) == 1
    assert of_unit(pipeline.values("m0", Period.DAY), "late") == [1, 1]
    assert not [table for table in pipeline.engine.tables("results") if "scratch" in table.name]


def test_a_query_that_is_too_big_costs_one_scan_and_not_one_for_each_of_its_parts(
    pipeline: RemotePipeline, fake: FakeBigQuery
) -> None:
    pipeline.plan = plan_of(2, "SUM(hours)", "MAX(hours)")
    fake.limits.too_big = r"(?s)telemetry.*AS p_\w+,.*AS p_\w+"

    pipeline.run()

    assert scans(fake) == 1
    assert of_unit(pipeline.values("m1", Period.DAY), "a") == of_unit(pipeline.values("m0", Period.DAY), "a")
