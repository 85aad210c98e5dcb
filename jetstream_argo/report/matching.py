"""Guesses what was meant by a filter that matches nothing."""

from collections.abc import Callable, Mapping, Sequence

from jetstream_argo.errors import PlanError, nearest
from jetstream_argo.report.results import Filters
from jetstream_argo.stats.registry import row_name
from jetstream_argo.warehouse.types import Result

_COLUMNS = {
    "metrics": "metric",
    "periods": "period",
    "windows": "window_index",
    "segments": "segment",
    "bases": "analysis_basis",
    "statistics": "statistic",
    "branches": "branch",
}
_MOST = 12


def check_filters(
    slug: str, filters: Filters, found: Result, everything: Callable[[], Result], *, failed: Mapping[str, str]
) -> None:
    """Do nothing if every value that was asked for has an estimate among those `found`; else look at `everything`.

    `failed` says of metrics why they have none.

    Raises:
        PlanError: one has none; the message has the nearest that has, or all that there are.
    """
    rows = found.table
    for field, column in _COLUMNS.items():
        wanted = [str(value) for value in getattr(filters, field)]
        there = set(map(str, rows.column(column).to_pylist()))
        for value in wanted:
            if value in there:
                continue
            if field == "metrics" and value in failed:
                raise PlanError(f"{slug}: there are no estimates of metric {value!r}, which failed: {failed[value]}")
            known = list(dict.fromkeys(map(str, everything().table.column(column).to_pylist())))
            if value not in known:
                raise PlanError(f"{slug}: there are no estimates with {column} {value!r}{_hint(field, value, known)}")
    if filters != Filters() and not rows.num_rows:
        raise PlanError(f"{slug}: there are estimates for each of the filters, and none for all of them together")


def _hint(field: str, value: str, known: Sequence[str]) -> str:
    if field == "statistics":
        called = row_name(value)
        if called in known:
            return f"; its rows say {called!r}: did you mean that?"
    hint = nearest(value, known)
    if hint or not known:
        return hint or "; there are none at all"
    more = ", …" if len(known) > _MOST else ""
    return f"; there are {', '.join(known[:_MOST])}{more}"
