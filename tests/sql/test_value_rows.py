"""How stored values are read, of which not every unit has rows."""

from benchmarks.reads import stored_reads
from jetstream_argo.sql import names
from jetstream_argo.sql.slices import SparseUnits, WindowSlice
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.value_rows import StoredRows, rows_of_tables
from tests.worlds.estimating import plan_of


def test_the_units_are_read_once_whatever_was_known_of_them_when_values_were_computed() -> None:
    plan = plan_of()
    tables = [
        StoredRows(
            f"results.{basis}",
            tuple(
                WindowSlice((day,), day, day, ("m",), SparseUnits(tuple(range(1, day + 1)), exposures))
                for day in (1, 2, 3)
                for exposures in [tuple((batch, 10 + day) for batch in range(1, day + 1)) if exposed else None]
            ),
            {"value": "m"},
            {"basis": Sql(f"'{basis}'")},
        )
        for basis, exposed in (("enrollments", False), ("exposures", True))
    ]

    reads = stored_reads(rows_of_tables(plan, tables))

    assert {reads[names.assignments(plan)], reads[names.exposures(plan)]} == {1}
