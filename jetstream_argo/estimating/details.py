"""The queries about branches with many distinct values, beyond their summary."""

from collections.abc import Sequence
from typing import Protocol

from jetstream_argo.estimating.density import DensityDetail
from jetstream_argo.estimating.grid_counts import GridDetail
from jetstream_argo.estimating.order_statistics import OrderStatisticsDetail
from jetstream_argo.estimating.queries.observations import Observed
from jetstream_argo.estimating.reading import QueryRow
from jetstream_argo.sql.text import Sql
from jetstream_argo.stats.needs import DensityNeed, DetailNeed, GridNeed, OrderStatisticsNeed
from jetstream_argo.stats.sufficient import DetailData


class Detail(Protocol):
    """A query for one need and the reading of its answer, which has arrays for every branch."""

    @property
    def arrays(self) -> Sequence[object]:
        """The columns that are arrays."""

    def query(self, observed: Observed) -> Sql:
        """Return the query."""

    def size(self, n: int) -> int:
        """Return how many numbers a branch of `n` values has at most in the answer."""

    def unanswered(self, summary: QueryRow) -> str:
        """Return why the answer may lack a branch with many values; nothing where it has every such branch."""

    def data(self, summary: QueryRow, detail: QueryRow) -> DetailData:
        """Return what is needed of a branch, from its summary and the answer."""


def detail_of(need: DetailNeed) -> Detail:
    """Return the query for `need` and the reading of its answer."""
    match need:
        case OrderStatisticsNeed():
            return OrderStatisticsDetail(need)
        case GridNeed():
            return GridDetail(need)
        case DensityNeed():
            return DensityDetail(need)
        case _:
            raise TypeError(f"nothing asks for {need!r}")
