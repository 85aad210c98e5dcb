"""The stored values of metrics, a row per unit and window, also of units that have no row of their own.

Where a batch is sparse, its rows without a unit have what a value is for a unit without a row that enrolled into a
branch on a date. These are the grid: a unit that the batch was computed for has a value in a window for which there is
such a row. A unit's own row goes before, also where its value is NULL.
"""

from collections.abc import Mapping, Sequence

from jetstream_argo.sql.names import Owner
from jetstream_argo.sql.slices import SparseUnits, WindowSlice
from jetstream_argo.sql.text import Sql, fill, identifier, lines, literals, table, union_all
from jetstream_argo.sql.units import StoredUnits, enrolled

KEYS = ("analysis_id", "branch", "window_index")


def value_rows(owner: Owner, name: str, slices: Sequence[WindowSlice], columns: Mapping[str, str]) -> Sql:
    """Return the values in `slices` of the table `name`: (analysis_id, branch, window_index, *columns).

    `columns` has by name which column of the table it is.
    """
    return union_all(
        _dense(name, rows, columns) if rows.sparse is None else _sparse(owner, name, rows, rows.sparse, columns)
        for rows in slices
    )


def _dense(name: str, rows: WindowSlice, columns: Mapping[str, str]) -> Sql:
    wanted = [f"v.{key}" for key in KEYS]
    wanted += [
        f"v.{identifier(column)}" + (f" AS {identifier(shown)}" if shown != column else "")
        for shown, column in columns.items()
    ]
    return Sql(f"SELECT {', '.join(wanted)}\nFROM {table(name)} AS v\nWHERE {_condition('v', rows)}")


def _sparse(owner: Owner, name: str, rows: WindowSlice, units: SparseUnits, columns: Mapping[str, str]) -> Sql:
    stored = [Sql(identifier(column)) for column in dict.fromkeys(columns.values())]
    return fill(
        "sparse_values",
        columns=lines(
            [
                Sql(f"IF(v.analysis_id IS NULL, d.{identifier(column)}, v.{identifier(column)}) AS {identifier(shown)}")
                for shown, column in columns.items()
            ],
            indent=0,
        ),
        units=units_of(owner, units),
        stored=table(name),
        default_columns=lines([Sql(f"s.{column}") for column in stored], indent=0),
        defaults=_condition("s", rows),
        rows=_condition("s", rows),
    )


def units_of(owner: Owner, units: SparseUnits) -> Sql:
    """Return the relation of the units that sparse values were computed for, as they were known then, in brackets."""
    known = StoredUnits(units.assigned, exposures=units.exposed_in)
    relation = enrolled(owner, known, exposures=units.exposures is not None, segments=False)
    if units.exposures is None:
        return relation
    return Sql(f"(SELECT x.* FROM {relation} AS x WHERE x.exposure_date IS NOT NULL)")


def _condition(alias: str, rows: WindowSlice) -> Sql:
    return Sql(
        f"{alias}.window_index BETWEEN {rows.first_index} AND {rows.last_index}"
        f"\n  AND {alias}.batch IN ({literals(rows.batches)})"
    )
