"""The views for readers: the latest estimates, and every unit's metrics, named and shaped as readers know them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql import names
from jetstream_argo.sql.slices import WindowSlice
from jetstream_argo.sql.text import (
    Sql,
    fill,
    identifier,
    in_brackets,
    indented,
    lines,
    literal,
    literals,
    table,
)
from jetstream_argo.sql.value_rows import KEYS, value_rows
from jetstream_argo.stats.rows import Reason
from jetstream_argo.store import estimates_table
from jetstream_argo.store.entries import Kind, State

# Whose p-value counts where a metric has several, by their names in rows.
TESTS = ("mean_welch", "mean_lm", "mean_lm_noclip", "ratio_delta", "binomial", "mean")


def latest_estimates(owner: names.Owner, periods: Sequence[Period], *, lacking: Collection[str] = ()) -> Sql:
    """Return the query for the estimates in `periods`: of each metric and window, those of its latest complete batch.

    Which batch that is, the status table says when the query runs, so that a view of it is never out of date. The
    columns are `COLUMNS` and `DERIVED` of `store.estimates_table`; `window_index` is a STRING, as readers of the
    existing system expect. A table that an earlier version made may be `lacking` some, which are NULL then.

    `p_value_holm` and `p_value_bh` are adjusted for all metrics and branches that are compared with the same branch,
    in the same window, basis and segment. Each of them is tested once there: a metric with several p-values by the
    first of `TESTS` that it has. `rest_p_value_holm` is adjusted for the `rest_tests` of all segments against the rest.
    Every row is marked by the check of its window's, basis' and segment's split.

    Source:
        Holm (1979), Scand. J. Statist. 6:65; Benjamini and Hochberg (1995), JRSS B 57:289.
    """
    preference = " ".join(f"WHEN {literal(name)} THEN {place}" for place, name in enumerate(TESTS))
    return fill(
        "statistics_view",
        status=table(names.status(owner)),
        estimates=table(names.statistics(owner)),
        kind=literal(Kind.STATISTICS.value),
        # Of what was forgotten last there is a batch without rows.
        states=literals([State.COMPUTED.value, State.NO_DATA.value, State.FORGOTTEN.value]),
        periods=literals([period.value for period in periods]),
        preference=Sql(f"CASE l.statistic {preference} ELSE {len(TESTS)} END"),
        srm=literal(estimates_table.SRM),
        mismatch=literal(Reason.SAMPLE_RATIO_MISMATCH.value),
        rest_p_value=Sql("CAST(NULL AS FLOAT64)" if "rest_p_value" in lacking else "c.rest_p_value"),
        columns=lines([_estimate_column(column, lacking) for column in estimates_table.COLUMNS], indent=0),
    )


def readable_estimates(owner: names.Owner, period: Period, *, lacking: Collection[str] = ()) -> Sql:
    """Return the query for those of `latest_estimates` in a period that are numbers; a bound that is infinite is NULL.

    Readers of the existing system refuse rows without a point, and know no other infinity: their schema wants numbers.
    """
    finite = ", ".join(f"IF(IS_INF(r.{bound}), NULL, r.{bound}) AS {bound}" for bound in ("lower", "upper"))
    # Outside of the query, since p-values are adjusted for all rows together.
    estimates = in_brackets(latest_estimates(owner, [period], lacking=lacking))
    return fill("numbers_view", finite=Sql(finite), estimates=estimates, is_number=_IS_NUMBER)


def estimates_without_point(owner: names.Owner, periods: Sequence[Period], *, lacking: Collection[str] = ()) -> Sql:
    """Return the query for the other ones, of which `reason` says why there is no number."""
    estimates = in_brackets(latest_estimates(owner, periods, lacking=lacking))
    return fill("without_point_view", estimates=estimates, is_number=_IS_NUMBER)


_IS_NUMBER = Sql("r.point IS NOT NULL AND NOT IS_INF(r.point)")


@dataclass(frozen=True, slots=True)
class StoredMetrics:
    """Metrics whose values are in the same `slices` of `table`."""

    table: str
    slices: tuple[WindowSlice, ...]
    metrics: tuple[Metric, ...]


def unit_values(
    plan: AnalysisPlan, basis: Basis, period: Period, metrics: Sequence[Metric], stored: Sequence[StoredMetrics]
) -> Sql:
    """Return the query for all units and due windows with a column per metric, NULL for one that is not in `stored`.

    A metric whose name is that of another column is called `<name>_metric`.
    """
    relations = _relations(stored)
    place = {metric.name: (alias, metric.column) for alias, values in relations.items() for metric in values.metrics}
    columns = [*_unit_columns(plan, basis, relations), Sql("CAST(w.window_index AS STRING) AS window_index")]
    for metric, name in _named(plan, metrics):
        value = ".".join(place[metric.name]) if metric.name in place else "NULL"
        columns.append(Sql(f"{value} AS {name}"))
    return _filled(plan, columns, relations, plan.windows(period))


def numbered(rows: Sql) -> Sql:
    """Return the rows of `unit_values` with `window_number`, which is `window_index` as a number."""
    return fill("numbered_view", rows=in_brackets(rows))


def published_values(
    plan: AnalysisPlan, basis: Basis, windows: Sequence[AnalysisWindow], stored: Sequence[StoredMetrics], *, batch: int
) -> Sql:
    """Return the query for the rows of `unit_values` in some windows, as they are kept in a table.

    Metrics are called by their column, so that one that is defined anew is another column.
    """
    relations = _relations(stored)
    place = {metric.column: alias for alias, values in relations.items() for metric in values.metrics}
    columns = [
        Sql(f"{batch} AS batch"),
        *_unit_columns(plan, basis, relations),
        Sql("w.window_index"),
        *(Sql(f"{alias}.{identifier(column)}") for column, alias in place.items()),
    ]
    return _filled(plan, columns, relations, windows)


def published_view(
    plan: AnalysisPlan, metrics: Sequence[Metric], kept: Collection[str], slices: Sequence[WindowSlice], *, name: str
) -> Sql:
    """Return the query for the rows of `unit_values` from the table `name`, which has the columns `kept` of metrics.

    `window_number` is the column that the table is partitioned by: a reader who filters it reads those windows alone.

    Source:
        https://cloud.google.com/bigquery/docs/querying-partitioned-tables
    """
    columns = [Sql(f"p.{identifier(column)}") for column in (*_UNIT, *_segments(plan), *_WINDOW[:2], *_EXPOSURE)]
    columns.append(Sql("CAST(p.window_index AS STRING) AS window_index"))
    for metric, own in _named(plan, metrics):
        value = f"p.{identifier(metric.column)}" if metric.column in kept else "NULL"
        columns.append(Sql(f"{value} AS {own}"))
    columns.append(Sql("p.window_index AS window_number"))
    conditions = [
        Sql(
            f"(p.window_index BETWEEN {rows.first_index} AND {rows.last_index} "
            f"AND p.batch IN ({literals(rows.batches)}))"
        )
        for rows in slices
    ]
    return fill(
        "published_view",
        columns=lines(columns, indent=0),
        published=table(name),
        first=literal(min(rows.first_index for rows in slices)),
        last=literal(max(rows.last_index for rows in slices)),
        rows=lines(conditions, separator=" OR", indent=0),
    )


def _relations(stored: Sequence[StoredMetrics]) -> dict[str, StoredMetrics]:
    return {f"values_{number}": values for number, values in enumerate(stored, 1)}


def _unit_columns(plan: AnalysisPlan, basis: Basis, relations: Mapping[str, StoredMetrics]) -> Iterator[Sql]:
    yield from (Sql(f"e.{identifier(name)}") for name in (*_UNIT, *_segments(plan)))
    yield from (Sql(f"w.{name}") for name in _WINDOW[:2])
    yield from _exposure(plan, basis, list(relations))


def _filled(
    plan: AnalysisPlan,
    columns: Sequence[Sql],
    relations: Mapping[str, StoredMetrics],
    windows: Sequence[AnalysisWindow],
) -> Sql:
    return fill(
        "values_view",
        relations=Sql("".join(_relation(plan, alias, relation) for alias, relation in relations.items())),
        columns=lines(columns, indent=0),
        enrollments=table(names.enrollments(plan)),
        windows=lines(list(_windows(windows)), indent=0),
        joins=Sql("\n".join(_join(alias) for alias in relations)),
    )


def _segments(plan: AnalysisPlan) -> list[str]:
    return [segment.name for segment in plan.enrollments.segments]


def _named(plan: AnalysisPlan, metrics: Sequence[Metric]) -> Iterator[tuple[Metric, Sql]]:
    """Yield every metric with the name of its column, which no other has."""
    taken = {name.lower() for name in (*_UNIT, *_segments(plan), *_WINDOW, *_EXPOSURE)}
    for metric in metrics:
        yield metric, identifier(_free_name(metric.name, taken))


_UNIT = ("analysis_id", "branch", "enrollment_date", "num_enrollment_events")
_WINDOW = ("analysis_window_start", "analysis_window_end", "window_index", "window_number")
_EXPOSURE = ("exposure_date", "num_exposure_events")


def _estimate_column(column: Column, lacking: Collection[str]) -> Sql:
    if column.name in lacking:
        return Sql(f"CAST(NULL AS {column.type}) AS {identifier(column.name)}")
    if column.name == "window_index":
        return Sql("CAST(p.window_index AS STRING) AS window_index")
    return Sql(f"p.{identifier(column.name)}")


def _windows(windows: Sequence[AnalysisWindow]) -> Iterator[Sql]:
    for window in windows:
        yield Sql(
            f"STRUCT({window.index} AS window_index, {window.first_day} AS analysis_window_start, "
            f"{window.last_day} AS analysis_window_end)"
        )


def _exposure(plan: AnalysisPlan, basis: Basis, relations: Sequence[str]) -> Iterator[Sql]:
    """Yield who was exposed when: what the enrollments say, or, with a signal, what was seen in the window."""
    if plan.signal is None or basis is Basis.ENROLLMENTS:
        yield from (Sql(f"e.{name}") for name in _EXPOSURE)
        return
    for name in _EXPOSURE:
        seen = ", ".join([*(f"{relation}.{name}" for relation in relations), "NULL"])
        yield Sql(f"COALESCE({seen}) AS {name}")


def _relation(plan: AnalysisPlan, alias: str, stored: StoredMetrics) -> str:
    # Metrics that are the same thing under two names share a column.
    columns = dict.fromkeys((*_EXPOSURE, *(metric.column for metric in stored.metrics)))
    rows = value_rows(plan, stored.table, stored.slices, {column: column for column in columns})
    return f",\n{alias} AS (\n  {indented(rows)}\n)"


def _join(alias: str) -> str:
    matches = "\n  AND ".join(f"{alias}.{key} = {'w' if key == 'window_index' else 'e'}.{key}" for key in KEYS)
    return f"LEFT JOIN {alias}\n  ON {matches}"


def _free_name(name: str, taken: set[str]) -> str:
    """Return `name`, changed where another column is called so; the warehouse ignores case."""
    while name.lower() in taken:
        name += "_metric"
    taken.add(name.lower())
    return name
