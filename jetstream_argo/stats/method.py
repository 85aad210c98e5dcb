"""The protocol of a statistic: parameters that say which data they need, and make rows of them."""

from typing import ClassVar, Protocol

from jetstream_argo.stats.needs import Adjustment, Need
from jetstream_argo.stats.rows import EstimateRow
from jetstream_argo.stats.sufficient import Sample


class Method(Protocol):
    """The parameters of a statistic: a frozen dataclass whose fields are `arguments.argument`.

    The registry loads every method for its parameters alone, so that what computes (numpy, scipy, the laws and
    comparisons) is imported where `rows` calls it.
    """

    row_name: ClassVar[str]

    def need(self) -> Need:
        """Return what the warehouse must deliver."""

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return the rows: branches in the sample's order, then every ordered pair of a reference and another.

        Raises:
            EstimateError: the sample does not hold what `need` asks for.
        """


def covariate_of(method: Method) -> Adjustment | None:
    """Return what the method adjusts its comparisons by; None if it does not, or cannot."""
    # A plan asks this some hundred thousand times, and `isinstance` of a protocol takes forty times as long.
    adjustment: Adjustment | None = getattr(method, "covariate_adjustment", None)
    return adjustment
