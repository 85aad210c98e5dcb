"""Made-up telemetry is what the plan's queries look for, and the same for the same seed."""

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jetstream_argo.errors import EngineError, PlanError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql.text import Sql
from jetstream_argo.synthetic.effects import Effect
from jetstream_argo.synthetic.generate import generate
from jetstream_argo.synthetic.telemetry import make_telemetry
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Job
from tests.synthetic.conftest import HEAD, ORDERS, SHOP, MakePlan

UNITS = 600


def _rows(engine: EmbeddedEngine, sql: str) -> list[tuple[object, ...]]:
    return list(engine.query(Sql(sql), labels={}).rows)


def _enrolled(engine: EmbeddedEngine, plan: AnalysisPlan) -> list[tuple[object, ...]]:
    return _rows(engine, f"SELECT analysis_id, branch, enrollment_date FROM ({plan.enrollments.sql})")


def _exposed(engine: EmbeddedEngine, plan: AnalysisPlan) -> list[tuple[object, ...]]:
    enrolled = f"SELECT analysis_id, branch, enrollment_date FROM ({plan.enrollments.sql})"
    return _rows(
        engine,
        f"WITH raw_enrollments AS ({enrolled}) SELECT x.exposure_date, x.analysis_id, x.branch "
        f"FROM ({plan.enrollments.exposures_sql}) AS x",
    )


@pytest.mark.parametrize(
    ("app_name", "kind"),
    [
        ("firefox_desktop", "normandy"),
        ("fenix", "glean-event"),
        ("fenix", "enrollment-status"),
        ("fenix", "fenix-fallback"),
        ("monitor_cirrus", "cirrus"),
        ("firefox_desktop", "background-update"),
    ],
)
def test_every_convention_finds_nearly_all_units_in_both_branches_on_dates_of_enrollment(
    make_plan: MakePlan, engine: EmbeddedEngine, app_name: str, kind: str
) -> None:
    plan = make_plan(HEAD, f'app_name = "{app_name}"\nenrollments_query_type = "{kind}"\n', ORDERS)

    generate(plan, engine, units=UNITS, seed=1)

    enrolled = _enrolled(engine, plan)
    units = Counter(branch for _, branch, _ in enrolled)
    assert set(units) == {"control", "treatment"}
    assert min(units.values()) > 0.4 * UNITS
    assert UNITS * 0.95 < len({unit for unit, _, _ in enrolled}) <= UNITS
    assert {day for _, _, day in enrolled} == {date(2026, 3, day) for day in (2, 3, 4, 5)}


@pytest.mark.parametrize(
    ("app_name", "kind"), [("firefox_desktop", "normandy"), ("fenix", "glean-event"), ("monitor_cirrus", "cirrus")]
)
def test_about_half_of_the_units_are_exposed_in_time(
    make_plan: MakePlan, engine: EmbeddedEngine, app_name: str, kind: str
) -> None:
    plan = make_plan(HEAD, f'app_name = "{app_name}"\nenrollments_query_type = "{kind}"\n', ORDERS)

    generate(plan, engine, units=UNITS, seed=1)

    assert 0.4 * UNITS < len(_exposed(engine, plan)) < 0.65 * UNITS


def test_a_table_of_assignments_holds_nothing_but_enrollments_some_of_them_late_repeated_or_in_two_branches(
    make_plan: MakePlan, engine: EmbeddedEngine
) -> None:
    plan = make_plan(HEAD, SHOP, ORDERS)

    generate(plan, engine, units=4000, seed=1)

    reports = _rows(engine, "SELECT client_id, branch, day FROM shop.assignments")
    branches = Counter(unit for unit, _ in {(unit, branch) for unit, branch, _ in reports})
    assert None not in {branch for _, branch, _ in reports}
    assert len(reports) > len(set(reports)) > 4000
    assert 0 < sum(count == 2 for count in branches.values()) < 40
    assert max(day for _, _, day in reports if isinstance(day, date)) > plan.experiment.timeline.last_enrollment


