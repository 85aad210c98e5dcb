"""The relation that all statistics of one metric and period are computed from, which reads each stored table once.

A row is a unit in a window, or some units with the same values. Segments are columns that count the units of the row
which are in the segment, so that no unit is written down once for each of them.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from jetstream_argo.config.model import Basis
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql.names import Owner
from jetstream_argo.sql.slices import WindowSlice
from jetstream_argo.sql.text import Sql, fill, identifier, indented, lines, literal, literals
from jetstream_argo.sql.value_rows import StoredRows, rows_of_tables, value_rows

ALL_UNITS = "all"

DENOMINATOR = "d"  # the column of the values that divide


@dataclass(frozen=True, slots=True)
class StoredValues:
    """Where the values of one metric are: in `slices` of `table`, for one basis."""

    basis: Basis
    table: str
    column: str
    slices: tuple[WindowSlice, ...]


@dataclass(frozen=True, slots=True)
class HashRange:
    """Those units whose hash lies in the `index`-th of so many equal ranges; their number is a power of two, to 256."""

    index: int
    number: int

    def holds(self, unit: str) -> Sql:
        """Return the condition for an expression that is a unit's id."""
        width = _HASHES // self.number
        first, last = (f"'{value:02x}'" for value in (self.index * width, (self.index + 1) * width - 1))
        return Sql(f"SUBSTR(TO_HEX(SHA256(CAST({unit} AS STRING))), 1, 2) BETWEEN {first} AND {last}")


_HASHES = 256  # by the first byte


class ValueType(StrEnum):
    """What a metric's column holds."""

    INTEGER = "INT64"
    BOOLEAN = "BOOL"
    FLOAT = "FLOAT64"
    NUMERIC = "NUMERIC"
    OTHER = "any"  # of which only units with and without it are counted

    @property
    def integer(self) -> bool:
        """Whether its values are whole numbers by type."""
        return self in (ValueType.INTEGER, ValueType.BOOLEAN)


@dataclass(frozen=True, slots=True)
class Typed:
    """Stored values of one metric, of one basis or more, and their type."""

    stored: tuple[StoredValues, ...]
    type: ValueType


@dataclass(frozen=True, slots=True)
class Leaf:
    """What one metric's statistics are computed from: `values` in `windows`, of the units of `branches` of `owner`.

    `denominator` has the values of the metric that divides, of the same bases and windows. `covariates` are values
    before enrollment, of window 1. `units` is the relation of the units with a column per segment (`sql.units`), of
    which those at the places `asked` are asked about. `finer` says how values are put in order (`queries.ranks`).
    """

    owner: Owner
    values: Typed
    windows: tuple[AnalysisWindow, ...]
    branches: tuple[str, ...]
    units: Sql
    segments: tuple[str, ...] = ()
    denominator: Typed | None = None
    covariates: tuple[Typed, ...] = ()
    asked: tuple[int, ...] = (0,)
    finer: int = 0

    @property
    def all_segments(self) -> tuple[str, ...]:
        """The segments by their places, that of all units first."""
        return (ALL_UNITS, *self.segments)


def covariate_column(place: int) -> str:
    """Return the column of a covariate, by its place among the leaf's."""
    return f"x_{place}"


def weight(segment: int) -> str:
    """Return the column that counts a row's units which are in a segment; 0 is the segment of all units."""
    return f"n_{segment}"


def units_query(leaf: Leaf, among: HashRange | None = None) -> Sql:
    """Return the query for the units of the leaf's branches: (analysis_id, branch, covariates …, n_0, n_1, …).

    One row per unit and branch, of those `among` the units of a range, or of all. `n_0` is 1.
    """
    columns = [Sql("e.analysis_id"), Sql("e.branch")]
    joins = []
    for place, covariate in enumerate(leaf.covariates):
        alias = f"c{place}"
        columns.append(_float(f"{alias}.value", covariate.type, covariate_column(place)))
        (stored,) = covariate.stored
        rows = value_rows(leaf.owner, stored.table, stored.slices, {"value": stored.column})
        joins.append(
            f"LEFT JOIN (\n  {indented(rows)}\n) AS {alias}\n"
            f"  ON {alias}.analysis_id = e.analysis_id AND {alias}.branch = e.branch"
        )
    columns.append(Sql(f"1 AS {weight(0)}"))
    columns += [Sql(f"IF(e.{identifier(name)}, 1, 0) AS {weight(i)}") for i, name in enumerate(leaf.segments, 1)]
    return fill(
        "estimating/leaf_units",
        columns=lines(columns, indent=0),
        units=leaf.units,
        joins=Sql("\n".join(joins)),
        branches=literals(leaf.branches),
        among=_among(among, "e.analysis_id"),
    )


