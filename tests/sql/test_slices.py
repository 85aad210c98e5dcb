"""Which rows and columns of an append-only table a query takes from its batches."""

from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.dialect.types import Column
from jetstream_argo.sql.slices import DateSlice, days, overlap
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write

FIRST, SECOND, THIRD = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)
COLUMNS = (
    Column("batch", "INT64"),
    Column("analysis_id", "STRING"),
    Column("branch", "STRING"),
    Column("submission_date", "DATE"),
    Column("p_a", "INT64"),
    Column("p_b", "INT64"),
)


@pytest.fixture
def engine(tmp_path: Path) -> EmbeddedEngine:
    """Batch 1 has `p_a` of two dates, batch 2 `p_b` of all; 3 has both anew for a unit that came late."""
    rows = [(1, "x", FIRST, 10, None), (1, "x", SECOND, 20, None), (1, "y", SECOND, 30, None), (1, None, None, 0, None)]
    rows += [(2, "x", FIRST, None, 1), (2, "x", SECOND, None, 2), (2, "x", THIRD, None, 3), (3, "y", SECOND, 31, 4)]
    engine = EmbeddedEngine(tmp_path)
    engine.load(
        "d.t",
        [
            {"batch": b, "analysis_id": unit, "branch": "control", "submission_date": day, "p_a": first, "p_b": second}
            for b, unit, day, first, second in rows
        ],
        COLUMNS,
        write=Write.APPEND,
        labels={},
    )
    return engine


def taken(engine: EmbeddedEngine, *slices: DateSlice) -> set[tuple[object, ...]]:
    units = "SELECT 'x' AS analysis_id, 'control' AS branch, 8 AS assignment UNION ALL SELECT 'y', 'control', 9"
    sql = Sql(f"WITH units AS ({units}) SELECT * FROM ({days('d.t', slices, ('p_a', 'p_b', 'p_c'))}) AS r")
    assert sql.count("d.t") == 1
    return {(row[0], *row[2:5]) for row in engine.query(sql, labels={}).rows}


def test_slices_with_other_columns_are_read_together_and_lend_each_other_nothing(engine: EmbeddedEngine) -> None:
    slices = (DateSlice((1,), FIRST, SECOND, ("p_a",)), DateSlice((2,), SECOND, THIRD, ("p_b",)))

    rows = taken(engine, *slices)

    assert rows == {
        ("x", FIRST, 10, None),
        ("x", SECOND, 20, None),
        ("y", SECOND, 30, None),
        ("x", SECOND, None, 2),
        ("x", THIRD, None, 3),
    }
    assert overlap(slices)


def test_a_row_that_two_slices_share_comes_once_with_the_columns_of_both(engine: EmbeddedEngine) -> None:
    slices = (DateSlice((3,), SECOND, SECOND, ("p_a",)), DateSlice((3,), SECOND, SECOND, ("p_b",)))

    assert taken(engine, *slices) == {("y", SECOND, 31, 4)}


def test_units_of_some_assignments_are_taken_from_their_own_batch(engine: EmbeddedEngine) -> None:
    slices = (DateSlice((1,), FIRST, SECOND, ("p_a",), (8,)), DateSlice((3,), SECOND, SECOND, ("p_a",), (9,)))

    assert taken(engine, *slices) == {("x", FIRST, 10, None), ("x", SECOND, 20, None), ("y", SECOND, 31, None)}
    assert not overlap(slices)


def test_one_slice_is_read_as_it_is(engine: EmbeddedEngine) -> None:
    slices = (DateSlice((1,), SECOND, SECOND, ("p_a",), (9,)),)

    assert taken(engine, *slices) == {("y", SECOND, 30, None)}
    assert not overlap(slices)
    assert overlap((DateSlice((1,), SECOND, SECOND, ("p_a",), repeated=True),))
