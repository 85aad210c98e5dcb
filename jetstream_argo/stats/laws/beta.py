"""The law of a share of units: a Beta law, or the same by its cumulants where these suffice."""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from scipy.special import betainc, betaincinv, ndtr

from jetstream_argo.stats.laws.continuous import Floats, Z
from jetstream_argo.stats.laws.cumulants import (
    ORDER,
    CumulantLaw,
    cumulants_from_moments,
    probability_below,
    standardised,
)
from jetstream_argo.stats.moments import HIGHEST_POWER

SAME = 1e-7  # a probability that two more cumulants move by less is right to about 1e-6 standard deviations
TAILS: Floats = np.array([-4.0, -2.0, 0.0, 2.0, 4.0])  # normal scores


@dataclass(frozen=True)  # no slots: the nodes are computed once, when asked for
class BetaLaw:
    """The law Beta(a, b) of a share."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        """Its expectation."""
        return self.a / (self.a + self.b)

    @property
    def sd(self) -> float:
        """Its standard deviation."""
        return sqrt(self.mean * (1 - self.mean) / (self.a + self.b + 1))

    @cached_property
    def nodes(self) -> Floats:
        """Its quantiles at the probabilities ndtr(Z), each computed from the nearer end."""
        below = betaincinv(self.a, self.b, ndtr(Z))
        above = 1 - betaincinv(self.b, self.a, ndtr(-Z))
        return np.where(Z < 0, below, above)

    def cdf(self, x: Floats) -> Floats:
        """Return the probability of at most `x`."""
        return np.asarray(betainc(self.a, self.b, np.clip(x, 0.0, 1.0)))

    @cached_property
    def by_cumulants(self) -> CumulantLaw | None:
        """The same law by its cumulants, which is faster; None where it is too skew for them."""
        m, size = self.mean, self.a + self.b
        central = [1.0, 0.0]
        for r in range(1, HIGHEST_POWER):
            central.append(r / (size + r) * ((1 - 2 * m) * central[r] + m * (1 - m) * central[r - 1]))
        shape = standardised(np.array(cumulants_from_moments(central)))
        lower, higher = (probability_below(TAILS, shape, order=order) for order in (ORDER, HIGHEST_POWER))
        return CumulantLaw(m, self.sd, shape, 0.0, 1.0) if np.all(np.abs(lower - higher) < SAME) else None
