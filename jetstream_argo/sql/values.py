"""The queries that give metric values: daily partials, their merge into windows, and direct ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from jetstream_argo.config.model import Basis, Period
from jetstream_argo.plan.model import AnalysisPlan, Composed, Merge, Metric, Partial, Source
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql import deleted, names, slices
from jetstream_argo.sql.slices import DateSlice, Reasons
from jetstream_argo.sql.telemetry import between, date_of, unit_of
from jetstream_argo.sql.text import Sql, fill, identifier, lines, literal, literals


@dataclass(frozen=True, slots=True)
class Grid:
    """For whom values are computed: the units of `basis`, in `windows` of `period`, which follow one another.

    `units` is the relation of the units (`sql.units`); `signals` are the slices of the exposure signal's table, where
    the plan has a signal.
    """

    basis: Basis
    period: Period
    windows: tuple[AnalysisWindow, ...]
    units: Sql
    signals: tuple[DateSlice, ...] = ()


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
        counts=_counts(source),
    )


def values_query(
    plan: AnalysisPlan,
    source: Source,
    metrics: Sequence[Metric],
    grid: Grid,
    *,
    days: Sequence[DateSlice],
    probes: Mapping[str, int],
    batch: int,
) -> Sql:
    """Return the query that merges partials into the values of composed `metrics` of one source.

    `probes` names, by partial, the batch from which its state without rows is taken. Values that need rows
    which only say that the unit was deleted upstream are NULL, and the column `reason` says so.
    """
    computations = [(m, m.computation) for m in metrics if isinstance(m.computation, Composed)]
    needed = dict.fromkeys(column for _, computation in computations for column in computation.partials)
    partials = [partial for partial in source.partials if partial.column in needed]
    first, last = grid.windows[0], grid.windows[-1]
    place, windows = _place(grid)
    merged = [
        Sql("u.analysis_id"),
        Sql("u.branch"),
        Sql(f"{place} AS window_index"),
        *(Sql(f"{_merge(partial)} AS {partial.column}") for partial in partials),
    ]
    columns_of = _together([partial.column for partial in partials], probes)
    states = [
        *(Sql(f"g.{name}") for name in _KEYS),
        *(Sql(f"{_state(partial, _probe_of(partial, columns_of))} AS {partial.column}") for partial in partials),
    ]
    name = names.partials(plan, source.name)
    relations, joins = _grid(plan, grid), _join_probes(name, columns_of)
    columns = _columns(batch, [(metric, computation.finaliser) for metric, computation in computations])
    unknown = [partial.column for partial in partials if any(p.marked and partial.column in p.columns for p in days)]
    if unknown:
        relation = deleted.deleted(name, days, unknown, place, windows, (first.first_day, last.last_day))
        relations = Sql(f"{relations.rstrip()},\n{relation.rstrip()}")
        joins = Sql(f"{joins}\n{deleted.JOIN}")
        states += [deleted.state(column) for column in unknown]
        known = [(metric, _if_known(computation, unknown)) for metric, computation in computations]
        columns = Sql(f"{_columns(batch, known)},\n{deleted.reason(unknown)}")
    return fill(
        "values",
        grid=relations,
        days=slices.days(
            name, days, [p.column for p in partials], reasons=Reasons.LEFT_OUT if unknown else Reasons.NONE
        ),
        merged=lines(merged, indent=0),
        windows=windows,
        first_day=literal(first.first_day),
        last_day=literal(last.last_day),
        states=lines(states, indent=0),
        probes=joins,
        columns=columns,
    )


def _place(grid: Grid) -> tuple[str, Sql]:
    """The window of a day `d` of the unit `u`; and the windows, to be joined, where a day is in several."""
    first = grid.windows[0]
    day = "DATE_DIFF(d.submission_date, u.anchor, DAY)"
    if not grid.period.grows:
        return f"DIV({day} - ({first.first_day}), {first.days}) + {first.index}", Sql("")
    windows = [
        Sql(f"STRUCT({w.index} AS number, {w.first_day} AS first_day, {w.last_day} AS last_day)") for w in grid.windows
    ]
    listed = lines(windows, indent=2)
    return "w.number", Sql(f"INNER JOIN UNNEST([\n  {listed}\n]) AS w\n  ON {day} BETWEEN w.first_day AND w.last_day")


def _if_known(computation: Composed, unknown: Sequence[str]) -> str:
    concerned = [column for column in computation.partials if column in unknown]
    if not concerned:
        return computation.finaliser
    return f"IF({deleted.unknown(concerned)}, NULL, (\n{computation.finaliser}\n))"


def direct_query(plan: AnalysisPlan, source: Source, metrics: Sequence[Metric], grid: Grid, *, batch: int) -> Sql:
    """Return the query that computes `metrics` of one source from all rows of every window."""
    first_date, last_date = plan.experiment.timeline.dates(grid.windows[0].first_day, grid.windows[-1].last_day)
    keys = (*_KEYS, "analysis_window_start", "analysis_window_end")
    return fill(
        "direct",
        grid=_grid(plan, grid),
        columns=_columns(batch, [(metric, metric.select_expression) for metric in metrics]),
        source=Sql(source.from_expression),
        unit=unit_of(source.id_column),
        date=date_of(source.date_column),
        dates=between(source.date_column, first_date, last_date),
        counts=_counts(source),
        keys=lines([Sql(f"e.{key}") for key in keys]),
    )


_KEYS = ("analysis_id", "branch", "window_index", "enrollment_date", "exposure_date", "num_exposure_events")


def _counts(source: Source) -> Sql:
    """On the day of enrollment, only rows that carry the experiment count: the others are from before it."""
    if source.branch_expression is None:
        return Sql("TRUE")
    return Sql(f"{date_of(source.date_column)} != e.enrollment_date OR ({source.branch_expression}) IS NOT NULL")


def _columns(batch: int, values: Sequence[tuple[Metric, str]]) -> Sql:
    keys = [Sql(f"e.{key}") for key in _KEYS if key != "enrollment_date"]
    # A comment at the end of an expression must not swallow what follows it.
    wanted = [Sql(f"(\n  {expression}\n) AS {metric.column}") for metric, expression in values]
    return lines([Sql(f"{literal(batch)} AS batch"), *keys, *wanted], indent=0)


def _merge(partial: Partial) -> Sql:
    column = f"d.{identifier(partial.column)}"
    if partial.merge in (Merge.MAX_BY, Merge.MIN_BY):
        return Sql(f"{partial.merge}({column}.value, {column}.rank)")
    return Sql(f"{partial.merge}({column})")


def _state(partial: Partial, probe: int) -> Sql:
    alone = f"q{probe}.{partial.column}"
    if partial.merge in (Merge.MAX_BY, Merge.MIN_BY):
        alone += ".value"
    return Sql(f"IF(m.analysis_id IS NULL, {alone}, m.{partial.column})")


def _together(columns: Sequence[str], probes: Mapping[str, int]) -> dict[int, list[str]]:
    """Return, per batch, the columns whose state without rows is taken from it."""
    chosen: dict[int, list[str]] = {}
    for column in columns:
        chosen.setdefault(probes[column], []).append(column)
    return chosen


def _probe_of(partial: Partial, probes: Mapping[int, list[str]]) -> int:
    return next(number for number, columns in enumerate(probes.values(), 1) if partial.column in columns)


def _join_probes(name: str, probes: Mapping[int, list[str]]) -> Sql:
    joins = []
    for number, (batch, columns) in enumerate(probes.items(), 1):
        rows = slices.probe(name, batch, columns).replace("\n", "\n  ")
        joins.append(
            f"LEFT JOIN (\n  {rows}\n) AS q{number}\n"
            f"  ON q{number}.branch = g.branch AND q{number}.enrollment_date = g.enrollment_date"
        )
    return Sql("\n".join(joins))


def _grid(plan: AnalysisPlan, grid: Grid) -> Sql:
    if plan.signal is not None and grid.basis is Basis.EXPOSURES:
        return signal_grid(plan, grid)
    windows = [
        Sql(
            f"STRUCT({w.index} AS window_index, {w.first_day} AS analysis_window_start, "
            f"{w.last_day} AS analysis_window_end)"
        )
        for w in grid.windows
    ]
    anchor = "enrollment_date" if grid.basis is Basis.ENROLLMENTS else "exposure_date"
    return fill(
        "grid_units",
        anchor=Sql(anchor),
        units=grid.units,
        windows=lines(windows, indent=0),
    )


def signal_grid(plan: AnalysisPlan, grid: Grid) -> Sql:
    """Return the relations that end in `grid`: a row per unit and window in which the plan's signal exposed it."""
    assert plan.signal is not None
    dates = {w.index: w for w in plan.signal.windows if w.period is grid.period}
    windows = [
        Sql(
            f"STRUCT({w.index} AS window_index, {w.first_day} AS analysis_window_start, "
            f"{w.last_day} AS analysis_window_end, {literal(dates[w.index].first_date)} AS first_date, "
            f"{literal(dates[w.index].last_date)} AS last_date)"
        )
        for w in grid.windows
    ]
    column = plan.signal.partial.column
    return fill(
        "grid_signal",
        units=grid.units,
        signal=identifier(column),
        signals=slices.days(names.signals(plan), grid.signals, [column]),
        windows=lines(windows, indent=0),
    )