def test_rows_carry_the_experiment_from_enrollment_on_and_on_the_first_day_not_all_of_them(
    make_plan: MakePlan, engine: EmbeddedEngine
) -> None:
    plan = make_plan(HEAD, SHOP, ORDERS)
    carried = "mozfun.map.get_key(o.experiments, 'new-checkout')"

    generate(plan, engine, units=4000, seed=1)

    shares: dict[Any, Any] = dict(
        _rows(
            engine,
            f"SELECT SIGN(DATE_DIFF(o.submission_date, e.enrollment_date, DAY)), AVG(IF({carried} IS NULL, 0, 1)) "
            f"FROM shop.orders AS o JOIN ({plan.enrollments.sql}) AS e ON o.client_id = e.analysis_id GROUP BY 1",
        )
    )
    wrong = _rows(
        engine,
        f"SELECT COUNT(*) FROM shop.orders AS o JOIN ({plan.enrollments.sql} QUALIFY COUNT(*) OVER "
        f"(PARTITION BY analysis_id) = 1) AS e ON o.client_id = e.analysis_id WHERE {carried} != e.branch",
    )
    assert shares[-1] == pytest.approx(0, abs=0.01)  # only units that enroll twice, on the second date
    assert 0.7 < float(str(shares[0])) < 0.95
    assert float(str(shares[1])) > 0.97
    assert wrong == [(0,)]


def test_what_a_unit_did_before_enrollment_tells_what_it_does_afterwards(
    make_plan: MakePlan, engine: EmbeddedEngine
) -> None:
    plan = make_plan(HEAD, SHOP, ORDERS)

    generate(plan, engine, units=4000, seed=1)

    after = "SUM(IF(o.submission_date > e.enrollment_date, o.price, 0))"
    before = "SUM(IF(o.submission_date < e.enrollment_date, o.price, 0))"
    [(correlation, silent)] = _rows(
        engine,
        f"SELECT CORR(b, a), AVG(IF(n = 0, 1, 0)) FROM (SELECT COALESCE({before}, 0) AS b, COALESCE({after}, 0) AS a, "
        f"COUNT(o.client_id) AS n FROM ({plan.enrollments.sql}) AS e LEFT JOIN shop.orders AS o "
        "ON o.client_id = e.analysis_id GROUP BY e.analysis_id)",
    )
    assert 0.4 < float(str(correlation)) < 0.9
    assert 0.02 < float(str(silent)) < 0.1


def test_an_effect_multiplies_the_mean_from_enrollment_on_in_its_branch_only(
    make_plan: MakePlan, engine: EmbeddedEngine
) -> None:
    plan = make_plan(HEAD, SHOP, ORDERS)
    without = make_telemetry(plan, units=3000, seed=1)
    effects = (Effect("shop.orders", "price", "treatment", 0.5),)

    changed = make_telemetry(plan, units=3000, seed=1, effects=effects)

    ratios: Counter[tuple[bool, float]] = Counter()
    for old, new in zip(without, changed, strict=True):
        if old.table == "shop.orders" and old.day is not None:
            late = old.day > date(2026, 3, 8)
            pairs = zip(old.rows["price"].to_pylist(), new.rows["price"].to_pylist(), strict=True)
            ratios.update((late, round(b / a, 3)) for a, b in pairs if a)
    assert set(ratios) == {(False, 1.0), (False, 1.5), (True, 1.0), (True, 1.5)}
    assert 0.4 < ratios[True, 1.5] / (ratios[True, 1.0] + ratios[True, 1.5]) < 0.55


def test_equal_arguments_make_equal_rows_and_another_seed_makes_others(make_plan: MakePlan) -> None:
    plan = make_plan(HEAD, SHOP, ORDERS)

    first, again, other = (list(make_telemetry(plan, units=50, seed=seed)) for seed in (7, 7, 8))

    assert all(a.rows.equals(b.rows) for a, b in zip(first, again, strict=True))
    assert not all(a.rows.equals(b.rows) for a, b in zip(first, other, strict=False))


def test_telemetry_covers_every_date_that_a_window_needs(make_plan: MakePlan) -> None:
    plan = make_plan(HEAD, SHOP, ORDERS)

    days = {part.day for part in make_telemetry(plan, units=200, seed=1) if part.table == "shop.orders"}

    # A week before the first enrollment; the second week of units that enroll last, on 5 March, ends on 18 March.
    assert days == {
        date.fromordinal(day) for day in range(date(2026, 2, 23).toordinal(), date(2026, 3, 19).toordinal())
    }


def test_an_effect_on_what_the_plan_does_not_read_is_refused(make_plan: MakePlan) -> None:
    plan = make_plan(HEAD, SHOP, ORDERS)
    effects = (Effect("shop.orders", "pirce", "treatment", 0.1),)

    with pytest.raises(PlanError, match=r"pirce.*reads no such column.*price"):
        next(make_telemetry(plan, units=10, seed=1, effects=effects))


