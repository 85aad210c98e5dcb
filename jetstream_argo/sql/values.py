"""The queries that give metric values: by merging daily partials into windows, and direct ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.plan.sources import Composed, Partial, Source
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.sql import deleted, names, slices, states
from jetstream_argo.sql.partials import counting
from jetstream_argo.sql.slices import DateSlice, Reasons
from jetstream_argo.sql.telemetry import between, date_of, unit_of
from jetstream_argo.sql.text import Sql, fill, identifier, lines, literal


@dataclass(frozen=True, slots=True)
class WindowGrid:
    """For whom values are computed: the units of `basis`, in `windows` of `period`, which follow one another.

    `units` is the relation of the units (`sql.units`); `signals` are the slices of the exposure signal's table, where
    the plan has a signal.
    """

    basis: Basis
    period: Period
    windows: tuple[AnalysisWindow, ...]
    units: Sql
    signals: tuple[DateSlice, ...] = ()

    @property
    def anchor(self) -> Sql:
        """The column of the date from which the days of windows are counted, where no signal decides."""
        return Sql("enrollment_date" if self.basis is Basis.ENROLLMENTS else "exposure_date")


def values_query(
    plan: AnalysisPlan,
    source: Source,
    metrics: Sequence[Metric],
    grid: WindowGrid,
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
    columns_of = states.together([partial.column for partial in partials], probes)
    name = names.partials(plan, source.name)
    observed = _observed(partials, grid, repeated=slices.overlap(days))
    of_units = [
        *(Sql(f"g.{name}") for name in KEYS),
        *(states.found_or_alone(partial, columns_of, is_merged=observed.merged) for partial in partials),
    ]
    relations, joins = _grid(plan, grid), states.join_probes(name, columns_of)
    columns = value_columns(batch, [(metric, computation.finaliser) for metric, computation in computations])
    unknown = [partial.column for partial in partials if any(p.marked and partial.column in p.columns for p in days)]
    if unknown:
        place, windows = _place(grid)
        relation = deleted.deleted(
            name, days, unknown, place, windows, (grid.windows[0].first_day, grid.windows[-1].last_day)
        )
        relations = Sql(f"{relations.rstrip()},\n{relation.rstrip()}")
        joins = Sql(f"{joins}\n{deleted.JOIN}")
        of_units += [deleted.state(column) for column in unknown]
        known = [(metric, _if_known(computation, unknown)) for metric, computation in computations]
        columns = Sql(f"{value_columns(batch, known)},\n{deleted.reason(unknown)}")
    return fill(
        "values",
        grid=relations,
        days=slices.days(
            name, days, [p.column for p in partials], reasons=Reasons.LEFT_OUT if unknown else Reasons.NONE
        ),
        merged=observed.relation,
        states=lines(of_units, indent=0),
        join=observed.join,
        probes=joins,
        columns=columns,
    )


@dataclass(frozen=True, slots=True)
class _Observed:
    """What the units did in a window: a relation to define, and how it joins the grid as `m`.

    `merged` says whether its columns are what the partials' merges give, or the partials themselves.
    """

    relation: Sql
    join: Sql
    merged: bool


def _observed(partials: Sequence[Partial], grid: WindowGrid, *, repeated: bool) -> _Observed:
    """Return what the units did in the windows of `grid`.

    Where every window is one date of a unit, the days join the grid by it: nothing is read or shuffled for more, and
    nothing is merged unless a unit may have several rows on a date (`repeated`). Where windows have more days, the
    units are joined to these first, so that no day is compared with every window.
    """
    merges = [states.merged(partial) for partial in partials]
    if by_date(grid):
        keys = [Sql("d.analysis_id"), Sql("d.branch"), Sql("d.submission_date")]
        relation = fill("merged_days", columns=lines([*keys, *merges], indent=0)) if repeated else Sql("")
        return _Observed(relation, Sql(f"LEFT JOIN {'merged' if repeated else 'days'} AS m\n{_ON_DATE}"), repeated)
    place, windows = _place(grid)
    keys = [Sql("u.analysis_id"), Sql("u.branch"), Sql(f"{place} AS window_index")]
    relation = fill(
        "merged_windows",
        columns=lines([*keys, *merges], indent=0),
        windows=windows,
        first_day=literal(grid.windows[0].first_day),
        last_day=literal(grid.windows[-1].last_day),
    )
    return _Observed(relation, Sql(f"LEFT JOIN merged AS m\n{_ON_WINDOW}"), merged=True)


def by_date(grid: WindowGrid) -> bool:
    """Return whether every window is one day, so that each date of a unit is in one window at most."""
    return not grid.period.grows and grid.windows[0].days == 1


_ON_WINDOW = "  ON m.analysis_id = g.analysis_id AND m.branch = g.branch AND m.window_index = g.window_index"
_ON_DATE = (
    "  ON m.analysis_id = g.analysis_id AND m.branch = g.branch\n"
    "  AND m.submission_date = DATE_ADD(g.anchor, INTERVAL g.analysis_window_start DAY)"
)


def _place(grid: WindowGrid) -> tuple[str, Sql]:
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


def direct_query(plan: AnalysisPlan, source: Source, metrics: Sequence[Metric], grid: WindowGrid, *, batch: int) -> Sql:
    """Return the query that computes `metrics` of one source from all rows of every window."""
    first_date, last_date = plan.experiment.timeline.dates(grid.windows[0].first_day, grid.windows[-1].last_day)
    keys = (*KEYS, "analysis_window_start", "analysis_window_end")
    return fill(
        "direct",
        grid=_grid(plan, grid),
        columns=value_columns(batch, [(metric, metric.select_expression) for metric in metrics]),
        source=Sql(source.from_expression),
        unit=unit_of(source.id_column),
        date=date_of(source.date_column),
        dates=between(source.date_column, first_date, last_date),
        counts=counting(source),
        keys=lines([Sql(f"e.{key}") for key in keys]),
    )


KEYS = ("analysis_id", "branch", "window_index", "enrollment_date", "exposure_date", "num_exposure_events")


def value_columns(batch: int, values: Sequence[tuple[Metric, str]], *, enrolled: bool = False) -> Sql:
    """Return the columns of stored values, over a row `e` of a unit and window: what tells rows apart, and `values`.

    The date on which a unit was `enrolled` is among them where values are of units that enrolled then.
    """
    keys = [Sql(f"e.{key}") for key in KEYS if enrolled or key != "enrollment_date"]
    # A comment at the end of an expression must not swallow what follows it.
    wanted = [Sql(f"(\n  {expression}\n) AS {metric.column}") for metric, expression in values]
    return lines([Sql(f"{literal(batch)} AS batch"), *keys, *wanted], indent=0)


def _grid(plan: AnalysisPlan, grid: WindowGrid) -> Sql:
    if plan.signal is not None and grid.basis is Basis.EXPOSURES:
        return signal_grid(plan, grid)
    windows = [
        Sql(
            f"STRUCT({w.index} AS window_index, {w.first_day} AS analysis_window_start, "
            f"{w.last_day} AS analysis_window_end)"
        )
        for w in grid.windows
    ]
    return fill(
        "grid_units",
        anchor=grid.anchor,
        units=grid.units,
        windows=lines(windows, indent=0),
    )


def signal_grid(plan: AnalysisPlan, grid: WindowGrid) -> Sql:
    """Return the relations that end in `grid`: a row per unit and window in which the plan's signal exposed it."""
    assert plan.signal is not None
    signal_windows = plan.signal.windows_of(grid.period, grid.windows)
    windows = [
        Sql(
            f"STRUCT({w.index} AS window_index, {w.first_day} AS analysis_window_start, "
            f"{w.last_day} AS analysis_window_end, {literal(dates.first_date)} AS first_date, "
            f"{literal(dates.last_date)} AS last_date)"
        )
        for w, dates in zip(grid.windows, signal_windows, strict=True)
    ]
    column = plan.signal.partial.column
    return fill(
        "grid_signal",
        units=grid.units,
        signal=identifier(column),
        signals=slices.days(names.signals(plan), grid.signals, [column]),
        windows=lines(windows, indent=0),
    )
