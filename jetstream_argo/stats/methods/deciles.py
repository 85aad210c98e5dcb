"""The statistic `deciles`: where the nine deciles are, by the laws of order statistics."""

from dataclasses import dataclass
from typing import ClassVar

from jetstream_argo.stats.arguments import argument
from jetstream_argo.stats.draft import Draft
from jetstream_argo.stats.needs import OrderStatisticsNeed
from jetstream_argo.stats.parameters import confidence, samples
from jetstream_argo.stats.rows import EstimateRow
from jetstream_argo.stats.sufficient import Sample

PROBABILITIES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class Deciles:
    """The nine deciles, bootstrapped. `num_samples` has no effect: the law is exact."""

    row_name: ClassVar[str] = "deciles"
    confidence_interval: float = argument(confidence, default=0.95)
    num_samples: int = argument(samples, default=10_000)

    def need(self) -> OrderStatisticsNeed:
        """Return what the warehouse must deliver."""
        return OrderStatisticsNeed(PROBABILITIES)

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return the deciles of each branch, and the comparisons; see `comparisons.quantiles.quantile_rows`."""
        from jetstream_argo.stats.comparisons.quantiles import quantile_rows

        draft = Draft(sample.metric, self.row_name, self.confidence_interval)
        return tuple(quantile_rows(draft, sample, PROBABILITIES))
