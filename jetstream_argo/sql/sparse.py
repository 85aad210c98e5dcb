"""The query that gives daily values of those units only that have rows, and what the values of all others are."""

from collections.abc import Mapping, Sequence

from sqlglot import exp

from jetstream_argo.config.model import Basis
from jetstream_argo.dialect.expressions import parsed
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.plan.sources import Composed, Source
from jetstream_argo.sql import names, slices, states
from jetstream_argo.sql.slices import DateSlice
from jetstream_argo.sql.text import Sql, fill, lines, literal, literals
from jetstream_argo.sql.values import KEYS, WindowGrid, by_date, value_columns


def has_defaults(plan: AnalysisPlan, metric: Metric, grid_basis: Basis) -> bool:
    """Whether units without rows that enrolled into the same branch on the same date have the same value of `metric`.

    They do not where the value is computed from all rows at once, where a signal decides window by window who is
    exposed, and where the unit's own id, or chance, is in the value.
    """
    computation = metric.computation
    if not isinstance(computation, Composed) or (plan.signal is not None and grid_basis is Basis.EXPOSURES):
        return False
    tree = parsed(computation.finaliser)
    own = any(column.name.lower() == "analysis_id" for column in tree.find_all(exp.Column))
    return not own and tree.find(exp.Rand, exp.Uuid) is None


def sparse_values_query(
    plan: AnalysisPlan,
    source: Source,
    metrics: Sequence[Metric],
    grid: WindowGrid,
    *,
    days: Sequence[DateSlice],
    probes: Mapping[str, int],
    batch: int,
) -> Sql:
    """Return the query that merges partials of days into the values of composed `metrics` of one source.

    A row is a unit in a window of one day in which it has rows; or, without `analysis_id`, what the values are for
    units without rows of a branch and enrollment date. `probes` names, by partial, the batch that tells of these.
    """
    assert by_date(grid)
    computations = [(m, m.computation) for m in metrics if isinstance(m.computation, Composed)]
    needed = dict.fromkeys(column for _, computation in computations for column in computation.partials)
    partials = [partial for partial in source.partials if partial.column in needed]
    columns_of = states.together([partial.column for partial in partials], probes)
    name, repeated = names.partials(plan, source.name), slices.overlap(days)
    keys = [Sql("d.analysis_id"), Sql("d.branch"), Sql("d.submission_date")]
    merges = [states.merged(partial) for partial in partials]
    first, last = grid.windows[0], grid.windows[-1]
    window = f"DATE_DIFF(m.submission_date, u.anchor, DAY) - ({first.first_day}) + {first.index} AS window_index"
    found = {key: Sql(f"u.{key}") for key in KEYS} | {"window_index": Sql(window)}
    nobody = {
        "analysis_id": Sql("CAST(NULL AS STRING)"),
        "branch": Sql("g.branch"),
        "window_index": Sql("window_index"),
        "enrollment_date": Sql("g.enrollment_date"),
        "exposure_date": Sql("CAST(NULL AS DATE)"),
        "num_exposure_events": Sql("CAST(NULL AS INT64)"),
    }
    return fill(
        "sparse",
        anchor=grid.anchor,
        units=grid.units,
        days=slices.days(name, days, [partial.column for partial in partials]),
        merged=fill("merged_days", columns=lines([*keys, *merges], indent=0)) if repeated else Sql(""),
        found=lines(
            [
                *found.values(),
                *(Sql(f"{states.found(p, is_merged=repeated)} AS {p.column}") for p in partials),
            ],
            indent=0,
        ),
        rows=Sql("merged" if repeated else "days"),
        first_day=literal(first.first_day),
        last_day=literal(last.last_day),
        alone=lines([*nobody.values(), *(states.alone(p, columns_of) for p in partials)], indent=0),
        probes=states.join_probes(name, columns_of),
        windows=literals(w.index for w in grid.windows),
        columns=value_columns(
            batch, [(metric, computation.finaliser) for metric, computation in computations], enrolled=True
        ),
    )
