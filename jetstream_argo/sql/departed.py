"""The queries about units that telemetry no longer has: which they are, and what becomes of their rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from jetstream_argo.plan.sources import Merge, Partial, Source
from jetstream_argo.sql import names, slices
from jetstream_argo.sql.names import Owner
from jetstream_argo.sql.partitions import everywhere
from jetstream_argo.sql.slices import DateSlice, Reasons
from jetstream_argo.sql.telemetry import between, unit_of
from jetstream_argo.sql.text import Sql, fill, indented, lines, literal, literals, table

DELETED_UPSTREAM = "deleted_upstream"


@dataclass(frozen=True, slots=True)
class Departed:
    """Units that are gone, in `batch` of the departed table, and where their rows of some dates are (`earlier`).

    `reasons` says whether some of those rows only say why there are none.
    """

    batch: int
    earlier: tuple[DateSlice, ...]
    reasons: bool = False


def departed_query(enrollments: str, units: Sql, *, batch: int, deleted: str = "") -> Sql:
    """Return the query for (batch, analysis_id, branch) of `units` that the query `enrollments` does not find.

    With those that the query `deleted` names, if there is one.
    """
    return fill(
        "departed",
        batch=literal(batch),
        units=units,
        enrollments=Sql(enrollments.strip()),
        **_known(deleted, "u"),
    )


def absent_query(
    owner: Owner, source: Source, first: date, last: date, *, departed: int, batch: int, deleted: str = ""
) -> Sql:
    """Return the query for those of the batch `departed` that have no row of `source` from `first` to `last`.

    With those that the query `deleted` names, if there is one: rows that are left of them are no reason to lose others.
    """
    return fill(
        "absent",
        batch=literal(batch),
        departed=table(names.departed(owner)),
        departed_batch=literal(departed),
        unit=unit_of(source.id_column),
        source=Sql(source.from_expression),
        dates=between(source.date_column, first, last),
        **_known(deleted, "g"),
    )


def _known(deleted: str, alias: str) -> dict[str, Sql]:
    """Return the slots that join the units which the query `deleted` names; empty ones without such a query."""
    if not deleted:
        return {"deleted": Sql(""), "or_deleted": Sql("")}
    rows = indented(
        Sql(f"SELECT DISTINCT CAST(r.analysis_id AS STRING) AS analysis_id\nFROM (\n{deleted.strip()}\n) AS r")
    )
    join = f"LEFT JOIN (\n  {rows}\n) AS d\n  ON d.analysis_id = {alias}.analysis_id"
    return {"deleted": Sql(join), "or_deleted": Sql(" OR d.analysis_id IS NOT NULL")}


@dataclass(frozen=True, slots=True)
class Fresh:
    """A query that reads a source into the partials `columns`, for the units of `assignments`, into a batch."""

    sql: Sql
    source: Source
    columns: tuple[str, ...]
    units: Sql
    assignments: tuple[int, ...]
    batch: int


def marked(owner: Owner, fresh: Fresh, departed: Departed) -> Sql:
    """Return the rows of `fresh`, and a row with a reason for each date on which a unit that is gone had rows before.

    What such units would have in columns that are read only now is not known.
    """
    nothing = [Sql(f"NULL AS {column}") for column in _in_order(fresh)]
    reason = Sql(f"{literal(DELETED_UPSTREAM)} AS reason")
    return fill(
        "marked",
        earlier=slices.days(names.partials(owner, fresh.source.name), departed.earlier, ()),
        columns=lines([*_keys(fresh), *nothing, reason], indent=0),
        **_shared(owner, fresh, departed),
    )


def carried(owner: Owner, fresh: Fresh, departed: Departed) -> Sql:
    """Return the rows of `fresh`, and those that units which are gone had before."""
    columns = _in_order(fresh)
    reasons = Reasons.KEPT if departed.reasons else Reasons.NONE
    reason = [Sql("p.reason")] if departed.reasons else []
    return fill(
        "carried",
        earlier=slices.days(names.partials(owner, fresh.source.name), departed.earlier, columns, reasons=reasons),
        fresh_columns=Sql("f.*, CAST(NULL AS STRING) AS reason" if departed.reasons else "f.*"),
        columns=lines([*_keys(fresh), *(Sql(f"p.{column}") for column in columns), *reason], indent=0),
        **_shared(owner, fresh, departed),
    )


def restated_units(owner: Owner, fresh: Fresh, earlier: Sequence[DateSlice], *, departed: int | None) -> Sql:
    """Return the query that compares what is stored of units with what is in the table of restated rows.

    Rows of the units in the batch `departed` were carried over; None where none were. Columns of `fresh` that hold
    arrays or structs are not compared.
    """
    compared = [p for p in _partials(fresh) if p.merge not in (Merge.CONCAT, Merge.MAX_BY, Merge.MIN_BY)]
    keys = [Sql("p.analysis_id"), Sql("p.branch"), Sql("p.submission_date")]
    columns = lines([*keys, *(Sql(f"{p.merge}(p.{p.column}) AS {p.column}") for p in compared)], indent=0)
    differs = [Sql("e.analysis_id IS NULL"), Sql("f.analysis_id IS NULL"), *(_differ(p.column) for p in compared)]
    gone = Sql("")
    if departed is not None:
        gone = Sql(
            f"\nLEFT JOIN {table(names.departed(owner))} AS g\n"
            f"  ON g.analysis_id = c.analysis_id AND g.branch = c.branch AND g.batch = {literal(departed)}"
        )
    return fill(
        "restated_units",
        units=fresh.units,
        earlier_columns=columns,
        fresh_columns=columns,
        earlier=slices.days(names.partials(owner, fresh.source.name), earlier, [p.column for p in compared]),
        restated=table(names.restated(owner, fresh.source.name)),
        dates=everywhere("p", "submission_date"),
        differs=lines(differs, separator="\nOR", indent=0),
        carried=Sql("FALSE" if departed is None else "c.was_there AND g.analysis_id IS NOT NULL"),
        departed=gone,
    )


def _differ(column: str) -> Sql:
    return Sql(f"COALESCE(e.{column} != f.{column}, (e.{column} IS NULL) != (f.{column} IS NULL))")


def _partials(fresh: Fresh) -> list[Partial]:
    return [partial for partial in fresh.source.partials if partial.column in fresh.columns]


def _in_order(fresh: Fresh) -> list[str]:
    return [partial.column for partial in _partials(fresh)]


def _keys(fresh: Fresh) -> Sequence[Sql]:
    unit = [Sql(f"u.{name}") for name in ("analysis_id", "branch", "enrollment_date")]
    return [Sql(f"{literal(fresh.batch)} AS batch"), *unit, Sql("p.submission_date")]


def _shared(owner: Owner, fresh: Fresh, departed: Departed) -> dict[str, Sql]:
    return {
        "units": fresh.units,
        "assignments": literals(fresh.assignments),
        "fresh": fresh.sql,
        "departed": table(names.departed(owner)),
        "departed_batch": literal(departed.batch),
    }
