"""Whether BigQuery would run the queries for statistics, and whether they mean the same there as in DuckDB."""

from collections.abc import Mapping, Sequence
from math import inf, isclose, isnan, nan
from pathlib import Path

import pytest

from jetstream_argo.config.model import Basis
from jetstream_argo.config.statistics import Statistic
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.dialect.zetasql.checker import Checker, start
from jetstream_argo.dialect.zetasql.loader import Service
from jetstream_argo.estimating.density import bins_query
from jetstream_argo.estimating.grid_counts import grid_query
from jetstream_argo.estimating.order_statistics import order_statistics_query
from jetstream_argo.estimating.queries.leaf import ValueType
from jetstream_argo.estimating.queries.observations import Observed
from jetstream_argo.estimating.value_counts import values_query
from jetstream_argo.sql.text import NO_OVERFLOW, Sql
from jetstream_argo.stats.needs import DensityNeed, GridNeed, OrderStatisticsNeed
from tests.worlds.estimating import BEFORE, WEEK, WHOLE, Counting, Unit, World, statistic, step, world_of

ODD: tuple[Value, ...] = (0.0, -0.0, 1.0, 1.0, 2.5, 40.0, inf, -inf, nan, None)
CHAINS = (
    (),
    (step("remove_nulls"), step("censor_highest_values", fraction=0.8)),
    (step("remove_indefinites"), step("censor_lowest_values", fraction=0.2), step("log")),
    (step("zero_fill"), step("log", base=None), step("normalize_over_analysis_period")),
    (step("censor_values_below_threshold", threshold=0.5), step("censor_values_above_threshold", threshold=30)),
)


@pytest.fixture(scope="module")
def service() -> Service:
    """ZetaSQL, loaded once."""
    return start()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Two branches with every odd value, on both bases and in a segment; and a branch that the plan does not name."""
    units = [
        Unit(
            branch,
            {(basis, 1): value for basis in Basis},
            before=ODD[(number * 7 + 3) % len(ODD)],
            divisor=ODD[(number * 3 + 1) % len(ODD)],
            segments=("new",) if number % 3 == 0 else (),
        )
        for branch in ("control", "treatment", "stray")
        for number, value in enumerate(ODD)
    ]
    return world_of(tmp_path_factory.mktemp("sufficient"), units, segments=("new",))


def tables(engine: Counting) -> dict[str, Sequence[Column]]:
    """The columns of every table."""
    infos = engine.infos([table.name for table in engine.tables("results")])
    return {name.removeprefix("local."): info.columns for name, info in infos.items()}


def rows(engine: Counting) -> dict[str, list[dict[str, Value]]]:
    """The rows of every table."""
    return {name: list(engine.query(Sql(f"SELECT * FROM `{name}`"), labels={}).dicts()) for name in tables(engine)}


def queries_for(world: World, *asked: Statistic) -> list[Sql]:
    """The queries that a metric's statistics ask."""
    before = len(world.engine.asked)
    world.estimate(*asked)
    return world.engine.asked[before:]


def ratio_query_for(world: World, asked: Statistic) -> list[Sql]:
    """The query that a ratio asks."""
    before = len(world.engine.asked)
    world.ratio(asked)
    return world.engine.asked[before:]


def same(left: Value, other: Value) -> bool:
    if isinstance(left, list) and isinstance(other, list):
        return len(left) == len(other) and all(map(same, left, other))
    if isinstance(left, float) and isinstance(other, float):
        return isclose(left, other, rel_tol=1e-9, abs_tol=1e-12) or (isnan(left) and isnan(other))
    return left == other


def by_place(found: Sequence[Sequence[Value]]) -> list[Sequence[Value]]:
    return sorted(found, key=lambda row: [str(cell) for cell in row[:4]])


