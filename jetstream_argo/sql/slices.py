"""The committed rows of an append-only table that hold the columns a query needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum, auto
from itertools import combinations

from jetstream_argo.sql.text import Sql, in_brackets, literal, literals, table, union_all
from jetstream_argo.sql.units import Batches


@dataclass(frozen=True, slots=True)
class DateSlice:
    """In these batches, the rows from `first_date` to `last_date` (both included) hold `columns`.

    They do so for units of these `assignments`; of all units where it is empty. In the batches `marked` some rows only
    give the reason why a unit has no values; `repeated` says that in some batch a unit may have several rows on a date.
    """

    batches: tuple[int, ...]
    first_date: date
    last_date: date
    columns: tuple[str, ...]
    assignments: tuple[int, ...] = ()
    marked: tuple[int, ...] = ()
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class SparseUnits:
    """For whom values were computed of which not every unit has a row: those assigned in the batches `assigned`.

    `exposures` has by assignment the batch that told who of them was exposed, for values of exposed units alone; None
    where the values are of all units.
    """

    assigned: tuple[int, ...]
    exposures: tuple[tuple[int, int], ...] | None = None

    @property
    def batches(self) -> tuple[int, ...]:
        """All batches that say who they are."""
        return (*self.assigned, *(batch for _, batch in self.exposures or ()))

    @property
    def exposed_in(self) -> Batches | None:
        """By assignment, the batch that told of exposures."""
        return None if self.exposures is None else dict(self.exposures)


class Reasons(Enum):
    """What becomes of rows of partials that only give the reason why a unit has none."""

    NONE = auto()  # there are no such rows, and maybe no such column
    LEFT_OUT = auto()
    KEPT = auto()  # with the reason in the column `reason`


@dataclass(frozen=True, slots=True)
class WindowSlice:
    """In these batches, the rows of the windows `first_index` to `last_index` (both included) hold `columns`.

    Rows are there for all units; or, where `sparse` is not None, only for some of those: the batches say in rows of
    their own what the values of the others are (`sql.value_rows`).
    """

    batches: tuple[int, ...]
    first_index: int
    last_index: int
    columns: tuple[str, ...]
    sparse: SparseUnits | None = None


def days(name: str, slices: Sequence[DateSlice], columns: Sequence[str], *, reasons: Reasons = Reasons.NONE) -> Sql:
    """Return the partials in `slices`: (analysis_id, branch, submission_date, *columns), from one look at the table.

    A date that lies in several slices may give several rows, each NULL in the columns of the others; that is all one to
    the merging aggregates, which ignore NULL. Where a slice is about some assignments only, the relation `units` says
    which units those are. `reasons` says what becomes of rows that only say why there are none.
    """
    keys = ["p.analysis_id", "p.branch", "p.submission_date"]
    groups = _by_columns(slices, columns)
    several = len(groups) > 1
    stored = [column for column in columns if any(column in given for given in groups)]
    nothing = [f"NULL AS {column}" for column in columns if column not in stored]
    reason = ["p.reason"] if reasons is Reasons.KEPT else []
    flags = [f"({_any(group)}) AS held_{number}" for number, group in enumerate(groups.values())] if several else []
    wanted = [*keys, *(f"p.{column}" for column in stored), *([] if several else nothing), *reason, *flags]
    rows = Sql(
        f"SELECT {', '.join(wanted)}\nFROM {table(name)} AS p{_joined(slices)}"
        f"\nWHERE p.submission_date BETWEEN {literal(min(part.first_date for part in slices))}"
        f" AND {literal(max(part.last_date for part in slices))}"
        f"\n  AND p.batch IN ({literals(tuple(dict.fromkeys(batch for part in slices for batch in part.batches)))})"
        + (f"\n  AND ({_any(slices)}\n  )" if len(slices) > 1 and not several else "")
        + (_of_these(slices[0]) if len(slices) == 1 else "")
        + ("\n  AND p.reason IS NULL" if reasons is Reasons.LEFT_OUT else "")
    )
    if not several:
        return rows
    chosen = [_chosen(column, groups) for column in stored]
    anywhere = " OR ".join(f"p.held_{number}" for number in range(len(groups)))
    return Sql(
        f"SELECT {', '.join([*keys, *chosen, *nothing, *reason])}\nFROM {in_brackets(rows)} AS p\nWHERE {anywhere}"
    )


def overlap(slices: Sequence[DateSlice]) -> bool:
    """Return whether some unit may have several rows on a date, in one batch or in two with other columns."""
    return any(part.repeated for part in slices) or any(
        earlier.first_date <= other.last_date
        and other.first_date <= earlier.last_date
        and not (earlier.assignments and other.assignments and set(earlier.assignments).isdisjoint(other.assignments))
        for earlier, other in combinations(slices, 2)
    )


def _by_columns(slices: Sequence[DateSlice], columns: Sequence[str]) -> dict[tuple[str, ...], list[DateSlice]]:
    groups: dict[tuple[str, ...], list[DateSlice]] = {}
    for part in slices:
        groups.setdefault(tuple(column for column in columns if column in part.columns), []).append(part)
    return groups


def _chosen(column: str, groups: Mapping[tuple[str, ...], object]) -> str:
    """Return a column where the slices have it, and NULL elsewhere."""
    having = [f"p.held_{number}" for number, columns in enumerate(groups) if column in columns]
    return f"IF({' OR '.join(having)}, p.{column}, NULL) AS {column}"


def _any(slices: Sequence[DateSlice]) -> str:
    """Return the condition that a row is in one of the slices."""
    return "\n    OR ".join(
        f"(p.submission_date BETWEEN {literal(part.first_date)} AND {literal(part.last_date)}"
        f" AND p.batch IN ({literals(part.batches)}){_of_these(part, ' ')})"
        for part in slices
    )


def _of_these(part: DateSlice, space: str = "\n  ") -> str:
    return f"{space}AND a.assignment IN ({literals(part.assignments)})" if part.assignments else ""


def _joined(slices: Sequence[DateSlice]) -> str:
    if not any(part.assignments for part in slices):
        return ""
    return "\nINNER JOIN units AS a\n  ON a.analysis_id = p.analysis_id AND a.branch = p.branch"


def marks(name: str, slices: Sequence[DateSlice], flags: Mapping[str, str]) -> Sql:
    """Return the rows in `slices` that only give a reason: (analysis_id, branch, submission_date, *flags).

    The flag of a column says whether it is that column which the row has no value for.
    """
    return union_all(
        Sql(
            "SELECT p.analysis_id, p.branch, p.submission_date"
            + "".join(f", {literal(column in part.columns)} AS {flag}" for column, flag in flags.items())
            + f"\nFROM {table(name)} AS p"
            + _joined([part])
            + f"\nWHERE p.submission_date BETWEEN {literal(part.first_date)} AND {literal(part.last_date)}"
            + f"\n  AND p.batch IN ({literals(part.marked)})\n  AND p.reason IS NOT NULL"
            + _of_these(part)
        )
        for part in slices
        if part.marked
    )


def probe(name: str, batch: int, columns: Sequence[str]) -> Sql:
    """Return what the partials of one batch are for units without rows: (branch, enrollment_date, *columns)."""
    return Sql(
        "SELECT p.branch, p.enrollment_date"
        + "".join(f", p.{column}" for column in columns)
        + f"\nFROM {table(name)} AS p"
        + f"\nWHERE p.submission_date IS NULL AND p.analysis_id IS NULL AND p.batch = {literal(batch)}"
    )
