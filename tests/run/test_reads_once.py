"""How often statements read what is stored."""

from collections import Counter
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from benchmarks.emit import HUB, configurations
from benchmarks.reads import WITHOUT_DATE, repeated, stored_reads
from benchmarks.statements import plan_of
from jetstream_argo.config.model import Basis
from jetstream_argo.config.statistics import Statistic
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql.text import Sql
from tests.worlds.estimating import BEFORE, WEEK, Unit, World, statistic, step, world_of

SECOND = AnalysisWindow(2, 7, 13)

EVERYTHING = (
    statistic("count"),
    statistic("binomial"),
    statistic("deciles"),
    statistic("empirical_cdf"),
    statistic("kernel_density_estimate"),
    statistic("bootstrap_mean", drop_highest=0.1),
    statistic("linear_model_mean", covariate=BEFORE, drop_highest=0.1),
    statistic("welch_mean", step("remove_nulls"), step("censor_highest_values", fraction=0.9)),
)


def named(statements: list[Sql]) -> Counter[str]:
    """How often each table is named in the statements, but for those that are made in between."""
    found: Counter[str] = Counter()
    for sql in statements:
        tree = sqlglot.parse_one(sql, dialect="bigquery")
        found.update(table.name for table in tree.find_all(exp.Table) if table.db and "scratch" not in table.name)
    return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Many distinct values, on both bases, in two windows and a segment."""
    units = [
        Unit(
            ("control", "treatment")[number % 2],
            {(basis, window): 1.5 * number + window for basis in Basis for window in (1, 2)},
            before=float(number % 7),
            segments=("new",) if number % 3 == 0 else (),
        )
        for number in range(2200)
    ]
    return world_of(tmp_path, units, segments=("new",))


def test_every_stored_table_is_read_once_whatever_is_asked_of_it(world: World) -> None:
    world.estimate(*EVERYTHING, windows=(WEEK, SECOND))

    reads = named([*world.engine.made, *world.engine.asked])
    assert set(reads) == {"values_enrollments", "values_exposures", "enrollments_try_it", "before"}
    assert set(reads.values()) == {1}


@pytest.mark.parametrize("asked", [statistic("count"), statistic("sum"), statistic("binomial")])
def test_what_is_asked_once_is_asked_of_the_stored_tables_themselves(world: World, asked: Statistic) -> None:
    world.estimate(asked, windows=(WEEK, SECOND))

    assert world.engine.made == []
    assert set(named(world.engine.asked).values()) == {1}


@pytest.mark.parametrize(
    "asked",
    [
        statistic("linear_model_mean", covariate=BEFORE, drop_highest=0.1),
        statistic("welch_mean", step("remove_nulls")),
        statistic("deciles"),
    ],
)
def test_row_groups_of_values_are_read_once_though_a_query_names_their_rows_more_than_once(
    world: World, asked: Statistic
) -> None:
    world.engine.keeps = False

    found = world.estimate(asked, windows=(WEEK, SECOND))

    scanned: Counter[str] = Counter()
    for job in found.jobs:
        scanned.update(job.scanned)
    values = {table: number for table, number in scanned.items() if "values_" in table}
    assert [table.rpartition(".")[2] for table in sorted(values)] == ["values_enrollments", "values_exposures"]
    assert set(values.values()) == {1}


def test_nobody_is_joined_who_is_not_asked_for(tmp_path: Path) -> None:
    world = world_of(tmp_path, [Unit("control", {(Basis.ENROLLMENTS, 1): 1.5})], branches=("control",))

    world.estimate(statistic("bootstrap_mean"))

    assert set(named([*world.engine.made, *world.engine.asked])) == {"values_enrollments"}


@pytest.mark.skipif(not HUB.exists(), reason="needs the real files beside the repository")
def test_statements_of_real_configurations_read_each_table_once_or_say_why_twice() -> None:
    """Of some configurations; `make reads` asks of all."""
    for config in configurations(step=150):
        assert list(repeated(plan_of(config))) == []


def test_a_relation_that_is_named_twice_counts_twice_and_rows_without_a_date_by_themselves() -> None:
    sql = (
        "WITH u AS (SELECT a FROM d.units), v AS (SELECT u.a FROM u JOIN d.days AS p ON p.a = u.a) "
        "SELECT v.a FROM v JOIN u ON u.a = v.a LEFT JOIN (SELECT q.a FROM d.days AS q WHERE q.submission_date IS NULL) "
        "AS q ON q.a = v.a"
    )

    assert stored_reads(sql) == {"d.units": 2, "d.days": 1, f"d.days, {WITHOUT_DATE}": 1}
