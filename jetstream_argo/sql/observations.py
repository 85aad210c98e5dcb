"""The relation that statistics are computed from: one metric's value per unit, window, basis and segment."""

from collections.abc import Sequence
from dataclasses import dataclass

from jetstream_argo.config.model import Basis
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql import slices
from jetstream_argo.sql.slices import WindowSlice
from jetstream_argo.sql.text import Sql, fill, identifier, indented, lines, literal, union_all

ALL_UNITS = "all"


@dataclass(frozen=True, slots=True)
class StoredValues:
    """Where the values of one metric are: in `slices` of `table`, for one basis."""

    basis: Basis
    table: str
    column: str
    slices: tuple[WindowSlice, ...]


def observations(
    plan: AnalysisPlan,
    values: Sequence[StoredValues],
    units: Sql,
    *,
    covariate: StoredValues | None = None,
    denominator: Sequence[StoredValues] = (),
) -> Sql:
    """Return the relation (basis, window_index, branch, segment, y [, x] [, d]), in brackets.

    One row per unit, window, basis and segment that the unit is in; the segment `all` has every unit. `units` is the
    relation of the units with their segments (`sql.units`). `y` is the
    metric's value, NULL included. `x` is the covariate's, from its window 1, NULL for a unit without one. `d` is the
    value of the metric that divides, of the same basis and window.
    """
    columns = [
        Sql("v.basis"),
        Sql("v.window_index"),
        Sql("v.branch"),
        Sql("in_segment AS segment"),
        Sql("v.value AS y"),
    ]
    joins = []
    if covariate is not None:
        columns.append(Sql("x.value AS x"))
        rows = slices.windows(covariate.table, covariate.slices, covariate.column)
        joins.append(
            f"LEFT JOIN (\n  {indented(rows)}\n) AS x\n  ON x.analysis_id = v.analysis_id AND x.branch = v.branch"
        )
    if denominator:
        columns.append(Sql("d.value AS d"))
        joins.append(
            f"INNER JOIN (\n  {indented(_of_all_bases(denominator))}\n) AS d\n"
            "  ON d.basis = v.basis AND d.window_index = v.window_index\n"
            "  AND d.analysis_id = v.analysis_id AND d.branch = v.branch"
        )
    return fill(
        "observations",
        columns=lines(columns, indent=0),
        values=_of_all_bases(values),
        enrollments=units,
        joins=Sql("\n".join(joins)),
        segments=lines(members(plan), indent=0),
    )


def members(plan: AnalysisPlan) -> list[Sql]:
    """Return an expression per segment over `e`, a row of the enrollments: its name if the unit is in it, or NULL."""
    own = [Sql(f"IF(e.{identifier(s.name)}, {literal(s.name)}, NULL)") for s in plan.enrollments.segments]
    return [Sql(literal(ALL_UNITS)), *own]


def _of_all_bases(values: Sequence[StoredValues]) -> Sql:
    return union_all(
        Sql(
            f"SELECT {literal(each.basis.value)} AS basis, u.analysis_id, u.branch, u.window_index, u.value\n"
            f"FROM (\n  {indented(slices.windows(each.table, each.slices, each.column))}\n) AS u"
        )
        for each in values
    )
