"""Whether every statistic has its numbers in a warehouse that sorts no more than some values on one worker."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from math import inf
from pathlib import Path
from random import Random

import pytest

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Statistic
from jetstream_argo.dag.model import EnrollmentsTask, SourceTask, StatisticsTask
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import TooBig
from jetstream_argo.estimating.estimate import Estimated
from jetstream_argo.estimating.portions import Share
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import read_entries
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import PAGE_ROWS, Job, Layout, Result, Write
from tests.run.test_splitting_estimates import later
from tests.warehouse.bigquery.fake_server.sorts import largest_sort
from tests.worlds.estimating import BEFORE, Unit, World, statistic, step, world_of
from tests.worlds.pipeline import START, Pipeline, experiment, metric, planned, source, summary_of

BOUND = 2_100  # a little more than there are buckets
UNITS = 2_600


class Bounded(EmbeddedEngine):
    """A warehouse that refuses larger sorts."""

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        """Run a query."""
        self._refuse(sql)
        return super().query(sql, labels=labels, page_rows=page_rows)

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Run a query and write its rows."""
        self._refuse(sql)
        return super().query_to_table(sql, destination, write=write, labels=labels, layout=layout)

    def _refuse(self, sql: Sql) -> None:
        if self.largest_sort(sql) > BOUND:
            raise TooBig("Resources exceeded during query execution")

    def largest_sort(self, sql: Sql) -> int:
        """Return the rows of a query's largest sort."""
        return largest_sort(sql, lambda question: int(str(super(Bounded, self).query(question, labels={}).rows[0][0])))


@dataclass
class BoundedPipeline(Pipeline):
    """A pipeline in such a warehouse."""

    @property
    def engine(self) -> EmbeddedEngine:
        """The warehouse."""
        return Bounded(self.root)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT SUM(t.x) OVER (ORDER BY t.x) AS s FROM telemetry.t AS t", 6),
        ("SELECT SUM(t.x) OVER (PARTITION BY t.k) AS s FROM telemetry.t AS t", 0),
        ("SELECT SUM(t.x) OVER (PARTITION BY t.k ORDER BY t.x) AS s FROM telemetry.t AS t", 4),
        ("SELECT SUM(t.x) OVER (w ORDER BY t.x) AS s FROM telemetry.t AS t WINDOW w AS (PARTITION BY t.k)", 4),
        ("SELECT t.k FROM telemetry.t AS t WHERE t.x > 1 QUALIFY ROW_NUMBER() OVER (ORDER BY t.x) = 1", 4),
        ("SELECT t.k, ARRAY_AGG(t.x ORDER BY t.x) AS xs FROM telemetry.t AS t GROUP BY t.k", 4),
        ("SELECT t.k, ARRAY_AGG(NULLIF(t.x, 1) IGNORE NULLS ORDER BY t.x) AS x FROM telemetry.t AS t GROUP BY k", 4),
        ("SELECT t.x FROM telemetry.t AS t ORDER BY t.x", 6),
        ("SELECT t.x FROM telemetry.t AS t ORDER BY t.x LIMIT 2", 0),
        ("WITH a AS (SELECT t.k FROM telemetry.t AS t GROUP BY k) SELECT RANK() OVER (ORDER BY a.k) AS r FROM a", 2),
        ("SELECT t.k, RANK() OVER (ORDER BY COUNT(*)) AS r FROM telemetry.t AS t GROUP BY t.k", 2),
    ],
)
def test_a_sort_is_as_large_as_the_partition_the_group_or_the_answer_that_is_sorted(
    sql: str, rows: int, tmp_path: Path
) -> None:
    engine = Bounded(tmp_path)
    stored: list[dict[str, Value]] = [{"k": "a" if x < 4 else "b", "x": x} for x in range(6)]
    engine.load("telemetry.t", stored, [Column("k", "STRING"), Column("x", "INT64")], write=Write.TRUNCATE, labels={})

    assert engine.largest_sort(Sql(sql)) == rows


def many(root: Path) -> World:
    """Values that lie close together, some of them infinite or missing; and in a second basis widely scattered ones."""
    draw = Random(7)
    units = []
    for number in range(UNITS):
        close, wide = 1e6 + draw.random(), draw.lognormvariate(0, 3)
        rare: Value = inf if number % 500 == 0 else None if number % 300 == 0 else close
        values: dict[tuple[Basis, int], Value] = {(Basis.ENROLLMENTS, 1): rare, (Basis.EXPOSURES, 1): wide}
        before = None if number % 400 == 0 else 5.0 + draw.random()
        branch = "treatment" if number % 2 else "control"
        units.append(Unit(branch, values, before, wide, segments=("new",) if number % 3 else ()))
    return world_of(root, units, segments=("new",))


