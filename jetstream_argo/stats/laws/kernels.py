"""The density of a branch's values, smoothed by a normal kernel."""

from math import factorial, pi, sqrt

import numpy as np

from jetstream_argo.errors import EstimateError
from jetstream_argo.stats.laws.continuous import Floats
from jetstream_argo.stats.sufficient import Bins, Extremes, ValueCounts
from jetstream_argo.stats.value_counts import moments

TERMS = 13  # of the Hermite expansion in a bin a quarter of the bandwidth wide: 1e-12 of the density
BINS = 4  # to the bandwidth
MOST = 2.0**50  # bandwidths from 0 up to which bins can be numbered
REACH = 35.0  # bandwidths; beyond, the kernel is below 1e-266 and soon too small for a float
CLOSE_BY = 10.0  # bandwidths; all values beyond add less than 1e-21 to the kernels at a point
ENOUGH = 1e-10  # of the sum of kernels a unit, beside which that is nothing


def bandwidth(rule: str | float, n: int, standard_deviation: float) -> float:
    """Return the bandwidth in the metric's unit; the rules but `scott_sd` do not heed the standard deviation.

    Source:
        Scott (1992), Multivariate Density Estimation; Silverman (1986), Density Estimation; as scikit-learn's
        `KernelDensity` has them, without a scale.
    """
    match rule:
        case "scott":
            return float(n**-0.2)
        case "silverman":
            return float((n * 0.75) ** -0.2)
        case "scott_sd":
            return float(n**-0.2) * standard_deviation
        case _:
            return float(rule)


def density(bins: Bins, points: Floats) -> Floats:
    """Return the density at the points, each from the bins within its reach.

    In a bin, `exp(-(d - e) ** 2 / 2)` of the point's distance d and a value's e from the middle, in bandwidths, is
    `exp(-d ** 2 / 2) * sum(He_k(d) * e ** k / k!)`, so that the values enter through the sums of their powers.

    Source:
        Greengard and Strain (1991), SIAM J. Sci. Stat. Comput. 12:79 (the fast Gauss transform).
    """
    scaled = points / bins.bandwidth
    total = _kernels(bins, scaled, CLOSE_BY)
    sparse = np.flatnonzero(total < ENOUGH * bins.extremes.n)
    if len(sparse):
        total[sparse] = _kernels(bins, scaled[sparse], REACH)
    return np.asarray(total / (bins.extremes.n * bins.bandwidth * sqrt(2 * pi)))


def _kernels(bins: Bins, scaled: Floats, reach: float) -> Floats:
    """The sum of the kernels, each 1 in its middle, of the values in bins within so many bandwidths of each point."""
    middles = (bins.index + 0.5) / BINS
    first = np.searchsorted(middles, scaled - reach)
    last = np.searchsorted(middles, scaled + reach)
    # The bins within reach of each point, side by side, cut to the longest row.
    near = first[:, None] + np.arange(int((last - first).max()))
    outside = near >= last[:, None]
    near = np.minimum(near, len(middles) - 1)
    distance = scaled[:, None] - middles[near]
    before, hermite = np.zeros_like(distance), np.exp(-0.5 * distance * distance)
    hermite[outside] = 0.0
    total = np.zeros(len(scaled))
    for k, of_power in enumerate(np.ascontiguousarray(bins.moments.T)):
        total += np.einsum("ij,ij->i", hermite, of_power.take(near)) / factorial(k)
        before, hermite = hermite, distance * hermite - k * before
    return total


def bins_for(data: Bins | ValueCounts, span: Extremes, rule: str | float) -> Bins | None:
    """Return the values gathered in bins; None where they do not vary and the bandwidth goes by that.

    Raises:
        EstimateError: the values are too many bandwidths from 0 to be numbered.
    """
    if isinstance(data, Bins):
        return data
    width = bandwidth(rule, span.n, sqrt(moments(data).variance))
    if not width > 0:
        return None
    return bins_of(data, span, width)


def bins_of(data: ValueCounts, span: Extremes, width: float) -> Bins:
    """Return the values gathered in bins a quarter of the bandwidth `width` wide.

    Raises:
        EstimateError: the values are too many bandwidths from 0 to be numbered.
    """
    scaled = data.values / width
    if max(abs(scaled[0]), abs(scaled[-1])) > MOST:
        raise _too_far(width, float(data.values[-1]))
    index = np.floor(scaled * BINS).astype(np.int64)
    first = np.flatnonzero(np.r_[True, index[1:] != index[:-1]])
    offset = scaled - (index + 0.5) / BINS
    term, powers = data.counts.astype(np.float64), []
    for _ in range(TERMS):
        powers.append(np.add.reduceat(term, first))
        term = term * offset
    return Bins(span, width, index[first], np.column_stack(powers))


def _too_far(width: float, value: float) -> EstimateError:
    return EstimateError("overflow", f"a bandwidth of {width:g} cannot tell values of {value:g} apart")
