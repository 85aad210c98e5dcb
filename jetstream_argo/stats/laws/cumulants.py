"""The law of an estimate whose first eight cumulants are known: the kernel of the bootstrap statistics.

The distribution function follows from the cumulants by inversion of the characteristic function. That is far closer
than the normal law where estimates are skew, as those of heavy-tailed metrics are up to millions of units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import comb, factorial
from operator import mul
from typing import TypeVar

import numpy as np

from jetstream_argo.stats.laws.continuous import Floats, expectation
from jetstream_argo.stats.laws.tabulate import tabulate
from jetstream_argo.stats.moments import HIGHEST_POWER, PowerSums

N = TypeVar("N", float, Floats)

SERIES = 0.05  # a deviation over the mean, up to which nine terms of the mean of 1 / X are good to 1e-9
ORDER = 6  # cumulants used; the 7th and 8th say how good that is
STEP = 0.15  # of the midpoint rule; its error is the probability of 2 pi / STEP = 42 standard deviations
U: Floats = STEP * np.arange(0.5, 60.0)  # exp(-U[-1] ** 2 / 2) is 1e-17
# The logarithm of the characteristic function is the sum of the cumulants times (i U) ** k / k!; i ** k is real and
# alternates for even k, imaginary and alternates for odd k.
_POWERS: Floats = np.vstack([U**k / factorial(k) for k in range(HIGHEST_POWER + 1)])
_REAL: Floats = np.vstack([(1 - k % 4) * (k % 2 == 0) * _POWERS[k] for k in range(HIGHEST_POWER + 1)])
_IMAGINARY: Floats = np.vstack([(2 - k % 4) * (k % 2) * _POWERS[k] for k in range(HIGHEST_POWER + 1)])
_OVER_U: Floats = STEP / np.pi / U


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
        central = moments_from_cumulants(self.shape.tolist())
        return float(sum((-ratio) ** k * central[k] for k in range(HIGHEST_POWER + 1))) / self.mean


def probability_below(x: Floats, shape: Floats, *, order: int = ORDER) -> Floats:
    """Return the probability of at most `x` standard deviations above the mean; `shape` broadcasts against `x`.

    Source:
        Gil-Pelaez (1951), Biometrika 38:481.
    """
    size, imaginary = _characteristic(shape, order)
    return np.asarray(0.5 - np.sum(size * np.sin(imaginary - U * x[..., None]), axis=-1))


def _characteristic(shape: Floats, order: int) -> tuple[Floats, Floats]:
    """The size of the characteristic function at U, over pi U / STEP, and its angle."""
    known = shape[..., 2 : order + 1]
    real, angle = known @ _REAL[2 : order + 1], known @ _IMAGINARY[2 : order + 1]
    # A truncated series grows in the end; what comes after it turned is not part of the law.
    turned = np.maximum.accumulate(real[..., 1:] > real[..., :-1], axis=-1)
    size = np.exp(np.minimum(real, 0.0)) * _OVER_U
    size[..., 1:][turned] = 0.0
    return size, angle


def below_zero(x: Floats, shape: Floats) -> tuple[Floats, Floats]:
    """Return the probability of at most 0 and the expectation of what is below 0, in standard deviations, of laws whose
    mean is `x` standard deviations, at most `REACH`; beyond, the sums see the next period of the rule.

    The mean of |X| is the lattice sum of `(1 - Re phi(u)) / u ** 2`, which is exact within half a period.

    Source:
        von Bahr (1965), Ann. Math. Stat. 36:808, for the absolute moment; the lattice: Poisson's summation.
    """
    size, angle = _characteristic(shape, ORDER)
    angle = angle + U * x[..., None]
    probability = 0.5 - np.sum(size * np.sin(angle), axis=-1)
    distance = np.pi / STEP - 2 * np.sum(size * np.cos(angle) / U, axis=-1)
    return probability, 0.5 * (distance - x)


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
    cumulants = [0.0, 0.0, *(factorial(k - 1) * sums.central[k] / scale**k for k in range(2, HIGHEST_POWER + 1))]
    rising = accumulate((float(sums.n + k) for k in range(HIGHEST_POWER)), mul, initial=1.0)
    moments = [moment / divisor for moment, divisor in zip(moments_from_cumulants(cumulants), rising, strict=True)]
    of_mean = np.array(cumulants_from_moments(moments))
    sd = float(np.sqrt(of_mean[2]))
    return CumulantLaw(sums.mean, sd * scale, standardised(of_mean), sums.minimum, sums.maximum)


def standardised(cumulants: Floats) -> Floats:
    """Return the cumulants in standard deviations."""
    return np.asarray(cumulants / cumulants[..., 2, None] ** (np.arange(HIGHEST_POWER + 1) / 2))


def moments_from_cumulants(cumulants: Sequence[N]) -> list[N]:
    """Return the moments about the mean, from the 0th to the 8th, from cumulants likewise: numbers, or arrays."""
    nothing = cumulants[2] * 0.0
    central = [nothing + 1.0, nothing]
    for k in range(2, HIGHEST_POWER + 1):
        # The first moment is 0, and with it the product for j = k - 1.
        terms = (_CHOICES[k][j] * cumulants[j] * central[k - j] for j in range(2, k - 1))
        central.append(sum(terms, start=cumulants[k]))
    return central


def cumulants_from_moments(central: Sequence[N]) -> list[N]:
    """Return the cumulants, from the 0th to the 8th, from moments about the mean likewise: numbers, or arrays."""
    nothing = central[2] * 0.0
    cumulants = [nothing, nothing]
    for k in range(2, HIGHEST_POWER + 1):
        terms = (_CHOICES[k][j] * cumulants[j] * central[k - j] for j in range(2, k - 1))
        cumulants.append(central[k] - sum(terms, start=nothing))
    return cumulants


_CHOICES = tuple(tuple(float(comb(k - 1, j - 1)) if j else 0.0 for j in range(k + 1)) for k in range(HIGHEST_POWER + 1))


def _normal() -> Floats:
    shape = np.zeros(HIGHEST_POWER + 1)
    shape[2] = 1
    return shape