def assert_means_the_same(
    world: World, service: Service, sql: Sql, observations: Mapping[str, list[dict[str, Value]]]
) -> None:
    """Assert that ZetaSQL gives the rows that the embedded engine gives."""
    result = world.engine.query(sql, labels={})
    checker = Checker(tables(world.engine), service=service)

    expected = by_place(checker.evaluate(sql, observations))

    assert expected
    assert [column.name for column in result.columns] == [column.name for column in checker.analyze(sql)]
    for row, other in zip(by_place(result.rows), expected, strict=True):
        for column, cell, counterpart in zip(result.columns, row, other, strict=True):
            assert same(cell, counterpart), (column.name, cell, counterpart)


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: "+".join(step.name for step in chain) or "none")
def test_summaries_mean_the_same_in_bigquery(world: World, service: Service, chain: tuple[object, ...]) -> None:
    asked = [
        statistic("bootstrap_mean", *chain, drop_highest=0.2),  # type: ignore[arg-type]  # pre-treatments
        statistic("linear_model_mean", *chain, drop_highest=0.3),  # type: ignore[arg-type]  # pre-treatments
    ]

    sql, *dropped = queries_for(world, *asked)

    assert_means_the_same(world, service, world.engine.made[-1], rows(world.engine))
    assert len(dropped) == any("censor_highest" in step.name or "censor_lowest" in step.name for step in chain)  # type: ignore[attr-defined]
    for query in (sql, *dropped):
        assert_means_the_same(world, service, query, rows(world.engine))


def test_adjustments_and_ratios_mean_the_same_in_bigquery(world: World, service: Service) -> None:
    (joint,) = queries_for(world, statistic("linear_model_mean", covariate=BEFORE, drop_highest=0.3))
    made = world.engine.made[-2:]
    asked = statistic("population_ratio", step("zero_fill"), numerator="clicks", denominator="visits", drop_highest=0.2)
    (ratio,) = ratio_query_for(world, asked)

    observations = rows(world.engine)
    for sql in (*made, world.engine.made[-1], joint, ratio):
        assert_means_the_same(world, service, sql, observations)


def made_up(n: int) -> Observed:
    """Many distinct values of one branch, some of them 0 and some twice; a segment has the even ones."""
    unit = f"SELECT i / 8 AS y, 1 AS n_0, 1 - MOD(i, 2) AS n_1 FROM UNNEST(GENERATE_ARRAY(0, {n})) AS i"
    twice = "SELECT 2.5 AS y, 1 AS n_0, 1 AS n_1 FROM UNNEST([1, 2, 3])"
    place = "'enrollments' AS basis, 1 AS window_index, 'control' AS branch"
    leaf = Sql(f"(SELECT {place}, u.* FROM ({unit} UNION ALL {twice}) AS u)")
    return Observed(leaf, (WEEK,), (0, 1), ("all", "even"), (), ValueType.FLOAT)


@pytest.mark.parametrize(
    "sql",
    [
        order_statistics_query(made_up(90), OrderStatisticsNeed((0.1, 0.5), spread=0.5)),
        grid_query(made_up(60), GridNeed(16, log_space=False), few=20),
        grid_query(made_up(60), GridNeed(16, log_space=True), few=20),
        bins_query(made_up(60), DensityNeed(8, log_space=True, bandwidth="scott"), few=20),
        bins_query(made_up(60), DensityNeed(8, log_space=False, bandwidth="scott_sd"), few=20),
        bins_query(made_up(60), DensityNeed(8, log_space=False, bandwidth=0.25), few=20),
        values_query(made_up(10), [("enrollments", 1, "all", "control"), ("enrollments", 1, "even", "control")]),
    ],
    ids=["order statistics", "grid", "log grid", "bins", "scaled bins", "fixed bins", "values"],
)
def test_details_mean_the_same_in_bigquery(world: World, service: Service, sql: Sql) -> None:
    assert_means_the_same(world, service, sql, {})


@pytest.mark.parametrize("kind", [WHOLE, "BOOL", "NUMERIC"])
def test_every_type_of_number_is_read_in_bigquery(tmp_path: Path, service: Service, kind: str) -> None:
    values: tuple[Value, ...] = (False, True, None) if kind == "BOOL" else (0, 1, None)
    units = [Unit("control", {(Basis.ENROLLMENTS, 1): value}) for value in values]
    world = world_of(tmp_path, units, kind=kind, branches=("control",))

    (sql,) = queries_for(world, statistic("sum"))

    assert_means_the_same(world, service, sql, rows(world.engine))


def test_a_query_begins_with_what_its_row_is(world: World) -> None:
    for sql in world.engine.asked:
        shown = sql.removeprefix(f"{NO_OVERFLOW}\n")
        assert shown.startswith("-- One row per ") or sql.startswith("SELECT *")
