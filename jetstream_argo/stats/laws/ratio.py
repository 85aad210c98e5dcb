"""The law of a ratio of two metrics' means, by the bootstrap, without resampling."""

from dataclasses import dataclass
from functools import cached_property
from math import comb, inf, sqrt

import numpy as np

from jetstream_argo.stats.laws.continuous import Floats, expectation
from jetstream_argo.stats.laws.cumulants import (
    ORDER,
    CumulantLaw,
    cumulants_from_moments,
    probability_below,
    standardised,
)
from jetstream_argo.stats.laws.tabulate import Tabulated, tabulate
from jetstream_argo.stats.moments import CANCELLED, HIGHEST_POWER, JointPowerSums, varies

CENTRAL = np.array([0.025, 0.975])
ASTRAY = 10.0  # standard deviations between the mean and a central bound, where sums of powers tell no law
SAME = 5e-6  # a probability that two more cumulants move by less is right to about 1e-4 standard deviations
SCORES: Floats = np.array([-3.5, -2.0, 0.0, 2.0, 3.5])


@dataclass(frozen=True)  # no slots: the nodes are computed once, when asked for
class RatioLaw(Tabulated):
    """The law of the mean of n resampled numerators over that of their denominators, which must be positive.

    It is at most r with the probability that the resampled mean of `numerator - r * denominator` is at most 0. The
    cumulants of that mean are those of the units over powers of n, and follow from joint sums of powers.

    Source:
        Efron (1979), Ann. Statist. 7:1; the linear form: Fieller (1954), JRSS B 16:175.
    """

    sums: JointPowerSums

    @property
    def mean(self) -> float:
        """About its expectation: the ratio of the means."""
        return self.sums.mean_numerator / self.sums.mean_denominator

    @cached_property
    def sd(self) -> float:
        """About its standard deviation (delta method)."""
        (_, _, m2_d), (_, c_yd, *_), (m2_y, *_) = (row[:3] for row in self.sums.central[:3])
        m2 = m2_y - 2 * self.mean * c_yd + self.mean * self.mean * m2_d
        if not m2 > CANCELLED * (m2_y + self.mean * self.mean * m2_d):
            return 0.0
        if not varies(m2, self.sums.n, abs(self.sums.mean_numerator)):
            return 0.0
        return sqrt(m2) / self.sums.n / self.sums.mean_denominator

    @cached_property
    def nodes(self) -> Floats:
        """Its quantiles at the probabilities ndtr(Z)."""
        return tabulate(self.exact_cdf, mean=self.mean, sd=self.sd, support=(-inf, inf))

    def exact_cdf(self, r: Floats) -> Floats:
        """Return the probability of at most `r`."""
        distance, shape = self._form(r)
        return probability_below(distance, shape)

    @property
    def is_determined(self) -> bool:
        """Whether the sums tell the law: those of a few units with heavy tails may put its bounds anywhere."""
        if not self.sd:
            return True
        far = np.append(self.table.quantiles(CENTRAL), expectation(self.nodes)) - self.mean
        return bool(np.max(np.abs(far)) <= ASTRAY * self.sd)

    def disagreement(self, tails: Floats) -> float:
        """Return by how much the distribution function changes, at the bounds, when two more cumulants are used."""
        order = len(self.sums.central) - 1
        distance, shape = self._form(self.table.quantiles(tails))
        lower = probability_below(distance, shape, order=min(order, ORDER) - 2 * (order <= ORDER))
        return float(np.max(np.abs(lower - probability_below(distance, shape, order=order))))

    @cached_property
    def by_cumulants(self) -> CumulantLaw | None:
        """The same law by its cumulants, which is faster to compare; None where it is too skew for them."""
        middle = expectation(self.nodes)
        deviations = self.nodes - middle
        central = [1.0, 0.0, *(expectation(deviations**k) for k in range(2, HIGHEST_POWER + 1))]
        if not self.sd:
            return None
        shape = standardised(np.array(cumulants_from_moments(central)))
        lower, higher = (probability_below(SCORES, shape, order=order) for order in (ORDER, HIGHEST_POWER))
        law = CumulantLaw(middle, sqrt(central[2]), shape, -inf, inf)
        return law if np.all(np.abs(lower - higher) < SAME) else None

    def _form(self, r: Floats) -> tuple[Floats, Floats]:
        powers = float(self.sums.n) ** np.r_[0.0, np.arange(HIGHEST_POWER)]
        # The moments about the mean of a unit's `numerator - r * denominator` are polynomials in r.
        central = self._polynomials @ (r.ravel() ** np.arange(HIGHEST_POWER + 1)[:, None])
        cumulants = np.stack(cumulants_from_moments(list(central)), axis=-1) / powers
        cumulants = cumulants.reshape(*r.shape, HIGHEST_POWER + 1)
        mean = self.sums.mean_numerator - r * self.sums.mean_denominator
        return -mean / np.sqrt(cumulants[..., 2]), standardised(cumulants)

    @cached_property
    def _polynomials(self) -> Floats:
        """Of each power of `numerator - r * denominator` about the mean, the coefficients of the powers of r."""
        found = np.zeros((HIGHEST_POWER + 1, HIGHEST_POWER + 1))
        for k in range(len(self.sums.central)):
            for j in range(k + 1):
                found[k, j] = comb(k, j) * (-1) ** j * self.sums.central[k - j][j] / self.sums.n
        return found
