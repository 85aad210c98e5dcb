"""The query that reads a data source, once, into daily partials."""

from collections.abc import Sequence
from datetime import date

from jetstream_argo.plan.sources import Source
from jetstream_argo.sql.telemetry import between, date_of, unit_of
from jetstream_argo.sql.text import Sql, fill, lines, literal, literals


def partials_query(
    source: Source,
    columns: Sequence[str],
    units: Sql,
    assignments: Sequence[int],
    *,
    first_date: date,
    last_date: date,
    batch: int,
) -> Sql:
    """Return the query that reads `source` once, from `first_date` to `last_date`, into the partials `columns`.

    It reads for the units of `assignments`; `units` is the relation of all units.
    """
    partials = [partial for partial in source.partials if partial.column in columns]
    wanted = [
        Sql(f"{literal(batch)} AS batch"),
        Sql("e.analysis_id"),
        Sql("e.branch"),
        Sql("e.enrollment_date"),
        Sql(f"{date_of(source.date_column)} AS submission_date"),
        *(Sql(f"{partial.expression} AS {partial.column}") for partial in partials),
    ]
    return fill(
        "partials",
        units=units,
        assignments=literals(assignments),
        columns=lines(wanted, indent=0),
        source=Sql(source.from_expression),
        unit=unit_of(source.id_column),
        date=date_of(source.date_column),
        dates=between(source.date_column, first_date, last_date),
        counts=counting(source),
    )


def counting(source: Source) -> Sql:
    """On the day of enrollment, only rows that carry the experiment count: the others are from before it."""
    if source.branch_expression is None:
        return Sql("TRUE")
    return Sql(f"{date_of(source.date_column)} != e.enrollment_date OR ({source.branch_expression}) IS NOT NULL")
