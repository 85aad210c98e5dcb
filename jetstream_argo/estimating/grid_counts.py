"""Counts of values up to each point of a grid, of branches with many distinct values: the query and its answer."""

from dataclasses import dataclass

import numpy as np

from jetstream_argo.estimating.columns import CountArray
from jetstream_argo.estimating.queries.grid_points import placed
from jetstream_argo.estimating.queries.observations import Observed
from jetstream_argo.estimating.reading import QueryRow
from jetstream_argo.estimating.summary import FEW_VALUES, extremes
from jetstream_argo.sql.text import Sql, fill
from jetstream_argo.stats.needs import GridNeed
from jetstream_argo.stats.sufficient import GridCounts

POINTS, COUNTS = CountArray("points"), CountArray("counts")


@dataclass(frozen=True, slots=True)
class GridDetail:
    """What is asked for `need`, and what is answered."""

    need: GridNeed
    arrays: tuple[CountArray, ...] = (POINTS, COUNTS)

    def query(self, observed: Observed) -> Sql:
        """Return `grid_query`."""
        return grid_query(observed, self.need)

    def size(self, n: int) -> int:  # however many values there are
        """Return how many numbers a branch has at most."""
        return len(self.arrays) * self.need.grid_size

    def unanswered(self, summary: QueryRow) -> str:
        """Return nothing: every branch has a row."""
        return ""

    def data(self, summary: QueryRow, detail: QueryRow) -> GridCounts:
        """Return how many values of a branch are at most each point."""
        steps = np.zeros(self.need.grid_size, np.int64)
        np.add.at(steps, POINTS.of(detail), COUNTS.of(detail))
        return GridCounts(extremes(summary), tuple(np.cumsum(steps).tolist()))


def grid_query(observed: Observed, need: GridNeed, *, few: int = FEW_VALUES) -> Sql:
    """Return the query for how many values lie up to each point of the branch's grid, and above the point before.

    `points` are the points, counted from 0, that have any, and `counts` says how many. Branches of at most `few`
    distinct values have no row.
    """
    return fill("estimating/grid", placed=placed(observed, need, few, with_deviation=False))
