"""The query that copies the rows of a source, so that it is scanned once however often they are read."""

from collections.abc import Sequence

from jetstream_argo.plan.sources import Source
from jetstream_argo.sql.telemetry import unit_of
from jetstream_argo.sql.text import Sql, fill, identifier, in_brackets, lines, literals


def gathered_query(
    source: Source, columns: Sequence[str], dates: Sequence[Sql], units: Sql, assignments: Sequence[int]
) -> Sql:
    """Return the query for `columns` of the rows of a source that meet some condition of `dates`.

    They are rows of the units of these assignments; `units` is the relation of all units.
    """
    return fill(
        "gathered",
        columns=lines([Sql(f"ds.{identifier(column)}") for column in columns], indent=0),
        source=Sql(source.from_expression),
        unit=unit_of(source.id_column),
        units=units,
        assignments=literals(assignments),
        dates=lines([in_brackets(condition) for condition in dates], separator=" OR", indent=0),
    )
