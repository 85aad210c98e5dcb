"""Dates are read again on purpose: what units had that are gone since stays, the rest is what telemetry has now."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.model import Deletions
from jetstream_argo.plan import codec
from jetstream_argo.sql import names
from jetstream_argo.store.entries import Kind
from tests.run.test_deleted_units import add_clicks, hold, week
from tests.run.test_late_telemetry import DIRECT, HOURS, WEEK_DUE, activity, entries, load
from tests.run.test_pipeline import day, simple
from tests.warehouse.bigquery.whole_run import PROJECT, RemotePipeline
from tests.worlds.pipeline import START, Pipeline, planned

LAST = (WEEK_DUE - day(0)).days


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """A week of three units was analysed long ago; since then units were deleted upstream on request."""
    plan = planned(simple(HOURS), as_of=WEEK_DUE)
    sealed = replace(plan.experiment, deletions=Deletions((WEEK_DUE + timedelta(days=1),)))
    # Commands look at the clock of this machine.
    made = Pipeline(tmp_path, replace(plan, experiment=sealed), today=datetime.now(UTC) - timedelta(minutes=30))
    hold(made, ["a", "b", "c"])
    made.run()
    return made


def address(pipeline: Pipeline) -> str:
    if isinstance(pipeline, RemotePipeline):
        return f"bigquery:{PROJECT}?api_endpoint={pipeline.url}&first_delay_seconds=0.01"
    return f"embedded:{pipeline.root}"


def restate(pipeline: Pipeline, *arguments: str, first: date = START, last: date = WEEK_DUE) -> int:
    plan = pipeline.root / "plan.json"
    plan.write_bytes(codec.dump(pipeline.plan))
    dates = ["--from", first.isoformat(), "--to", last.isoformat()]
    place = ["--plan", str(plan), "--warehouse", address(pipeline), "--source", "activity"]
    code = exit_code_of(["restate", *place, *dates, *arguments])
    pipeline.today = datetime.now(UTC)  # so that what is recorded next comes after
    return code


def branches(pipeline: Pipeline) -> dict[str, dict[str, int]]:
    """What was recorded of the restatement."""
    (entry,) = [entry for entry in entries(pipeline) if entry.kind is Kind.RESTATEMENT]
    found: dict[str, dict[str, int]] = json.loads(entry.facts)["branches"]
    return found


def doubled(units: Sequence[str]) -> list[tuple[str, date, float, int | None, str | None]]:
    return activity(LAST, per_day=2.0, units=units)


def test_units_deleted_then_restated(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    hold(pipeline, ["a", "b"])
    load(pipeline, doubled(["b"]))  # `a` is still assigned: whatever it had was wrong

    assert restate(pipeline, "--yes") == 0
    pipeline.run()

    assert week(pipeline, "hours") == {"a": None, "b": 14, "c": 7}
    assert branches(pipeline) == {
        "control": {"new": 0, "changed": 0, "carried": 1, "gone": 1},
        "treatment": {"new": 0, "changed": 1, "carried": 0, "gone": 0},
    }
    assert "control: 0 new, 0 changed, 1 carried over" in capsys.readouterr().out
    assert not [table for table in pipeline.engine.tables("results") if "restated" in table.name]


def test_units_that_the_deletion_query_names_keep_all_that_they_had(pipeline: Pipeline) -> None:
    pipeline.put("deleted", {"client": "STRING"}, [("a",)])
    experiment = pipeline.plan.experiment
    deletions = replace(experiment.deletions, units_query="SELECT client AS analysis_id FROM telemetry.deleted")
    pipeline.plan = replace(pipeline.plan, experiment=replace(experiment, deletions=deletions))
    load(pipeline, [*doubled(["b", "c"]), ("a", START, 9.0, 1, None)])  # one row of `a` was overlooked

    assert restate(pipeline, "--yes") == 0
    pipeline.run()

    assert week(pipeline, "hours") == {"a": 7, "b": 14, "c": 14}


def test_without_carrying_over_units_that_are_gone_have_no_rows(pipeline: Pipeline) -> None:
    hold(pipeline, ["a", "b"])

    assert restate(pipeline, "--yes", "--no-carry") == 0
    pipeline.run()

    assert week(pipeline, "hours") == {"a": 7, "b": 7, "c": None}


def test_a_dry_run_shows_and_leaves_everything_as_it_is(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    load(pipeline, doubled(["a", "b", "c"]))
    before = pipeline.engine.info(names.partials(pipeline.plan, "activity"))

    assert restate(pipeline, "--dry-run") == 0

    assert "control: 0 new, 2 changed" in capsys.readouterr().out
    assert pipeline.engine.info(names.partials(pipeline.plan, "activity")) == before
    assert not [entry for entry in entries(pipeline) if entry.kind is Kind.RESTATEMENT]


def test_only_the_windows_of_the_dates_are_computed_again(pipeline: Pipeline) -> None:
    load(pipeline, doubled(["a", "b", "c"]))

    assert restate(pipeline, "--yes", first=day(6), last=day(6)) == 0
    before = len(entries(pipeline))
    pipeline.run()

    values = [entry for entry in entries(pipeline, before) if entry.kind is Kind.VALUES]
    assert {(e.period, e.first_window, e.last_window) for e in values} == {("day", 5, 7), ("week", 1, 1)}
    assert week(pipeline, "hours") == {"a": 8, "b": 8, "c": 8}


def test_a_metric_that_is_added_later_does_not_know_what_carried_units_had(pipeline: Pipeline) -> None:
    hold(pipeline, ["a", "b"])
    restate(pipeline, "--yes")

    add_clicks(pipeline)

    assert week(pipeline, "clicks") == {"a": 7, "b": 7, "c": None}
    assert week(pipeline, "hours") == {"a": 7, "b": 7, "c": 7}


def test_units_that_were_shredded_here_are_not_carried_over(pipeline: Pipeline) -> None:
    hold(pipeline, ["a", "b"])
    place = ["--dataset", "results", "--warehouse", f"embedded:{pipeline.root}"]
    assert exit_code_of(["shred", "try-it", "--ids", "c", "--yes", *place]) == 0
    pipeline.today = datetime.now(UTC)
    hold(pipeline, ["a", "b", "c"])

    assert restate(pipeline, "--yes") == 0
    pipeline.run()

    assert week(pipeline, "hours") == {"a": 7, "b": 7}


def test_a_metric_that_is_computed_directly_is_computed_again(
    pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = planned(simple(HOURS, DIRECT), as_of=WEEK_DUE)
    pipeline.plan = replace(plan, experiment=pipeline.plan.experiment)
    pipeline.run()
    load(pipeline, doubled(["a", "b", "c"]))

    assert restate(pipeline, "--yes") == 0
    before = len(entries(pipeline))
    pipeline.run()

    assert "direct: computed from all rows directly" in capsys.readouterr().out
    assert any("direct" in e.metrics for e in entries(pipeline, before) if e.kind is Kind.VALUES)


def test_dates_that_were_never_read_are_left_to_a_run(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    assert restate(pipeline, "--yes", first=date(2026, 1, 1), last=date(2026, 1, 2)) == 2

    assert "nothing was read from 2026-01-01 to 2026-01-02" in capsys.readouterr().err
