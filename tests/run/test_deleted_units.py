"""What becomes of units that telemetry has no more, in columns that are read before and after they went."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.model import Deletions
from jetstream_argo.config.periods import Period
from jetstream_argo.store.entries import Kind, State
from tests.run.test_late_telemetry import ASSIGNED, EXPOSED, HOURS, LAST, WEEK_DUE, activity, at, entries, load
from tests.run.test_pipeline import day, simple
from tests.worlds.pipeline import Pipeline, metric, planned

CLICKS = metric("clicks", "COALESCE(SUM(clicks), 0)")
DAYS = metric("days", "COUNT(*)")
BRANCHES = {"a": "control", "b": "treatment", "c": "control"}


def hold(pipeline: Pipeline, units: Sequence[str]) -> None:
    """Let telemetry hold these units alone; each has an hour and a click on every day."""
    load(pipeline, activity(LAST, units=units))
    pipeline.put("assignments", ASSIGNED, [(unit, BRANCHES[unit], day(0)) for unit in units])
    pipeline.put("exposures", EXPOSED, [(units[0], day(0))])


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """A week of three units was analysed, and `c` was deleted upstream since."""
    made = Pipeline(tmp_path, planned(simple(HOURS), as_of=WEEK_DUE), today=at(WEEK_DUE + timedelta(days=1)))
    hold(made, ["a", "b", "c"])
    made.run()
    hold(made, ["a", "b"])
    return made


def add_clicks(pipeline: Pipeline, *deletions: date) -> None:
    plan = planned(simple(HOURS, CLICKS, DAYS), as_of=WEEK_DUE)
    shares = replace(plan.experiment, branch_shares=(1, 1), sample_ratio_alarm=0.001)
    pipeline.plan = replace(plan, experiment=replace(shares, deletions=Deletions(tuple(deletions))))
    pipeline.run()


def week(pipeline: Pipeline, name: str) -> dict[str, object]:
    return {unit: value for (unit, _, _), value in pipeline.values(name, Period.WEEK).items()}


@pytest.mark.parametrize("deletions", [(), (WEEK_DUE + timedelta(days=1),)], ids=["fewer rows", "sealed"])
def test_units_deleted_then_a_metric_added(pipeline: Pipeline, deletions: tuple[date, ...]) -> None:
    add_clicks(pipeline, *deletions)

    assert week(pipeline, "hours") == {"a": 7, "b": 7, "c": 7}
    assert week(pipeline, "clicks") == {"a": 7, "b": 7, "c": None}
    assert week(pipeline, "days") == {"a": 7, "b": 7, "c": None}
    facts = [e.facts for e in entries(pipeline) if e.kind is Kind.VALUES and e.period == "week" and e.facts]
    assert set(facts) == {'{"deleted_upstream":{"1":{"control":[1,1],"treatment":[0,1]}}}'}
    (leaf,) = [
        e for e in entries(pipeline) if e.kind is Kind.STATISTICS and e.period == "week" and "clicks" in e.metrics
    ]
    assert "deleted upstream: 1 in control, 0 in treatment" in leaf.message
    assert "those that are left are split as designed (p = 1)" in leaf.message


def test_a_unit_that_only_had_no_rows_counts_as_such(pipeline: Pipeline) -> None:
    pipeline.put("assignments", ASSIGNED, [(unit, branch, day(0)) for unit, branch in BRANCHES.items()])

    add_clicks(pipeline)

    assert week(pipeline, "clicks") == {"a": 7, "b": 7, "c": 0}


def test_where_nothing_is_gone_nobody_is_looked_up(tmp_path: Path) -> None:
    made = Pipeline(tmp_path, planned(simple(HOURS), as_of=WEEK_DUE), today=at(WEEK_DUE + timedelta(days=1)))
    hold(made, ["a", "b", "c"])
    made.run()

    add_clicks(made)

    assert not [entry for entry in entries(made) if entry.kind is Kind.DEPARTED]
    assert week(made, "clicks") == {"a": 7, "b": 7, "c": 7}


def test_sealed_dates_are_never_read_by_themselves(pipeline: Pipeline) -> None:
    sealed = replace(pipeline.plan.experiment, deletions=Deletions((WEEK_DUE + timedelta(days=1),)))
    pipeline.plan = replace(pipeline.plan, experiment=sealed)
    load(pipeline, activity(LAST, per_day=2.0, units=["a", "a", "b"]))
    before = len(entries(pipeline))

    for days_later in (1, 3, 5, 9, 30):
        pipeline.today = at(WEEK_DUE + timedelta(days=days_later))
        pipeline.run()

    again = [e for e in entries(pipeline, before) if e.kind is Kind.PARTIALS and e.state is State.COMPUTED]
    assert again == []
    assert week(pipeline, "hours") == {"a": 7, "b": 7, "c": 7}
