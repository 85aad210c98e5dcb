"""The stored values of metrics, a row per unit and window, also of units that have no row of their own.

Where a batch is sparse, its rows without a unit have what a value is for a unit without a row that enrolled into a
branch on a date. These are the grid: a unit that the batch was computed for has a value in a window for which there is
such a row. A unit's own row goes before, also where its value is NULL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from jetstream_argo.sql.known_units import known_units
from jetstream_argo.sql.names import Owner
from jetstream_argo.sql.slices import SparseUnits, WindowSlice
from jetstream_argo.sql.text import Sql, fill, identifier, lines, literals, table, union_all

KEYS = ("analysis_id", "branch", "window_index")


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Values in `slices` of the table `name`; `columns` has by its name in the relation which column each is.

    `constants` are further columns of the relation, the same in all rows.
    """

    name: str
    slices: tuple[WindowSlice, ...]
    columns: Mapping[str, str]
    constants: Mapping[str, Sql] = field(default_factory=dict)


def value_rows(owner: Owner, name: str, slices: Sequence[WindowSlice], columns: Mapping[str, str]) -> Sql:
    """Return the values in `slices` of the table `name`: (analysis_id, branch, window_index, *columns)."""
    return rows_of_tables(owner, [StoredRows(name, tuple(slices), columns)])


def rows_of_tables(owner: Owner, stored: Sequence[StoredRows]) -> Sql:
    """Return the values of several tables: (*constants, analysis_id, branch, window_index, *columns), named alike.

    Whatever the number of slices, the units are looked at once.
    """
    dense = [_dense(rows, part) for rows in stored for part in rows.slices if part.sparse is None]
    filled = [(rows, part, part.sparse) for rows in stored for part in rows.slices if part.sparse is not None]
    sparse = [_Slice(number, *rows_and_part) for number, rows_and_part in enumerate(filled)]
    return union_all([*dense, *([_sparse(owner, sparse)] if sparse else [])])


def _dense(rows: StoredRows, part: WindowSlice) -> Sql:
    wanted = [
        *(f"{value} AS {name}" for name, value in rows.constants.items()),
        *(f"v.{key}" for key in KEYS),
        *(
            f"v.{identifier(column)}" + (f" AS {identifier(shown)}" if shown != column else "")
            for shown, column in rows.columns.items()
        ),
    ]
    return Sql(f"SELECT {', '.join(wanted)}\nFROM {table(rows.name)} AS v\nWHERE {_condition('v', part)}")


@dataclass(frozen=True, slots=True)
class _Slice:
    """One of the slices of sparse values: its number among all of them, and whose values they are."""

    number: int
    rows: StoredRows
    part: WindowSlice
    units: SparseUnits

    @property
    def condition(self) -> str:
        """What holds for its rows `s`."""
        return _condition("s", self.part)


def _sparse(owner: Owner, slices: Sequence[_Slice]) -> Sql:
    first = slices[0].rows
    versions = list(dict.fromkeys(part.units for part in slices))
    known = " ".join(f"WHEN {part.number} THEN u.known_{versions.index(part.units)}" for part in slices)
    tables: dict[str, list[_Slice]] = {}
    for part in slices:
        tables.setdefault(part.rows.name, []).append(part)
    return fill(
        "sparse_values",
        columns=lines(
            [
                *(Sql(f"d.{name}") for name in first.constants),
                *(Sql(f"{relation}.{key}") for relation, key in zip("uud", KEYS, strict=True)),
                *(
                    Sql(f"IF(v.analysis_id IS NULL, d.{name}, v.{name}) AS {name}")
                    for name in map(identifier, first.columns)
                ),
            ],
            indent=0,
        ),
        units=known_units(owner, versions),
        known=Sql(f"\nAND CASE d.slice {known} END" if len(versions) > 1 else ""),
        defaults=union_all(_defaults(together) for together in tables.values()),
        rows=union_all(_rows(together) for together in tables.values()),
        same_slice=Sql("\nAND v.slice = d.slice" if len(slices) > 1 else ""),
    )


def _defaults(slices: Sequence[_Slice]) -> Sql:
    """The values of units without rows, in slices of one table."""
    constants = [Sql(f"{value} AS {name}") for name, value in slices[0].rows.constants.items()]
    keys = [Sql(f"s.{name}") for name in ("branch", "enrollment_date", "window_index")]
    return _of_table(slices, [*constants, *keys], "s.analysis_id IS NULL")


def _rows(slices: Sequence[_Slice]) -> Sql:
    """The values of units with rows, in slices of one table."""
    return _of_table(slices, [Sql(f"s.{name}") for name in KEYS], "s.analysis_id IS NOT NULL")


def _of_table(slices: Sequence[_Slice], keys: Sequence[Sql], condition: str) -> Sql:
    rows = slices[0].rows
    number, within = str(slices[0].number), slices[0].condition
    if len(slices) > 1:
        cases = "\n".join(f"  WHEN {part.condition} THEN {part.number}" for part in slices)
        number = f"CASE\n{cases}\nEND"
        within = "(\n  " + "\n  OR ".join(f"({part.condition})" for part in slices) + "\n)"
    columns = [
        Sql(f"{number} AS slice"),
        *keys,
        *(Sql(f"s.{identifier(column)} AS {identifier(shown)}") for shown, column in rows.columns.items()),
    ]
    return Sql(f"SELECT\n  {lines(columns)}\nFROM {table(rows.name)} AS s\nWHERE {condition}\n  AND {within}")


def _condition(alias: str, rows: WindowSlice) -> Sql:
    return Sql(
        f"{alias}.window_index BETWEEN {rows.first_index} AND {rows.last_index}"
        f"\n  AND {alias}.batch IN ({literals(rows.batches)})"
    )