def leaf_query(leaf: Leaf, units: Sql | None, among: HashRange | None = None) -> Sql:
    """Return the query for (basis, window_index, branch, y [, d] [, x_0, …], n_0, n_1, …).

    `y` is the metric's value, NULL included, and so are the others: `x_…` NULL for a unit without the covariate. Values
    are numbers, whatever the type of their column, and -0.0 is 0. `units` is what `units_query` gives; None joins no
    units, which is the same where the leaf has neither segments nor covariates.

    Where whole numbers stand by themselves, a row has all units with the same value; else it is one unit. The rows of
    all ranges of units `among` which it may be asked for are together those without.
    """
    columns = [Sql("v.basis"), Sql("v.window_index"), Sql("v.branch"), _float("v.value", leaf.values.type, "y")]
    joins = []
    if leaf.denominator is not None:
        columns.append(_float("d.value", leaf.denominator.type, DENOMINATOR))
        joins.append(
            f"INNER JOIN (\n  {indented(_of_all_bases(leaf.owner, leaf.denominator))}\n) AS d\n"
            "  ON d.basis = v.basis AND d.window_index = v.window_index\n"
            "  AND d.analysis_id = v.analysis_id AND d.branch = v.branch"
        )
    if units is not None:
        columns += [Sql(f"u.{covariate_column(place)}") for place in range(len(leaf.covariates))]
        joins.append(f"INNER JOIN {units} AS u\n  ON u.analysis_id = v.analysis_id AND u.branch = v.branch")
    columns += [Sql(f"{_one(i, units)} AS {weight(i)}") for i in range(len(leaf.all_segments))]
    rows = fill(
        "estimating/leaf",
        columns=lines(columns, indent=0),
        values=_of_all_bases(leaf.owner, leaf.values),
        joins=Sql("\n".join(joins)),
        windows=literals(window.index for window in leaf.windows),
        branches=literals(leaf.branches),
        among=_among(among, "v.analysis_id"),
    )
    return rows if leaf.covariates or _continuous(leaf) else _grouped(leaf, rows)


def _among(units: HashRange | None, unit: str) -> Sql:
    return Sql("") if units is None else Sql(f"\nAND {units.holds(unit)}")


def _continuous(leaf: Leaf) -> bool:
    """Whether few units have a value that others have too."""
    measured = (leaf.values, *(() if leaf.denominator is None else (leaf.denominator,)))
    return any(typed.type is ValueType.FLOAT for typed in measured)


def _grouped(leaf: Leaf, rows: Sql) -> Sql:
    names = ["basis", "window_index", "branch", "y", *([DENOMINATOR] if leaf.denominator is not None else [])]
    keys = [Sql(f"r.{name}") for name in names]
    sums = [Sql(f"SUM(r.{weight(i)}) AS {weight(i)}") for i in range(len(leaf.all_segments))]
    return fill(
        "estimating/leaf_grouped",
        rows=rows,
        columns=lines([*keys, *sums], indent=0),
        keys=lines(keys, indent=0),
    )


def _one(segment: int, units: Sql | None) -> str:
    return "1" if units is None else f"u.{weight(segment)}"


def _of_all_bases(owner: Owner, values: Typed) -> Sql:
    return rows_of_tables(
        owner,
        [
            StoredRows(stored.table, stored.slices, {"value": stored.column}, {"basis": literal(stored.basis.value)})
            for stored in values.stored
        ],
    )


def _float(value: str, type_: ValueType, name: str) -> Sql:
    match type_:
        case ValueType.BOOLEAN:
            return Sql(f"CAST(CAST({value} AS INT64) AS FLOAT64) AS {name}")
        case ValueType.FLOAT:
            return Sql(f"IF({value} = 0, 0.0, {value}) AS {name}")  # -0.0 is 0
        case ValueType.OTHER:
            return Sql(f"IF({value} IS NULL, NULL, 0.0) AS {name}")
        case ValueType.INTEGER | ValueType.NUMERIC:
            return Sql(f"CAST({value} AS FLOAT64) AS {name}")
        case _:
            assert_never(type_)
