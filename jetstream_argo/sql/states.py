"""Merges a unit's partials in a window; where it has no rows, gives what the aggregates give of none."""

from collections.abc import Mapping, Sequence

from jetstream_argo.plan.sources import Merge, Partial
from jetstream_argo.sql import slices
from jetstream_argo.sql.text import Sql, identifier

_RANKED = (Merge.MAX_BY, Merge.MIN_BY)


def merged(partial: Partial) -> Sql:
    """Return the column of a partial that is merged over days `d`."""
    column = f"d.{identifier(partial.column)}"
    if partial.merge in _RANKED:
        return Sql(f"{partial.merge}({column}.value, {column}.rank) AS {partial.column}")
    return Sql(f"{partial.merge}({column}) AS {partial.column}")


def found(partial: Partial, *, is_merged: bool) -> Sql:
    """Return the state of a unit with rows `m`: merged ones, or those of one day."""
    column = f"m.{partial.column}"
    if partial.merge in _RANKED and not is_merged:  # one row is its own greatest, unless it has no rank
        return Sql(f"IF({column}.rank IS NULL, NULL, {column}.value)")
    return Sql(column)


def alone(partial: Partial, probes: Mapping[int, Sequence[str]]) -> Sql:
    """Return the state of a unit without rows, which the partials of these batches tell."""
    number = next(number for number, columns in enumerate(probes.values(), 1) if partial.column in columns)
    return Sql(f"q{number}.{partial.column}" + (".value" if partial.merge in _RANKED else ""))


def found_or_alone(partial: Partial, probes: Mapping[int, Sequence[str]], *, is_merged: bool) -> Sql:
    """Return the column of a unit's state, which has rows `m` or has none."""
    state = found(partial, is_merged=is_merged)
    return Sql(f"IF(m.analysis_id IS NULL, {alone(partial, probes)}, {state}) AS {partial.column}")


def together(columns: Sequence[str], probes: Mapping[str, int]) -> dict[int, list[str]]:
    """Return, per batch, the columns whose state without rows is taken from it."""
    chosen: dict[int, list[str]] = {}
    for column in columns:
        chosen.setdefault(probes[column], []).append(column)
    return chosen


def join_probes(name: str, probes: Mapping[int, Sequence[str]]) -> Sql:
    """Return the joins of the states without rows with a relation `g` that has branches and enrollment dates."""
    joins = []
    for number, (batch, columns) in enumerate(probes.items(), 1):
        rows = slices.probe(name, batch, columns).replace("\n", "\n  ")
        joins.append(
            f"LEFT JOIN (\n  {rows}\n) AS q{number}\n"
            f"  ON q{number}.branch = g.branch AND q{number}.enrollment_date = g.enrollment_date"
        )
    return Sql("\n".join(joins))
