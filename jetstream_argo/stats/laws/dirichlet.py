"""The law of a mean under the Bayesian bootstrap, from the values themselves: for heavy tails and few units."""

from dataclasses import dataclass
from functools import cached_property
from math import comb, inf

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.stats.laws.continuous import Floats, expectation
from jetstream_argo.stats.laws.tabulate import Tabulated, tabulate
from jetstream_argo.stats.sufficient import ValueCounts

BULK = 0.5  # values so near, in periods of the inversion's highest frequency, go through their power sums
TERMS = 26  # of the logarithm's series; BULK ** TERMS / TERMS is 6e-10
LONG = 500  # frequencies; a characteristic function that needs more falls off like a power: frequencies by their log
TAILS = 5.0  # standard deviations from the mean to which the law is wanted
AWAY = 0.1  # a deviation over the mean; up to it 1 / mean is nearly a line where the law is
SMALL = 1e-15  # of a characteristic function: what is left out
TIED = 4  # units of one value, up to which each is a factor of its own
EIGHT = 8
AT_ONCE = 1_000_000  # elements of an intermediate array


@dataclass(frozen=True, eq=False)  # no slots: what follows from the values is computed once, when asked for
class DirichletLaw(Tabulated):
    """The law of `sum(weights * values)` with weights Dirichlet(counts): the mean's, resampled the Bayesian way.

    The weights are independent gammas over their sum, so that P(mean <= t) = P(sum((values - t) * gammas) <= 0), whose
    characteristic function is a product over the values. The values near the mean enter it through their power sums,
    so that the cost is that of the few far ones.

    Source:
        Hannum, Hollander, Langberg (1981), Ann. Probab. 9:665; inversion: Gil-Pelaez (1951), Biometrika 38:481.
    """

    data: ValueCounts

    @cached_property
    def n(self) -> int:
        """How many units there are."""
        return self.data.n

    @cached_property
    def mean(self) -> float:
        """Its expectation: the mean of the values."""
        middle = float(self.data.values[len(self.data.values) // 2])
        return middle + float(self.data.counts @ (self.data.values - middle)) / self.n

    @cached_property
    def _root(self) -> float:
        return float(np.sqrt(self.data.counts @ (self.data.values - self.mean) ** 2))

    @property
    def sd(self) -> float:
        """Its standard deviation."""
        return self._root / float(np.sqrt(self.n * (self.n + 1.0)))

    @property
    def low(self) -> float:
        """The smallest value."""
        return float(self.data.values[0])

    @property
    def high(self) -> float:
        """The largest value."""
        return float(self.data.values[-1])

    @cached_property
    def nodes(self) -> Floats:
        """Its quantiles at the probabilities ndtr(Z)."""
        deviations = (self.data.values - self.mean) / self._root
        skewness = 2 * float(self.data.counts @ deviations**3)
        support = (self.low, self.high)
        return tabulate(self.exact_cdf, mean=self.mean, sd=self.sd, support=support, skewness=skewness)

    def exact_cdf(self, x: Floats) -> Floats:
        """Return the probability of at most `x`, by inversion (to about 1e-10)."""
        t = (np.asarray(x, dtype=float).ravel() - self.mean) / self._root
        # One value more or less must not make the intermediate arrays large.
        size = max(AT_ONCE // (len(self._frequencies[0]) * max(len(self._far[0]), 1)), 1)
        parts = [self._below(t[start : start + size]) for start in range(0, len(t), size)]
        inside = np.concatenate(parts).reshape(np.shape(x))
        return np.where(x < self.low, 0.0, np.where(x >= self.high, 1.0, np.clip(inside, 0.0, 1.0)))

    def reciprocal_mean(self) -> float:
        """Return the expectation of 1 / mean; infinite where only one unit is not 0. The values must not be negative.

        It is `(n - 1) * integral of prod((1 + s * values) ** -counts) ds` over s > 0.
        Away from 0 the nodes are as good.
        """
        if self.sd < AWAY * self.mean:
            return expectation(1 / self.nodes)
        positive = self.data.values > 0
        values, counts = self.data.values[positive] / self.mean, self.data.counts[positive]
        k = int(counts.sum())
        if k < 2:  # noqa: PLR2004  # the integrand falls off like s ** -k
            return inf
        # Summed over log s; the integrand is entire in it up to the distance pi, so that the step may be coarse.
        log_s = np.arange(-38.0, 38.0 / (k - 1) + 12.0, 0.2) - np.log(self.n)
        exponent = np.array([log - counts @ np.log1p(np.exp(log) * values) for log in log_s])
        return float(0.2 * np.exp(exponent).sum()) * (self.n - 1) / self.mean

    @cached_property
    def _frequencies(self) -> tuple[Floats, Floats]:
        """Frequencies of the deviations in units of `_root`, and the weights of an integral over du / u."""
        highest = max(self._highest(t) for t in (-TAILS, 0.0, TAILS))
        if highest * 7 > LONG:
            log_u: Floats = np.arange(-33.0, 40.0, 0.12)
            return np.asarray(np.exp(log_u)), np.full(log_u.shape, 0.12)
        u = 0.15 * (np.arange(int(highest / 0.15) + 1, dtype=np.float64) + 0.5)
        return u, 0.15 / u

    def _highest(self, tail: float) -> float:
        """The frequency from which the characteristic function is negligible, `tail` deviations from the mean."""
        inside = min(max(tail * self.sd, 0.999 * (self.low - self.mean)), 0.999 * (self.high - self.mean))
        deviations = (self.data.values - self.mean - inside) / self._root
        highest = 8.0
        while self.data.counts @ np.log1p((highest * deviations) ** 2) < -2 * np.log(SMALL) and highest * 7 < LONG:
            highest *= 1.25
        return highest

    @cached_property
    def _far(self) -> tuple[Floats, NDArray[np.int64]]:
        """The deviations, in units of `_root`, that enter one by one, and their counts."""
        deviations = (self.data.values - self.mean) / self._root
        far = ~self._near(deviations)
        return deviations[far], self.data.counts[far]

    @cached_property
    def _near_sums(self) -> tuple[float, ...]:
        deviations = (self.data.values - self.mean) / self._root
        near = self._near(deviations)
        base, term, sums = deviations[near], self.data.counts[near].astype(np.float64), []
        for _ in range(TERMS + 1):
            sums.append(float(term.sum()))
            term = term * base
        return tuple(sums)

    def _near(self, deviations: Floats) -> NDArray[np.bool_]:
        # t moves by at most 8 standard deviations, each 1 / n in these units.
        near: NDArray[np.bool_] = (np.abs(deviations) + 8.0 / self.n) * self._frequencies[0][-1] < BULK
        return near

    def _below(self, t: Floats) -> Floats:
        u, weights = self._frequencies
        values, counts = self._far
        often = counts > TIED
        argument = (values[often][None, :, None] - t[:, None, None]) * u
        log_size = -0.5 * np.einsum("j,ijk->ik", counts[often], np.log1p(argument * argument))
        angle = np.einsum("j,ijk->ik", counts[often], np.arctan(argument))
        # A logarithm and an angle cost ten products; the product of eight factors cannot overflow.
        single = np.repeat(values[~often], counts[~often])
        product = _products(single, t, u)
        log_size -= 0.5 * np.log(product.real**2 + product.imag**2).sum(axis=1)
        angle -= np.arctan2(product.imag, product.real).sum(axis=1)
        for k in range(1, TERMS + 1 if self._near_sums[0] else 1):
            shifted = sum(comb(k, j) * self._near_sums[k - j] * (-t) ** j for j in range(k + 1))
            term = np.multiply.outer(shifted, u**k / k)
            if k % 2:
                angle += term if k % 4 == 1 else -term
            else:
                log_size += term if k % 4 == 0 else -term
        return np.asarray(0.5 - (np.exp(log_size) * np.sin(angle)) @ weights / np.pi)


def _products(values: Floats, t: Floats, u: Floats) -> NDArray[np.complex128]:
    """The products of eight factors `1 - i u (value - t)` each, of shape (t, eighths of the values, u)."""
    factors = -1j * (values[None, :, None] - t[:, None, None]) * u + 1
    full = len(values) - len(values) % EIGHT
    found = factors[:, 0:full:EIGHT]
    for j in range(1, EIGHT):
        found = found * factors[:, j:full:EIGHT]
    return np.concatenate([found, np.prod(factors[:, full:], axis=1, keepdims=True)], axis=1)
