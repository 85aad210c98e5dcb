"""The statistic `bootstrap_mean`: means by the Bayesian bootstrap, without resampling."""

from dataclasses import dataclass
from typing import ClassVar

from jetstream_argo.stats.arguments import argument
from jetstream_argo.stats.draft import Draft
from jetstream_argo.stats.moments import PowerSums
from jetstream_argo.stats.needs import ClipScope, PowerSumsNeed
from jetstream_argo.stats.parameters import clip_rule, confidence, samples, share_dropped
from jetstream_argo.stats.rows import EstimateRow
from jetstream_argo.stats.sufficient import Sample


@dataclass(frozen=True, slots=True)
class BootstrapMean:
    """Means, by the Bayesian bootstrap. `num_samples` has no effect: the law is exact."""

    row_name: ClassVar[str] = "mean"
    num_samples: int = argument(samples, default=10_000)
    drop_highest: float = argument(share_dropped, default=0.005)
    confidence_interval: float = argument(confidence, default=0.95)

    def need(self) -> PowerSumsNeed:
        """Return what the warehouse must deliver."""
        return PowerSumsNeed(clip_rule(self.drop_highest, ClipScope.PER_BRANCH))

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return each branch's mean, then for every pair the difference and the relative uplift.

        The law is that of the mean of the clipped values weighted by Dirichlet(1, …, 1), to which resampling
        converges. Points are expectations, bounds the law's central quantiles; the p-value is the level at which a
        difference's interval just reaches 0. The law comes from eight power sums; where these do not suffice, from the
        value counts, or else the rows say that they are approximate.

        With one unit there are points only. A relative uplift is missing where the reference's mean may be 0.

        Raises:
            EstimateError: the sample holds neither `PowerSums` nor `ValueCounts`.
        """
        from jetstream_argo.stats.comparisons.bootstrapped_means import branch_means, compared

        draft = Draft(sample.metric, self.row_name, self.confidence_interval)
        rows = []
        branches = branch_means(sample, self.need().clip)
        for reference, branch, comparison, interval in compared(branches, self.confidence_interval):
            if reference is None:
                rows.append(draft.of_branch(branch.name, branch.n, interval))
            else:
                pair, n = (reference.name, branch.name), reference.n + branch.n
                rows.append(draft.of_pair(pair, n, comparison, interval))
        return tuple(rows)

    def branches_without_exact_bounds(self, sample: Sample) -> tuple[str, ...]:
        """Return the branches whose `PowerSums` do not suffice for exact bounds; their `ValueCounts` would."""
        from jetstream_argo.stats.comparisons.bootstrapped_means import branch_means

        means = branch_means(sample, self.need().clip)
        return tuple(
            branch.name
            for branch, facts in zip(means, sample.branches, strict=True)
            if not branch.exact and isinstance(facts.data, PowerSums)
        )
