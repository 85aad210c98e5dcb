"""What is wrong with an experiment is said of the metric that is wrong, before anything is run."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.config.model import ExposureSignal, MetricDefinition
from jetstream_argo.dialect.types import Column
from jetstream_argo.dialect.zetasql.checker import start
from jetstream_argo.dialect.zetasql.loader import Service
from jetstream_argo.errors import ConfigError, CostExceeded
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.validate.analysts import BothAnalysts, LocalAnalyst, Tables, WarehouseAnalyst
from jetstream_argo.validate.experiment import Findings, check_budget, validate
from jetstream_argo.validate.signatures import Memory, SparingAnalyst
from jetstream_argo.validate.telemetry import known_to, read_schema, telemetry_columns, telemetry_tables
from tests.worlds.pipeline import metric, planned, source
from tests.worlds.validate import TELEMETRY, config, write_telemetry

WEEK_DUE = date(2026, 5, 12)
HOURS = metric("hours", "SUM(hours)")
ASKED = Memory()


@pytest.fixture(scope="module")
def service() -> Service:
    return start()


def plan_of(metrics: Sequence[MetricDefinition]) -> AnalysisPlan:
    return planned(config(metrics), as_of=WEEK_DUE)


def found(plan: AnalysisPlan, service: Service, known: Tables = TELEMETRY) -> Findings:
    """What ZetaSQL finds, asked once about statements that differ in nothing that matters, as the command asks it."""
    telemetry = telemetry_columns(plan, known)
    sparing = SparingAnalyst(LocalAnalyst(telemetry, service), telemetry, memory=ASKED, slug=plan.experiment.slug)
    return validate(plan, sparing)


def problems(findings: Findings) -> dict[str, tuple[str, ...]]:
    return {verdict.metric: verdict.problems for verdict in findings.verdicts if verdict.problems}


def test_an_experiment_without_mistakes_is_right(service: Service) -> None:
    findings = found(plan_of([HOURS, metric("median", "APPROX_QUANTILES(hours, 2)[OFFSET(1)]")]), service)

    assert findings.is_right
    assert [(verdict.metric, verdict.how, verdict.types) for verdict in findings.verdicts] == [
        ("hours", "composed", ("FLOAT64",)),
        ("median", "direct", ("FLOAT64",)),
    ]


def test_the_metric_that_is_wrong_is_named_with_the_place_in_its_sql(service: Service) -> None:
    findings = found(plan_of([HOURS, metric("misspelt", "SUM(houres)"), metric("texts", "SUM(os)")]), service)

    wrong = problems(findings)
    assert set(wrong) == {"misspelt", "texts"}
    (message,) = wrong["misspelt"]
    first, *lines = message.splitlines()
    assert first.startswith("Unrecognized name: houres; Did you mean hours? [at ")
    assert lines[-2].index("houres") == lines[-1].index("^")
    assert "No matching signature for aggregate function SUM" in wrong["texts"][0]


def test_values_that_statistics_cannot_use_are_refused(service: Service) -> None:
    findings = found(plan_of([HOURS, metric("pair", "ANY_VALUE(STRUCT(hours, os))"), metric("os", "MAX(os)")]), service)

    wrong = problems(findings)
    assert set(wrong) == {"pair", "os"}
    assert wrong["pair"][0].startswith("values are STRUCT<hours FLOAT64, os STRING>; a metric has one number")
    assert "is STRING, and statistics need numbers" in wrong["os"][0]


def test_metrics_are_checked_even_where_the_enrollments_are_wrong(service: Service) -> None:
    sql = "SELECT unit AS analysis_id, branch, day AS enrollment_date, 1 AS num_enrollment_events FROM telemetry.nobody"
    known = {**TELEMETRY, "telemetry.nobody": (Column("unit", "STRING"),)}
    asked = replace(config([HOURS, metric("misspelt", "SUM(houres)")]), enrollments_sql=sql)

    findings = found(planned(asked, as_of=WEEK_DUE), service, known)

    ((node, message),) = findings.others
    assert node == "enrollments"
    assert message.startswith("Unrecognized name: branch")
    assert set(problems(findings)) == {"misspelt"}


def test_enrollments_of_another_type_than_the_code_expects_are_wrong(service: Service) -> None:
    sql = (
        "SELECT unit AS analysis_id, branch, TIMESTAMP(day) AS enrollment_date, 1 AS num_enrollment_events "
        "FROM telemetry.assignments"
    )
    asked = replace(config([HOURS]), enrollments_sql=sql, exposures_sql=None, segments=(), segment_data_sources=())

    findings = found(planned(asked, as_of=WEEK_DUE), service)

    assert any("enrollment_date is TIMESTAMP, and must be DATE" in message for _, message in findings.others)


def test_nodes_that_need_a_signal_that_is_wrong_are_not_blamed_for_it(service: Service) -> None:
    signal = ExposureSignal("seen", source("activity"), "houres > 1", None, None)
    asked = replace(config([HOURS]), exposure_signal=signal)

    findings = found(planned(asked, as_of=WEEK_DUE), service)

    assert [node for node, _ in findings.others] == ["exposures"]


def test_a_misspelt_column_is_not_seen_where_the_sql_is_all_that_is_known(service: Service) -> None:
    plan = plan_of([metric("misspelt", "SUM(houres)")])

    assert found(plan, service, {}).is_right
    assert not found(plan, service).is_right
    assert set(telemetry_tables(plan)) == set(TELEMETRY)


def test_a_warehouse_says_what_its_tables_have(tmp_path: Path) -> None:
    plan = plan_of([HOURS])

    assert known_to(write_telemetry(tmp_path), plan) == TELEMETRY


def test_a_schema_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text('{"telemetry.activity": {"client_id": "STRING"}}', encoding="utf-8")

    assert read_schema(file) == {"telemetry.activity": (Column("client_id", "STRING"),)}

    file.write_text('["telemetry.activity"]', encoding="utf-8")
    with pytest.raises(ConfigError, match="is no JSON of tables with their columns"):
        read_schema(file)


def test_what_is_said_of_alike_queries_is_the_same_as_if_each_was_asked_about(service: Service) -> None:
    metrics = [HOURS, metric("more", "SUM(hours) + 1"), metric("rows", "COUNT(os)"), metric("wrong", "SUM(houres)")]
    plan = plan_of(metrics)
    telemetry = telemetry_columns(plan, TELEMETRY)
    memory = Memory()
    sparing = SparingAnalyst(LocalAnalyst(telemetry, service), telemetry, memory=memory, slug="try-it")

    findings = validate(plan, sparing)

    assert findings == found(plan, service)
    assert memory.asked < len(findings.statements)


def test_a_budget_refuses_what_would_read_more(service: Service, tmp_path: Path) -> None:
    plan = plan_of([HOURS])
    engine = write_telemetry(tmp_path)
    analyst = BothAnalysts(LocalAnalyst(telemetry_columns(plan, TELEMETRY), service), WarehouseAnalyst(engine))

    findings = validate(plan, analyst)

    # The enrollments read all three tables, the segments among them activity once more; the partials read activity.
    sizes = {name: engine.dry_run(f"SELECT * FROM `{name}`").bytes for name in TELEMETRY}
    assert findings.bytes >= sum(sizes.values()) + sizes["telemetry.activity"]
    check_budget(findings, findings.bytes)
    with pytest.raises(CostExceeded, match=r"try-it: would read .* bytes of telemetry"):
        check_budget(findings, findings.bytes - 1)


def test_what_depends_on_types_that_were_guessed_is_in_doubt_and_not_wrong(service: Service) -> None:
    # Nothing in MAX(grade) says that a grade is a number.
    plan = plan_of([HOURS, metric("grade", "MAX(grade)"), metric("texts", "SUM(LOWER(os))")])
    assumed = {name: TELEMETRY[name] for name in TELEMETRY if name != "telemetry.activity"}
    telemetry = telemetry_columns(plan, assumed)

    findings = validate(plan, LocalAnalyst(telemetry, service), assumed=["telemetry.activity"])

    assert findings.is_right
    assert findings.unchecked == ("grade", "texts")
    assert findings.unknown == ("telemetry.activity",)
    assert "is STRING, and statistics need numbers" in {v.metric: v.uncertain for v in findings.verdicts}["grade"][0]


@pytest.mark.parametrize(
    "expression", ["SUMM(hours)", "SUM(SUM(hours))", "IEEE_DIVIDE(SUM(hours))", "hours + SUM(hours)"]
)
def test_what_is_wrong_whatever_the_types_are_is_wrong(expression: str, service: Service) -> None:
    plan = plan_of([HOURS, metric("wrong", expression)])

    analyst = LocalAnalyst(telemetry_columns(plan, {}), service)

    assert validate(plan, analyst, assumed=list(TELEMETRY)).wrong == ("wrong",)


def test_the_enrollments_are_in_doubt_where_their_tables_are_unknown(service: Service) -> None:
    sql = (
        "SELECT unit AS analysis_id, branch, when_enrolled AS enrollment_date, 1 AS num_enrollment_events "
        "FROM telemetry.unknown WHERE when_enrolled > 5"
    )
    asked = replace(config([HOURS]), enrollments_sql=sql, exposures_sql=None, segments=(), segment_data_sources=())
    plan = planned(asked, as_of=WEEK_DUE)
    telemetry = telemetry_columns(plan, TELEMETRY)

    findings = validate(plan, LocalAnalyst(telemetry, service), assumed=["telemetry.unknown"])

    assert findings.is_right
    assert "enrollments" in {node for node, _ in findings.uncertain}
    assert findings.unknown == ("telemetry.unknown",)
