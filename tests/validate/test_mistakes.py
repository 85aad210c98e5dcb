"""What is wrong in the files of an experiment is told by file, key and column, before anything is run."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.exclusions import ExclusionRule, ExclusionRules
from jetstream_argo.config.model import ExperimentConfig, ExposureSignal, MetricDefinition
from jetstream_argo.dialect.types import Column
from jetstream_argo.validate.mistakes import Mistake, mistakes
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Engine
from tests.worlds.pipeline import START, metric, planned, source
from tests.worlds.validate import config, write_telemetry

HOURS = metric("hours", "SUM(hours)")
FILES = {"experiment": "exp.toml", "metrics.odd": "metrics.toml", "data_sources.activity": "sources.toml"}


def found(engine: Engine, asked: ExperimentConfig) -> dict[str, Mistake]:
    def columns_of(table: str) -> Sequence[Column] | None:
        info = engine.info(table)
        return None if info is None else info.columns

    plan = planned(asked, as_of=START + timedelta(days=8))
    problems = mistakes(plan, engine.dry_run, columns_of, files=FILES)
    assert len({mistake.where for mistake in problems}) == len(problems)
    return {mistake.where: mistake for mistake in problems}


@pytest.fixture
def engine(tmp_path: Path) -> EmbeddedEngine:
    return write_telemetry(tmp_path)


def test_nothing_is_wrong_with_what_can_be_computed(engine: EmbeddedEngine) -> None:
    direct = metric("direct", "APPROX_QUANTILES(hours, 2)[OFFSET(1)]")
    windowed = metric("windowed", "SUM(IF(ds.submission_date >= e.exposure_date, hours, 0))")

    assert found(engine, config([HOURS, direct, windowed])) == {}


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("SUM(houres)", "column 'houres' is not among those of [data_sources.activity]; did you mean 'hours'?"),
        ("SUM(ds.houres) + COUNTIF(os = 'a')", "'houres' is not among"),
        ("SUM(x.y)", "column 'x' is not among those of [data_sources.activity]; there are client_id, submission_date"),
        ("SUM(os)", "SUM(STRING)"),
        ("MAX(os)", "gives STRING, and statistics need numbers"),
        ("ANY_VALUE(STRUCT(hours, os))", "a metric has one number for each unit and window"),
        ("SUMM(hours)", "SUMM"),
        ("SUM(houres) -- all of them", "did you mean 'hours'?"),
    ],
)
def test_an_expression_is_told_with_its_key_and_the_nearest_column(
    engine: EmbeddedEngine, expression: str, message: str
) -> None:
    (mistake,) = found(engine, config([HOURS, metric("odd", expression)])).values()

    assert (mistake.file, mistake.where) == ("metrics.toml", "metrics.odd.select_expression")
    assert message in mistake.what
    assert mistake.metrics == ("odd",)
    assert "line" not in mistake.what


def test_a_metric_that_is_made_of_a_wrong_one_fails_with_it(engine: EmbeddedEngine) -> None:
    ratio = MetricDefinition("ratio", None, None, ("odd", "hours"), HOURS.bases)

    (mistake,) = found(engine, config([HOURS, metric("odd", "SUM(houres)"), ratio])).values()

    assert set(mistake.metrics) == {"odd", "ratio"}


@pytest.mark.parametrize(
    ("field", "value", "key", "message"),
    [
        ("id_column", "client", "client_id_column", "column 'client' is not among .* did you mean 'client_id'"),
        ("id_column", "hours", "client_id_column", "column 'hours' .* is FLOAT64; units are STRING or INT64"),
        ("date_column", "submission", "submission_date_column", "did you mean 'submission_date'"),
        ("date_column", "os", "submission_date_column", "column 'os' of .* is STRING; a date is a DATE"),
        ("from_expression", "telemetry.activty", "from_expression", "'telemetry.activty' does not exist; did you mean"),
        ("from_expression", "(SELECT *, houres AS h FROM telemetry.activity)", "from_expression", "'hours'"),
        ("branch_expression", "(SELECT x.branch FROM UNNEST(ds.experiments) AS x)", "experiments_column_type",
         "column 'experiments' is not among those .*experiments_column_type is 'none'"),
    ],
)  # fmt: skip
def test_rows_are_told_by_the_key_that_names_them(
    engine: EmbeddedEngine, field: str, value: str, key: str, message: str
) -> None:
    asked = replace(config([HOURS]), data_sources=(replace(source("activity"), **{field: value}),))

    (mistake,) = found(engine, asked).values()

    assert (mistake.file, mistake.where) == ("sources.toml", f"data_sources.activity.{key}")
    assert re.search(message, mistake.what), mistake.what
    assert mistake.metrics


def test_everything_that_is_wrong_with_rows_is_told_at_once(engine: EmbeddedEngine) -> None:
    rows = replace(source("activity"), id_column="client", date_column="day")

    problems = found(engine, replace(config([HOURS, metric("odd", "SUM(houres)")]), data_sources=(rows,)))

    keys = {"data_sources.activity.client_id_column", "data_sources.activity.submission_date_column"}
    assert set(problems) == {*keys, "metrics.odd.select_expression"}


@pytest.mark.parametrize(
    ("select", "table", "message"),
    [
        ("unit AS analysis_id, branch, dy AS enrollment_date", "assignments",
         "column 'dy' is not among those of its tables; did you mean 'day'"),
        ("unit AS analysis_id, branch, TIMESTAMP(day) AS enrollment_date", "assignments",
         "column 'enrollment_date' is TIMESTAMP, and must be DATE: write DATE(enrollment_date)"),
        ("a.analysis_id, a.branch, a.day AS enrollment_date", "assignments", "no column 'analysis_id'; name it so"),
        ("branch, day AS enrollment_date", "assignments", "gives no column 'analysis_id'; name it so, with AS"),
        ("*", "asignments", "'telemetry.asignments' does not exist"),
    ],
)  # fmt: skip
def test_the_enrollment_query_is_told_by_its_key(engine: EmbeddedEngine, select: str, table: str, message: str) -> None:
    sql = f"SELECT {select}, 1 AS num_enrollment_events FROM telemetry.{table} AS a"
    asked = replace(config([HOURS]), enrollments_sql=sql)

    (mistake,) = found(engine, asked).values()

    assert (mistake.file, mistake.where) == ("exp.toml", "experiment.enrollment_query")
    assert message in mistake.what
    assert mistake.metrics == ("hours",)


def test_segments_and_exposures_are_told_by_their_keys(engine: EmbeddedEngine) -> None:
    asked = config([HOURS])
    (segment,) = asked.segments
    (rows,) = asked.segment_data_sources
    signal = ExposureSignal("seen", source("activity"), "houres > 1", None, None)

    wrong = {
        "segments.fast.select_expression": [
            replace(asked, segments=(replace(segment, select_expression="LOGICAL_OR(ox = 'a')"),)),
            replace(asked, segments=(replace(segment, select_expression="MAX(os)"),)),
        ],
        "segments.data_sources.by_os.submission_date_column": [
            replace(asked, segment_data_sources=(replace(rows, date_column="os"),))
        ],
        "experiment.exposure_query": [
            replace(asked, exposures_sql=(asked.exposures_sql or "").replace("x.unit", "x.units"))
        ],
        "experiment.exposure_signal": [replace(asked, exposure_signal=signal)],
    }

    for where, configs in wrong.items():
        for written in configs:
            assert list(found(engine, written)) == [where]


def test_exclusions_are_told_by_their_keys(engine: EmbeddedEngine) -> None:
    asked = config([HOURS])
    (rows,) = asked.segment_data_sources
    rows = replace(rows, name="excluded as bots")
    bots = ExclusionRule("bots", data_source=rows.name, select_expression="LOGICAL_OR(ox = 'a')")

    wrong = {
        "experiment.exclude.bots.select_expression": [bots, replace(bots, select_expression="MAX(os)")],
        "experiment.exclude.twice.condition": [
            ExclusionRule("twice", condition="e.num_enrollment_events"),
            ExclusionRule("twice", condition="SAFE_LOG(e.num_enrollment_events) > 1"),
        ],
    }

    for where, exclusions in wrong.items():
        for exclusion in exclusions:
            sources = (*asked.segment_data_sources, rows)
            excluding = replace(asked, segment_data_sources=sources, exclusions=ExclusionRules(named=(exclusion,)))
            assert list(found(engine, excluding)) == [where]


@pytest.fixture
def asked_often(engine: EmbeddedEngine) -> Callable[[ExperimentConfig], int]:
    """Return what says how many questions a warehouse is asked about an experiment."""

    def count(asked: ExperimentConfig) -> int:
        questions = []
        plan = planned(asked, as_of=START + timedelta(days=8))
        mistakes(plan, lambda sql: questions.append(sql) or engine.dry_run(sql), lambda _: None, files={})  # type: ignore[func-returns-value]
        return len(questions)

    return count


def test_what_is_right_takes_a_few_questions_however_many_metrics_there_are(
    asked_often: Callable[[ExperimentConfig], int],
) -> None:
    many = [metric(f"m{number}", f"SUM(hours) + {number}") for number in range(30)]

    assert asked_often(config(many)) == asked_often(config([HOURS])) <= 6
