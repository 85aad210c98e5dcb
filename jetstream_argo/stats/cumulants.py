"""Which law an estimate has whose first eight cumulants are known: the kernel of the bootstrap statistics.

The distribution function follows from the cumulants by inversion of the characteristic function. That is far closer
than the normal law where estimates are skew, as those of heavy-tailed metrics are up to millions of units.
"""

from dataclasses import dataclass
from functools import cached_property
from math import comb, factorial

import numpy as np

from jetstream_argo.stats.laws import Floats, expectation
from jetstream_argo.stats.moments import HIGHEST_POWER, PowerSums
from jetstream_argo.stats.tabulate import tabulate

SERIES = 0.05  # a deviation over the mean, up to which nine terms of the mean of 1 / X are good to 1e-9
ORDER = 6  # cumulants used; the 7th and 8th say how good that is
STEP = 0.15  # of the midpoint rule; its error is the probability of 2 pi / STEP = 42 standard deviations
U: Floats = STEP * np.arange(0.5, 60.0)  # exp(-U[-1] ** 2 / 2) is 1e-17
POWERS: Floats = np.vstack([U**k / factorial(k) for k in range(HIGHEST_POWER + 1)])


@dataclass(frozen=True)  # no slots: the nodes are computed once, when asked for
class CumulantLaw:
    """The law of an estimate with this mean and standard deviation.

    `shape[k]` is the k-th cumulant in standard deviations, of a last axis that runs to 8 (0 and 1 unused, 2 is 1);
    `low` and `high` bound the support.
    """

    mean: float
    sd: float
    shape: Floats
    low: float
    high: float

    @cached_property
    def nodes(self) -> Floats:
        """Its quantiles at the probabilities ndtr(Z)."""
        skewness = float(self.shape[3])
        return tabulate(self.cdf, mean=self.mean, sd=self.sd, support=(self.low, self.high), skewness=skewness)

    def cdf(self, x: Floats) -> Floats:
        """Return the probability of at most `x`."""
        if self.sd == 0:
            return np.where(x >= self.mean, 1.0, 0.0)
        return probability_below((x - self.mean) / self.sd, self.shape)

    def reciprocal_mean(self) -> float:
        """Return the expectation of 1 / X of a law away from 0: by its moments, or nearer to 0 by its nodes."""
        return self._reciprocal_mean

    @cached_property
    def _reciprocal_mean(self) -> float:
        ratio = self.sd / self.mean
        if abs(ratio) > SERIES:
            with np.errstate(divide="ignore"):  # infinite, if an approximate law reaches 0
                return expectation(1 / self.nodes)
        central = moments_from_cumulants(self.shape)
        return float(sum((-ratio) ** k * central[k] for k in range(HIGHEST_POWER + 1))) / self.mean


def probability_below(x: Floats, shape: Floats, *, order: int = ORDER) -> Floats:
    """Return the probability of at most `x` standard deviations above the mean; `shape` broadcasts against `x`.

    Source:
        Gil-Pelaez (1951), Biometrika 38:481.
    """
    even = range(4, order + 1, 2)
    odd = range(3, order + 1, 2)
    # i ** k is real and alternates for even k, imaginary and alternates for odd k.
    real = -POWERS[2] + sum((1 - k % 4) * shape[..., k, None] * POWERS[k] for k in even)
    imaginary = sum((k % 4 - 2) * -shape[..., k, None] * POWERS[k] for k in odd)
    # A truncated series grows in the end; what comes after it turned is not part of the law.
    turned = np.maximum.accumulate(np.diff(real, axis=-1, prepend=0.0) > 0, axis=-1)
    size = np.where(turned, 0.0, np.exp(np.minimum(real, 0.0)))
    return np.asarray(0.5 - STEP / np.pi * np.sum(size * np.sin(imaginary - U * x[..., None]) / U, axis=-1))


def bootstrap_mean_law(sums: PowerSums) -> CumulantLaw:
    """Return the law of a mean under the Bayesian bootstrap: of the values weighted by Dirichlet(1, …, 1).

    The weights are independent exponentials over their sum S, which is independent of them and Gamma(n). So the
    moments of the weighted sum of deviations, whose cumulants are `(k - 1)! * central[k]`, are those of the mean
    times `n (n + 1) … (n + k - 1)`.

    Source:
        Rubin (1981), Ann. Statist. 9:130; Hannum, Hollander, Langberg (1981), Ann. Probab. 9:665.
    """
    scale = float(np.sqrt(sums.central[2]))
    if scale == 0:
        return CumulantLaw(sums.mean, 0.0, _normal(), sums.minimum, sums.maximum)
    cumulants = np.array(
        [0.0, 0.0, *(factorial(k - 1) * sums.central[k] / scale**k for k in range(2, HIGHEST_POWER + 1))]
    )
    rising = np.cumprod(np.r_[1.0, np.arange(HIGHEST_POWER) + float(sums.n)])
    of_mean = cumulants_from_moments(moments_from_cumulants(cumulants) / rising)
    sd = float(np.sqrt(of_mean[2]))
    return CumulantLaw(sums.mean, sd * scale, standardised(of_mean), sums.minimum, sums.maximum)


def standardised(cumulants: Floats) -> Floats:
    """Return the cumulants in standard deviations."""
    return np.asarray(cumulants / cumulants[..., 2, None] ** (np.arange(HIGHEST_POWER + 1) / 2))


def moments_from_cumulants(cumulants: Floats) -> Floats:
    """Return the moments about the mean, of a last axis that runs from 0 to 8, from cumulants likewise."""
    central = np.zeros_like(cumulants)
    central[..., 0] = 1
    for k in range(2, HIGHEST_POWER + 1):
        central[..., k] = sum(comb(k - 1, j - 1) * cumulants[..., j] * central[..., k - j] for j in range(2, k + 1))
    return central


def cumulants_from_moments(central: Floats) -> Floats:
    """Return the cumulants, of a last axis that runs from 0 to 8, from moments about the mean likewise."""
    cumulants = np.zeros_like(central)
    for k in range(2, HIGHEST_POWER + 1):
        mixed = sum(comb(k - 1, j - 1) * cumulants[..., j] * central[..., k - j] for j in range(2, k - 1))
        cumulants[..., k] = central[..., k] - mixed
    return cumulants


def _normal() -> Floats:
    shape = np.zeros(HIGHEST_POWER + 1)
    shape[2] = 1
    return shape
