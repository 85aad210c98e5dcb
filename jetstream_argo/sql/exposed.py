"""The query that gives the values of exposed units from those of all enrolled ones, where a signal decides on exposure.

A signal says in which windows a unit counts, whose days are counted from its enrollment all the same: what it did in a
window is computed once, and telemetry that must be read whole is not read for the exposed ones again.
"""

from collections.abc import Sequence

from sqlglot import exp

from jetstream_argo.config.model import Basis
from jetstream_argo.dialect.expressions import parsed
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.plan.sources import Composed
from jetstream_argo.sql.slices import WindowSlice
from jetstream_argo.sql.text import Sql, fill
from jetstream_argo.sql.value_rows import value_rows
from jetstream_argo.sql.values import WindowGrid, signal_grid, value_columns

_OF_EXPOSURE = frozenset({"exposure_date", "num_exposure_events"})


def is_as_enrolled(plan: AnalysisPlan, metric: Metric, basis: Basis) -> bool:
    """Whether an exposed unit has the same value of `metric` in a window as it has among all enrolled units.

    It has not where the days of windows are counted from exposure, nor where the value tells of the exposure, by a
    column of it or by the whole row of the unit; and it is not known where nobody asks about all enrolled units.
    """
    if plan.signal is None or basis is not Basis.EXPOSURES or Basis.ENROLLMENTS not in metric.bases:
        return False
    computation = metric.computation
    tree = parsed(computation.finaliser if isinstance(computation, Composed) else metric.select_expression)
    columns = {(column.table.lower(), column.name.lower()) for column in tree.find_all(exp.Column)}
    tells = any(name in _OF_EXPOSURE or (not table and name == "e") for table, name in columns)
    return not tells and not any(star.find_ancestor(exp.Count) is None for star in tree.find_all(exp.Star))


def exposed_values_query(
    plan: AnalysisPlan,
    metrics: Sequence[Metric],
    grid: WindowGrid,
    *,
    enrolled: str,
    slices: Sequence[WindowSlice],
    batch: int,
) -> Sql:
    """Return the query for the values of `metrics` that the table `enrolled` has in `slices`, of exposed units."""
    columns = {metric.column: metric.column for metric in metrics}
    return fill(
        "exposed_values",
        grid=signal_grid(plan, grid),
        columns=value_columns(batch, [(metric, f"v.{metric.column}") for metric in metrics]),
        values=value_rows(plan, enrolled, slices, columns),
    )
