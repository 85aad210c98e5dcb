"""Whether a unit's own rows contradict the branch in which it enrolled."""

from datetime import date, timedelta
from pathlib import Path

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import EnrollmentsTask, SourceTask
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.warehouse.types import Write
from tests.worlds.pipeline import START, Pipeline, experiment, metric, planned, source, summary_of


def row(unit: str, day: date, branch: str | None) -> dict[str, Value]:
    return {"client_id": unit, "submission_date": day, "branch": branch}


def test_a_unit_contradicts_its_branch_by_its_rows_alone_and_never_without_rows(tmp_path: Path) -> None:
    rows = source("activity", branch="ds.branch")
    config = experiment([metric("pings", "COUNT(ds.branch)")], [rows], {Period.DAY: [summary_of("pings", "count")]})
    pipeline = Pipeline(tmp_path, planned(config, as_of=START + timedelta(days=2)))
    columns = (Column("client_id", "STRING"), Column("submission_date", "DATE"), Column("branch", "STRING"))
    telemetry = [row("same", START, "control"), row("other", START, "treatment")]
    pipeline.engine.load("telemetry.activity", telemetry, columns, write=Write.TRUNCATE, labels={})
    columns = (Column("unit", "STRING"), Column("branch", "STRING"), Column("day", "DATE"))
    assigned = [{"unit": unit, "branch": "control", "day": START} for unit in ("same", "other", "silent")]
    pipeline.engine.load("telemetry.assignments", assigned, columns, write=Write.TRUNCATE, labels={})
    pipeline.engine.load("telemetry.exposures", [], columns, write=Write.TRUNCATE, labels={})

    pipeline.run(only=[EnrollmentsTask, SourceTask])

    assert pipeline.values("activity_has_contradictory_branch", Period.DAY) == {
        ("same", "control", 1): False,
        ("other", "control", 1): True,
        ("silent", "control", 1): False,
    }