PLAIN = (
    statistic("deciles"),
    statistic("linear_model_mean", step("censor_highest_values", fraction=0.9), drop_highest=0.01),
)
ADJUSTED = (statistic("linear_model_mean", covariate=BEFORE),)
RATIO = (statistic("population_ratio", numerator="clicks", denominator="visits"),)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A warehouse in which many values lie close together."""
    return many(tmp_path_factory.mktemp("bounded"))


@pytest.mark.parametrize("asked", [PLAIN, ADJUSTED, RATIO], ids=["plain", "adjusted", "ratio"])
def test_what_is_done_finely_has_the_same_numbers_and_no_large_sort(asked: tuple[Statistic, ...], world: World) -> None:
    bounded = Bounded(world.engine.root)
    fine = replace(world, stored=world.stored.shared(Share(fineness=1)), engine=bounded)

    found = fine.ratio(*asked) if asked is RATIO else fine.estimate(*asked)
    expected = world.ratio(*asked) if asked is RATIO else world.estimate(*asked)

    assert len(found.rows) > 5
    assert numbers(found) == numbers(expected)
    assert found.notes == expected.notes
    assert found.units == expected.units


def numbers(estimated: Estimated) -> list[tuple[object, ...]]:
    """All rows, to the digits that do not depend on the order in which values are added up."""
    return [
        (placed.basis, placed.segment, *(_number(getattr(placed.row, field.name)) for field in fields(placed.row)))
        for placed in estimated.rows
    ]


def _number(value: object) -> object:
    return pytest.approx(value, rel=1e-9, abs=1e-9) if isinstance(value, float) else value


def put(root: Path) -> None:
    """Telemetry of units that all weigh about the same."""
    draw = Random(11)
    engine = EmbeddedEngine(root)
    units = [f"u{number}" for number in range(UNITS)]
    first, last = (START + timedelta(days=days) for days in (0, 6))
    tables: dict[str, tuple[dict[str, str], list[dict[str, Value]]]] = {
        "assignments": (
            {"unit": "STRING", "branch": "STRING", "day": "DATE"},
            [
                {"unit": unit, "branch": "control" if draw.random() < 0.5 else "treatment", "day": START}
                for unit in units
            ],
        ),
        "exposures": ({"unit": "STRING", "day": "DATE"}, [{"unit": unit, "day": START} for unit in units]),
        "activity": (
            {"client_id": "STRING", "submission_date": "DATE", "weight": "FLOAT64"},
            [
                {"client_id": unit, "submission_date": day, "weight": 1e6 + draw.random()}
                for unit in units
                for day in (first, last)
            ],
        ),
    }
    for name, (types, rows) in tables.items():
        columns = [Column(column, type_) for column, type_ in types.items()]
        engine.load(f"telemetry.{name}", rows, columns, write=Write.TRUNCATE, labels={})


def test_a_leaf_whose_sorts_are_refused_is_done_in_portions_and_begins_with_those_the_next_time(tmp_path: Path) -> None:
    config = experiment(
        [metric("weight", "SUM(weight)")],
        [source("activity")],
        {Period.WEEK: [summary_of("weight", "linear_model_mean")]},
    )
    plan = planned(config, as_of=START + timedelta(days=9))
    put(tmp_path / "one")
    Pipeline(tmp_path / "one", plan).run(only=[EnrollmentsTask, SourceTask])
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    whole, bounded = (
        later(made(tmp_path / name, plan)) for made, name in ((Pipeline, "one"), (BoundedPipeline, "two"))
    )

    for pipeline in (whole, bounded):
        done = pipeline.run(only=[StatisticsTask])
        assert {result.exit_code for result in done.values()} == {0}

    assert estimated(bounded) == estimated(whole)
    refused = [entry.facts for entry in read_entries(bounded.engine, plan) if entry.error == TooBig.__name__]
    assert refused == ['{"cells":2,"fineness":0}', '{"cells":1,"fineness":0}']


def estimated(pipeline: Pipeline) -> list[tuple[object, ...]]:
    """The estimates, without what differs from attempt to attempt."""
    result = read_estimates(pipeline.engine, pipeline.plan, Filters(periods=(Period.WEEK,)))
    kept = [n for n, column in enumerate(result.columns) if column.name not in {"batch", "computed_at", "position"}]
    rows = sorted(result.rows, key=lambda row: [repr(row[n]) for n in kept if not isinstance(row[n], float)])
    return [tuple(_number(row[n]) for n in kept) for row in rows]
