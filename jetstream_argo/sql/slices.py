"""The committed rows of an append-only table that hold the columns a query needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto

from jetstream_argo.sql.text import Sql, identifier, literal, literals, table, union_all


@dataclass(frozen=True, slots=True)
class DateSlice:
    """In these batches, the rows from `first_date` to `last_date` (both included) hold `columns`.

    They do so for units of these `assignments`; of all units where it is empty. In the batches `marked` some rows only
    give the reason why a unit has no values.
    """

    batches: tuple[int, ...]
    first_date: date
    last_date: date
    columns: tuple[str, ...]
    assignments: tuple[int, ...] = ()
    marked: tuple[int, ...] = ()


class Reasons(Enum):
    """What becomes of rows of partials that only give the reason why a unit has none."""

    NONE = auto()  # there are no such rows, and maybe no such column
    LEFT_OUT = auto()
    KEPT = auto()  # with the reason in the column `reason`


@dataclass(frozen=True, slots=True)
class WindowSlice:
    """In these batches, the rows of the windows `first_index` to `last_index` (both included) hold `columns`."""

    batches: tuple[int, ...]
    first_index: int
    last_index: int
    columns: tuple[str, ...]


def days(name: str, slices: Sequence[DateSlice], columns: Sequence[str], *, reasons: Reasons = Reasons.NONE) -> Sql:
    """Return the partials in `slices`: (analysis_id, branch, submission_date, *columns).

    A date that lies in several slices gives several rows, each NULL in the columns of the others; that is all one to
    the merging aggregates, which ignore NULL. Where a slice is about some assignments only, the relation `units` says
    which units those are. `reasons` says what becomes of rows that only say why there are none.
    """
    return union_all(
        Sql(
            "SELECT p.analysis_id, p.branch, p.submission_date"
            + "".join(f", {_or_null(column, part.columns)}" for column in columns)
            + (", p.reason" if reasons is Reasons.KEPT else "")
            + f"\nFROM {table(name)} AS p"
            + _of_assignments(part.assignments)
            + f"\nWHERE p.submission_date BETWEEN {literal(part.first_date)} AND {literal(part.last_date)}"
            + f"\n  AND p.batch IN ({literals(part.batches)})"
            + ("\n  AND p.reason IS NULL" if reasons is Reasons.LEFT_OUT else "")
        )
        for part in slices
    )


def marks(name: str, slices: Sequence[DateSlice], flags: Mapping[str, str]) -> Sql:
    """Return the rows in `slices` that only give a reason: (analysis_id, branch, submission_date, *flags).

    The flag of a column says whether it is that column which the row has no value for.
    """
    return union_all(
        Sql(
            "SELECT p.analysis_id, p.branch, p.submission_date"
            + "".join(f", {literal(column in part.columns)} AS {flag}" for column, flag in flags.items())
            + f"\nFROM {table(name)} AS p"
            + _of_assignments(part.assignments)
            + f"\nWHERE p.submission_date BETWEEN {literal(part.first_date)} AND {literal(part.last_date)}"
            + f"\n  AND p.batch IN ({literals(part.marked)})\n  AND p.reason IS NOT NULL"
        )
        for part in slices
        if part.marked
    )


def _of_assignments(assignments: Sequence[int]) -> str:
    if not assignments:
        return ""
    return (
        "\nINNER JOIN units AS a\n  ON a.analysis_id = p.analysis_id AND a.branch = p.branch"
        f"\n  AND a.assignment IN ({literals(assignments)})"
    )


def probe(name: str, batch: int, columns: Sequence[str]) -> Sql:
    """Return what the partials of one batch are for units without rows: (branch, enrollment_date, *columns)."""
    return Sql(
        "SELECT p.branch, p.enrollment_date"
        + "".join(f", p.{column}" for column in columns)
        + f"\nFROM {table(name)} AS p"
        + f"\nWHERE p.submission_date IS NULL AND p.analysis_id IS NULL AND p.batch = {literal(batch)}"
    )


def windows(name: str, slices: Sequence[WindowSlice], column: str) -> Sql:
    """Return the values of one metric in `slices`: (analysis_id, branch, window_index, value)."""
    return union_all(
        Sql(
            f"SELECT v.analysis_id, v.branch, v.window_index, v.{identifier(column)} AS value"
            f"\nFROM {table(name)} AS v"
            f"\nWHERE v.window_index BETWEEN {slice_.first_index} AND {slice_.last_index}"
            f"\n  AND v.batch IN ({literals(slice_.batches)})"
        )
        for slice_ in slices
    )


def _or_null(column: str, stored: Sequence[str]) -> str:
    return f"p.{column}" if column in stored else f"NULL AS {column}"
