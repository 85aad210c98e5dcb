"""Tests whether the branches differed before enrollment, by the values that estimates are adjusted with."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from jetstream_argo.config.model import Basis
from jetstream_argo.estimating.groups import RequestedStatistic
from jetstream_argo.estimating.model import Before, Placed
from jetstream_argo.estimating.queries.leaf import ALL_UNITS
from jetstream_argo.plan.model import AnalysisPlan, MetricStatistics
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.stats.comparisons.contrasts import welch
from jetstream_argo.stats.moments import Covaried, Moments
from jetstream_argo.stats.needs import JointMomentsNeed
from jetstream_argo.stats.rows import Comparison
from jetstream_argo.stats.sufficient import BranchFacts

# Below so many units a branch the t law is none for skew values.
FEWEST_UNITS = 30

# Gives what is known of a branch of all enrolled units in a window, for a statistic's place among those asked for.
_FactsOf = Callable[[int, int, str], BranchFacts]


def of_covariates(
    plan: AnalysisPlan, asked: Sequence[RequestedStatistic], facts_of: _FactsOf, windows: Sequence[AnalysisWindow]
) -> Iterator[Before]:
    """Yield the test of each covariate between the reference branch and each other one, in the last window.

    It is Welch's, of the covariate as it is clipped, over the units that have a value in the window.
    """
    reference, others = _branches(plan)
    tested: set[str] = set()
    for number, statistic in enumerate(asked):
        if not isinstance(statistic.need, JointMomentsNeed) or statistic.need.covariate.metric in tested:
            continue
        metric = statistic.need.covariate.metric or ""
        tested.add(metric)
        before = _moments(facts_of(number, windows[-1].index, reference))
        for branch in others:
            p_value = _p_value(before, _moments(facts_of(number, windows[-1].index, branch)))
            if p_value is not None:
                yield Before(metric, branch, p_value)


def of_rows(plan: AnalysisPlan, leaf: MetricStatistics, rows: Sequence[Placed]) -> Iterator[Before]:
    """Yield the same from estimates of a period before enrollment; of several statistics the first with a p-value."""
    if not leaf.period.before_enrollment:
        return
    reference, _ = _branches(plan)
    own = [
        placed.row
        for placed in rows
        if placed.segment == ALL_UNITS
        and placed.basis is Basis.ENROLLMENTS
        and placed.row.comparison is Comparison.DIFFERENCE
        and placed.row.comparison_to_branch == reference
        and placed.row.p_value is not None
        and placed.row.n_units >= 2 * FEWEST_UNITS
    ]
    for branch, found in groupby(sorted(own, key=lambda row: row.branch), key=lambda row: row.branch):
        row = next(found)
        yield Before(leaf.metric, branch, row.p_value or 0.0)


def _branches(plan: AnalysisPlan) -> tuple[str, tuple[str, ...]]:
    branches = plan.experiment.branches
    reference = plan.experiment.reference_branch or branches[0]
    return reference, tuple(branch for branch in branches if branch != reference)


def _moments(facts: BranchFacts) -> Moments:
    return facts.data.complete.x if isinstance(facts.data, Covaried) else Moments(0, 0.0, 0.0)


def _p_value(reference: Moments, branch: Moments) -> float | None:
    if min(reference.n, branch.n) < FEWEST_UNITS or not (reference.varies or branch.varies):
        return None
    return welch(reference, branch).p_value
