"""Whether all enrolled units count in each of their branches, as in Jetstream, where an experiment excludes nobody.

Counts and estimates are made again from every unit's stored value, by the definitions of mozanalysis 2026.10.1 (numpy's
`quantile`, `minimum` and `mean`), so that this needs no Jetstream beside the repository.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Statistic
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.sql.text import Sql
from jetstream_argo.stats.methods.bootstrap_mean import BootstrapMean
from jetstream_argo.stats.methods.linear_model_mean import LinearModelMean
from jetstream_argo.stats.pretreatments import RemoveNulls
from jetstream_argo.store.estimates_table import IDENTITY
from tests.oracle.compare import Comparison
from tests.oracle.world import World


def compare_everybody(world: World) -> Comparison:
    """Compare counts, and means with their differences, over the whole observation period."""
    found = Comparison()
    rows = list(read_estimates(world.pipeline.engine, world.plan, Filters(periods=(Period.OVERALL,))).dicts())
    own = {
        (row["metric"], row["statistic"], row["branch"], row["comparison"], row["comparison_to_branch"]): row["point"]
        for row in rows
        if (row["analysis_basis"], row["segment"], row["parameter"]) == (Basis.ENROLLMENTS.value, "all", None)
    }
    units = Sql(f"SELECT e.analysis_id, e.branch FROM {world.pipeline.units()} AS e")
    enrolled = [(str(unit), str(branch)) for unit, branch in world.pipeline.engine.query(units, labels={}).rows]
    branches_of = Counter(unit for unit, _ in enrolled)
    found.compared["units in two branches"] = sum(number > 1 for number in branches_of.values())
    for branch in world.plan.experiment.branches:
        rows_of_branch = sum(name == branch for _, name in enrolled)
        found.see("counts", branch, own[IDENTITY, "count", branch, None, None], rows_of_branch)
    for metric, statistic in plain_means(world.plan):
        values = _values(world, metric)
        means = {branch: _mean(statistic, values, branch) for branch in values}
        name = statistic.method.row_name
        for branch, mean in means.items():
            found.see("means", f"{metric} {branch}", own[metric, name, branch, None, None], mean)
            for reference, base in means.items():
                if reference != branch:
                    difference = own[metric, name, branch, "difference", reference]
                    found.see("differences", f"{metric} {branch} {reference}", difference, mean - base)
    return found


def plain_means(plan: AnalysisPlan) -> Iterator[tuple[str, Statistic]]:
    """Yield the statistics over the whole period that are means of all units with a value: nothing adjusts them."""
    for leaf in plan.statistics:
        for statistic in leaf.statistics if leaf.period is Period.OVERALL else ():
            plain = all(isinstance(step.treatment, RemoveNulls) for step in statistic.pre_treatments)
            if isinstance(statistic.method, LinearModelMean | BootstrapMean) and plain and not statistic.covariate:
                yield leaf.metric, statistic


def _values(world: World, metric: str) -> dict[str, list[float]]:
    stored = world.pipeline.all_values([world.plan.metric(metric)], Period.OVERALL, Basis.ENROLLMENTS)[metric]
    found: dict[str, list[float]] = {branch: [] for branch in world.plan.experiment.branches}
    for (_, branch, _), value in stored.items():
        if value is not None:
            found[branch].append(value if isinstance(value, int) else float(str(value)))
    return found


def _mean(statistic: Statistic, values: dict[str, list[float]], branch: str) -> float:
    """Return a branch's mean: clipped at a quantile of all branches by linear models, at its own by the bootstrap."""
    method = statistic.method
    assert isinstance(method, LinearModelMean | BootstrapMean)
    pooled = isinstance(method, LinearModelMean)
    judged = np.concatenate(list(values.values())) if pooled else np.array(values[branch])
    limit = np.quantile(judged, 1 - method.drop_highest)
    if pooled and all(isinstance(value, int) for of_branch in values.values() for value in of_branch):
        limit = np.ceil(limit)
    return float(np.minimum(values[branch], limit).mean())
