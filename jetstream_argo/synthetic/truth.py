"""Computes a metric's true effect from those of the columns that it is made of."""

from collections.abc import Mapping
from dataclasses import dataclass

from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.stats.methods.population_ratio import PopulationRatio
from jetstream_argo.synthetic.effects import Effect
from jetstream_argo.synthetic.scaling import metric_scale


@dataclass(frozen=True, slots=True)
class TrueEffect:
    """The relative uplift of a metric's mean in `branch` over `reference`, in every window from enrollment on.

    It is None where it does not follow from the effects on columns. Before enrollment it is 0.
    """

    metric: str
    branch: str
    reference: str
    relative_uplift: float | None


def true_effects(plan: AnalysisPlan, effects: tuple[Effect, ...]) -> tuple[TrueEffect, ...]:
    """Return the true effects of all metrics on all branches but the reference, in the order of the plan.

    The uplift of a metric that reads no changed column is exactly 0. The reference is the plan's reference branch, or
    the first branch. Units in several branches, a few in a thousand, are not thought of.
    """
    branches = plan.experiment.branches
    reference = plan.experiment.reference_branch or branches[0]
    scales = {branch: _scales(plan, effects, branch) for branch in branches}
    return tuple(
        TrueEffect(
            metric.name, branch, reference, _relative(scales[branch][metric.name], scales[reference][metric.name])
        )
        for metric in plan.metrics
        for branch in branches
        if branch != reference
    )


def _relative(branch: float | None, reference: float | None) -> float | None:
    return None if branch is None or reference is None else branch / reference - 1


def _scales(plan: AnalysisPlan, effects: tuple[Effect, ...], branch: str) -> Mapping[str, float | None]:
    """Return by how much each metric's mean in a branch is multiplied."""
    factors: dict[str, dict[str, float]] = {}
    for effect in effects:
        if effect.branch == branch:
            factors.setdefault(effect.table, {})[effect.column.lower()] = 1 + effect.uplift
    scales = {
        metric.name: metric_scale(
            metric.select_expression, from_expression=plan.source(metric.source).from_expression, factors=factors
        )
        for metric in plan.metrics
        if not metric.depends_on
    }
    return scales | {metric.name: _ratio(plan, metric, scales) for metric in plan.metrics if metric.depends_on}


def _ratio(plan: AnalysisPlan, metric: Metric, scales: Mapping[str, float | None]) -> float | None:
    """Return the scale of a ratio of two metrics' means; None if the metric is made otherwise."""
    asked = [
        statistic.method
        for wanted in plan.statistics
        if wanted.metric == metric.name
        for statistic in wanted.statistics
        if isinstance(statistic.method, PopulationRatio)
    ]
    if not asked:
        return None
    numerator, denominator = scales.get(asked[0].numerator), scales.get(asked[0].denominator)
    return None if numerator is None or denominator is None else numerator / denominator
