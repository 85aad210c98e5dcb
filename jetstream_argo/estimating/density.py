"""Moments of values in bins, for densities, of branches with many distinct values: query and answer."""

from dataclasses import dataclass

import numpy as np

from jetstream_argo.estimating.columns import CountArray, NumberArray, NumberColumn
from jetstream_argo.estimating.queries.grid_points import placed
from jetstream_argo.estimating.queries.observations import Observed
from jetstream_argo.estimating.queries.ranks import power
from jetstream_argo.estimating.reading import QueryRow
from jetstream_argo.estimating.summary import FEW_VALUES, MAXIMUM, extremes
from jetstream_argo.sql.text import Sql, fill, lines, literal
from jetstream_argo.stats.needs import DensityNeed
from jetstream_argo.stats.sufficient import Bins

# As `stats.laws.kernels` has them; loading it loads scipy.
BINS = 4
TERMS = 13
# Bandwidths from a grid's point beyond which a unit adds less than 1e-36 of the kernel's height.
REACH = 13.0
# Bandwidths from 0 up to which bins can be numbered.
MOST = 2.0**50

BANDWIDTH, INDEX = NumberColumn("bandwidth"), CountArray("bins")
MOMENTS = tuple(NumberArray(f"moment_{k}") for k in range(TERMS))


@dataclass(frozen=True, slots=True)
class DensityDetail:
    """What is asked for `need`, and what is answered."""

    need: DensityNeed
    arrays: tuple[CountArray | NumberArray, ...] = (INDEX, *MOMENTS)

    def query(self, observed: Observed) -> Sql:
        """Return `bins_query`."""
        return bins_query(observed, self.need)

    def size(self, n: int) -> int:  # however many values there are
        """Return how many numbers a branch has at most."""
        return len(self.arrays) * (self.need.grid_size + 1) * (2 * int(REACH) * BINS + 1)

    def unanswered(self, summary: QueryRow) -> str:
        """Return that bins cannot be numbered."""
        return f"values up to {MAXIMUM.of(summary):g} are too many bandwidths from 0"

    def data(self, summary: QueryRow, detail: QueryRow) -> Bins:
        """Return the moments of a branch's values."""
        powers = np.column_stack([column.of(detail) for column in MOMENTS])
        return Bins(extremes(summary), BANDWIDTH.of(detail), INDEX.of(detail), powers)


def bins_query(observed: Observed, need: DensityNeed, *, few: int = FEW_VALUES) -> Sql:
    """Return the query for the moments of values in bins a quarter of the bandwidth wide.

    Values too far from every point of the grid to matter are left out. `bins` are their numbers and `moment_k`
    the sums of `((y - middle) / bandwidth) ** k`, k = 0 … 12. There is no row for a branch of at most `few`
    distinct values, nor where values are more than `MOST` bandwidths from 0.
    """
    moments = [Sql(f"SUM({power_of(k)}) AS {column.name}") for k, column in enumerate(MOMENTS)]
    return fill(
        "estimating/bins",
        placed=placed(observed, need, few, with_deviation=need.bandwidth == "scott_sd"),
        bandwidth=_bandwidth(need.bandwidth),
        per_bandwidth=literal(BINS),
        most=literal(MOST),
        reach=literal(REACH),
        moments=lines(moments, indent=0),
        arrays=lines(
            [Sql(f"ARRAY_AGG(b.{column.name} ORDER BY b.bin) AS {column.name}") for column in MOMENTS], indent=0
        ),
    )


def power_of(exponent: int) -> str:
    """Return the term whose sum is a bin's moment."""
    return f"o.units * {power('o.e', exponent)}" if exponent else "o.units"


def _bandwidth(rule: str | float) -> Sql:
    """The bandwidth, as `stats.laws.kernels.bandwidth` has it."""
    match rule:
        case "scott":
            return Sql("POW(p.n, -0.2)")
        case "silverman":
            return Sql("POW(p.n * 0.75, -0.2)")
        case "scott_sd":
            return Sql("POW(p.n, -0.2) * p.deviation")
        case _:
            return literal(float(rule))
