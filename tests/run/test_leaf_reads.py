"""Which telemetry a leaf reads that runs beside its source's later stages."""

from datetime import date
from pathlib import Path

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import EnrollmentsTask, SourceTask, Stage, StatisticsTask
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from tests.run.test_pipeline import summaries, telemetry
from tests.worlds.pipeline import Pipeline, experiment, metric, planned, source

HOURS = metric("hours", "SUM(hours)")


def test_a_leaf_before_enrollment_leaves_the_days_after_it_to_their_own_node(tmp_path: Path) -> None:
    periods = {period: summaries(HOURS) for period in (Period.PREENROLLMENT_WEEK, Period.WEEK)}
    plan = planned(experiment([HOURS], [source("activity")], periods), as_of=date(2026, 5, 12))
    pipeline = Pipeline(tmp_path, plan)
    telemetry(pipeline)

    for node in build_dag(plan).nodes:
        match node.task:
            case EnrollmentsTask() | SourceTask("activity", Stage.PRE) | StatisticsTask(Period.PREENROLLMENT_WEEK):
                pipeline.do(node)

    partials = names.partials(plan, "activity")
    ((latest,),) = pipeline.engine.query(Sql(f"SELECT MAX(submission_date) FROM `{partials}`"), labels={}).rows
    assert isinstance(latest, date)
    assert latest <= max(read.last_date for read in plan.source("activity").reads if read.before_enrollment)
