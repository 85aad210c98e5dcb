"""Whether it is seen, without a write, that a run has nothing to do."""

import pytest

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.run.rerun import Idle, idle
from jetstream_argo.sql import names
from tests.run.test_late_telemetry import LAST, WEEK_DUE, activity, at, load, pipeline
from tests.worlds.pipeline import Pipeline

__all__ = ["pipeline"]


def seen(pipeline: Pipeline) -> Idle | None:
    return idle(pipeline.plan, build_dag(pipeline.plan), pipeline.engine, now=pipeline.now)


def finish(pipeline: Pipeline) -> None:
    pipeline.run()
    pipeline.do(build_dag(pipeline.plan).last)


def test_a_finished_analysis_is_known_by_its_record_and_the_versions_that_may_have_changed(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    assert seen(pipeline) is None
    finish(pipeline)

    assert seen(pipeline) == Idle(queries=1, versions=1)  # the last date of activity has not settled


def test_once_everything_has_settled_nothing_is_asked_of_telemetry(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.today = at(WEEK_DUE.replace(month=6))
    finish(pipeline)

    assert seen(pipeline) == Idle(queries=1, versions=0)


@pytest.mark.parametrize("kind", ["partials", "statistics"])
def test_rows_that_are_gone_are_something_to_do(pipeline: Pipeline, kind: str) -> None:
    load(pipeline, activity(LAST))
    finish(pipeline)
    plan = pipeline.plan
    pipeline.engine.delete(names.partials(plan, "activity") if kind == "partials" else names.statistics(plan))

    assert seen(pipeline) is None


def test_a_view_that_is_gone_is_something_to_do(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    finish(pipeline)
    pipeline.engine.delete(names.statistics_view(pipeline.plan, Period.WEEK))

    assert seen(pipeline) is None


def test_a_date_that_grew_is_something_to_do(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST)[:-1])
    finish(pipeline)
    load(pipeline, activity(LAST))

    assert seen(pipeline) is None
