"""Finds the values that a leaf's statistics are computed from."""

from collections.abc import Sequence

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Covariate
from jetstream_argo.estimating.model import Stored
from jetstream_argo.estimating.queries.leaf import StoredValues
from jetstream_argo.plan.model import Metric, MetricStatistics
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.run.context import Context
from jetstream_argo.run.values import bases_of
from jetstream_argo.sql import names
from jetstream_argo.sql.counting import counting


def covariates_of(leaf: MetricStatistics) -> tuple[Covariate, ...]:
    """Return the covariates of all statistics of a leaf."""
    return tuple(dict.fromkeys(statistic.covariate for statistic in leaf.statistics if statistic.covariate))


def stored_for(context: Context, leaf: MetricStatistics, windows: Sequence[AnalysisWindow]) -> Stored:
    """Return where the values in these windows are; of others nothing is read."""
    metric = context.plan.metric(leaf.metric)
    parts = {name: context.plan.metric(name) for name in (metric.depends_on or (metric.name,))}
    return Stored(
        values={
            name: tuple(
                _stored_values(context, part, basis, leaf.period, windows)
                for basis in metric.bases
                if basis in bases_of(part, leaf.period)
            )
            for name, part in parts.items()
        },
        units=counting(context.plan, context.currency().units, exposures=False),
        everybody=not context.plan.enrollments.exclusions.excludes,
        covariates={covariate: _stored_covariate(context, covariate) for covariate in covariates_of(leaf)},
    )


def _stored_values(
    context: Context, metric: Metric, basis: Basis, period: Period, windows: Sequence[AnalysisWindow]
) -> StoredValues:
    table = names.values(context.plan, basis, metric.source, period)
    return StoredValues(basis, table, metric.column, context.ledger.window_slices(table, metric.column, windows))


def _stored_covariate(context: Context, covariate: Covariate) -> StoredValues | None:
    metric = context.plan.metric(covariate.metric)
    windows = context.plan.windows(covariate.period)
    found = _stored_values(context, metric, Basis.ENROLLMENTS, covariate.period, windows)
    return found if found.slices else None
