"""The statistic `quantiles`: the median, or any other quantiles, by the laws of order statistics."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from jetstream_argo.stats.arguments import argument, number
from jetstream_argo.stats.draft import Draft
from jetstream_argo.stats.needs import OrderStatisticsNeed
from jetstream_argo.stats.parameters import confidence
from jetstream_argo.stats.rows import EstimateRow, parameter_text
from jetstream_argo.stats.sufficient import Sample

MOST = 20

_probability = number(0, 1, inclusive=False)


def _probabilities(value: object) -> tuple[float, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not 1 <= len(value) <= MOST:
        raise ValueError(f"must be a list of 1 to {MOST} probabilities, such as [0.5, 0.95], is {value!r}")
    found = sorted(_probability(probability) for probability in value)
    if len(set(map(parameter_text, found))) < len(found):
        raise ValueError(f"must differ in the first six decimals, is {value!r}")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The quantiles of these probabilities, such as 0.5, the median, and 0.95; bootstrapped, by the exact law."""

    row_name: ClassVar[str] = "quantiles"
    probabilities: tuple[float, ...] = argument(_probabilities, default=(0.5, 0.9, 0.95, 0.99))
    confidence_interval: float = argument(confidence, default=0.95)

    def need(self) -> OrderStatisticsNeed:
        """Return what the warehouse must deliver."""
        return OrderStatisticsNeed(self.probabilities)

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return the quantiles of each branch, and the comparisons; see `comparisons.quantiles.quantile_rows`."""
        from jetstream_argo.stats.comparisons.quantiles import quantile_rows

        draft = Draft(sample.metric, self.row_name, self.confidence_interval)
        return tuple(quantile_rows(draft, sample, self.probabilities))