NESTED = """
[data_sources.pings]
from_expression = '''(
  SELECT client_info.client_id, DATE(submission_timestamp) AS submission_date, metrics, payload, colours, ping_info
  FROM app.pings WHERE normalized_channel = 'release'
)'''
experiments_column_type = "glean"
[metrics]
overall = ["opened", "named", "spent", "gift", "colours", "blue", "mean"]
[metrics.opened]
data_source = "pings"
select_expression = "COALESCE(SUM(metrics.counter.opened), 0)"
[metrics.opened.statistics.linear_model_mean]
[metrics.named]
data_source = "pings"
select_expression = "SUM(mozfun.map.get_key(metrics.labeled.by_name, 'first'))"
[metrics.named.statistics.linear_model_mean]
[metrics.spent]
data_source = "pings"
select_expression = "SUM(CAST(JSON_VALUE(payload, '$.price.cents') AS INT64))"
[metrics.spent.statistics.linear_model_mean]
[metrics.gift]
data_source = "pings"
select_expression = "COUNTIF(CAST(JSON_VALUE(payload, '$.price.is_gift') AS BOOL))"
[metrics.gift.statistics.linear_model_mean]
[metrics.colours]
data_source = "pings"
select_expression = "SUM((SELECT COUNT(*) FROM UNNEST(colours) AS colour WHERE colour.shade > 3))"
[metrics.colours.statistics.linear_model_mean]
[metrics.blue]
data_source = "pings"
select_expression = "COUNTIF(metrics.string.theme = 'blue')"
[metrics.blue.statistics.linear_model_mean]
[metrics.mean]
data_source = "pings"
select_expression = "SUM(CAST(JSON_EXTRACT_SCALAR(metrics.text.times, '$.sum') AS INT64))"
[metrics.mean.statistics.linear_model_mean]
"""


def test_structs_maps_documents_and_arrays_hold_what_expressions_read_from_them(
    make_plan: MakePlan, engine: EmbeddedEngine
) -> None:
    plan = make_plan(HEAD, SHOP, NESTED)

    generate(plan, engine, units=UNITS, seed=1)

    source = plan.source("pings")
    for metric in plan.metrics:
        if metric.source == "pings" and not metric.name.startswith("pings_"):
            rows = _rows(engine, f"SELECT {metric.select_expression} FROM {source.from_expression} AS ds")
            assert rows[0][0], metric.name
    gifts = _rows(engine, "SELECT DISTINCT JSON_VALUE(payload, '$.price.is_gift') AS gift FROM app.pings ORDER BY gift")
    assert gifts == [(None,), ("false",), ("true",)]


def test_telemetry_is_written_in_pieces_of_whole_dates(make_plan: MakePlan, tmp_path: Path) -> None:
    plan = make_plan(HEAD, SHOP, ORDERS)
    pieces: dict[str, list[tuple[int, int]]] = {}

    class Weighing(EmbeddedEngine):
        def load_arrow(self, destination: str, table: pa.Table, **how: Any) -> Job:
            (day,) = {"day", "submission_date"} & set(table.column_names)
            dates = len(table[day].unique())
            pieces.setdefault(destination, []).append((table.num_rows, dates))
            return super().load_arrow(destination, table, **how)

    engine, whole = Weighing(tmp_path / "pieces"), EmbeddedEngine(tmp_path / "whole")
    made = generate(plan, engine, units=UNITS, seed=1, rows_at_once=400)

    assert made == generate(plan, whole, units=UNITS, seed=1)
    assert all(rows <= 400 or dates == 1 for table in pieces.values() for rows, dates in table)
    assert max(map(len, pieces.values())) > 2
    for table in (generated.table for generated in made):
        query = f"SELECT * FROM {table}"
        assert Counter(map(repr, _rows(engine, query))) == Counter(map(repr, _rows(whole, query)))


def test_a_piece_that_cannot_be_written_ends_it_and_its_table_is_not_said_to_be_there(
    make_plan: MakePlan, tmp_path: Path
) -> None:
    plan = make_plan(HEAD, SHOP, ORDERS)
    pieces: list[str] = []

    class Full(EmbeddedEngine):
        def load_arrow(self, destination: str, table: pa.Table, **how: Any) -> Job:
            pieces.append(destination)
            if len(pieces) > 2 and destination != pieces[0]:
                raise EngineError("the disk is full")
            return super().load_arrow(destination, table, **how)

    reported: list[str] = []
    with pytest.raises(EngineError, match="the disk is full"):
        generate(
            plan, Full(tmp_path), units=UNITS, seed=1, rows_at_once=400,
            report=lambda made: reported.append(made.table),
        )  # fmt: skip

    assert reported == [pieces[0]]
    assert pieces[-1] not in reported
    assert pieces.count(pieces[-1]) == 1
