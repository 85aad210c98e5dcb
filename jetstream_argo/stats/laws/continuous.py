"""The bounds that follow from the laws of two independent estimates.

A law is tabulated at normal scores z: `nodes` are the quantiles of ndtr(Z). Then the mean of any function f of it is
`sum(WEIGHTS * f(nodes))`, by the trapezoid rule, which for such integrands converges faster than any power of the step.
"""

from collections.abc import Callable
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

Floats: TypeAlias = NDArray[np.float64]
Cdf: TypeAlias = Callable[[Floats], Floats]

Z: Floats = np.linspace(-8.0, 8.0, 129)
WEIGHTS: Floats = np.exp(-0.5 * Z * Z)
WEIGHTS /= WEIGHTS.sum()
REACH = 10.0  # standard deviations of a law beyond which there is nothing
# Gauss and Legendre's rule on (0, 1): good to 1e-10 for a normal law's tail over ten standard deviations.
_LEGENDRE: tuple[Floats, Floats] = np.polynomial.legendre.leggauss(40)
NODES01: Floats = 0.5 * (_LEGENDRE[0] + 1)
WEIGHTS01: Floats = 0.5 * _LEGENDRE[1]
STEPS = 100  # bisections from one end of a float's range to the other need no more
CLOSE = 1e-10  # in standard deviations of the law
FAR = 1e6  # standard deviations; a truncated law of a few units may never reach a probability, and is not asked beyond


class Law(Protocol):
    """The law of a positive or real estimate."""

    @property
    def mean(self) -> float:
        """Its expectation."""

    @property
    def sd(self) -> float:
        """Its standard deviation, or a scale near it."""

    @property
    def nodes(self) -> Floats:
        """Its quantiles at the probabilities ndtr(Z)."""

    def cdf(self, x: Floats) -> Floats:
        """Return the probability of at most `x`, of any shape."""


def central(confidence: float) -> Floats:
    """Return the two probabilities between which a law has this much, and as much to both sides."""
    return np.array([1 - confidence, 1 + confidence]) / 2


def expectation(values: Floats) -> float:
    """Return the mean of a function of a law, given at the law's nodes."""
    return float(WEIGHTS @ values)


def difference_cdf(law: Law, reference: Law) -> Cdf:
    """Return the distribution function of `law - reference`.

    The wider of the two is integrated out through its distribution function, which is then smooth at the nodes' scale.
    """
    if reference.sd <= law.sd:
        return lambda t: law.cdf(t[..., None] + reference.nodes) @ WEIGHTS
    return lambda t: 1 - reference.cdf(law.nodes - t[..., None]) @ WEIGHTS


def ratio_cdf(law: Law, reference: Law) -> Cdf:
    """Return the distribution function of `law / reference`; `reference` must be positive."""
    if reference.sd / reference.mean <= law.sd / abs(law.mean) or law.nodes[0] <= 0:
        return lambda r: law.cdf(r[..., None] * reference.nodes) @ WEIGHTS
    smallest = law.nodes[-1] * 1e-300  # so that the quotients stay finite; the law has no smaller ratio

    def cdf(r: Floats) -> Floats:
        return 1 - reference.cdf(law.nodes / np.maximum(r[..., None], smallest)) @ WEIGHTS

    return cdf


def against_zero(cdf: Cdf, *, mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Return the probability of more than 0, and the expectation of what is below 0, of differences of estimates.

    `cdf` takes a row a difference; `mean` and `sd` are columns. Where 0 is far out, both are that of the normal law's
    range of ten standard deviations: 0 or 1 to 1e-15.
    """
    # The tail that does not hold the mean is integrated: the other expectation follows without cancelling.
    reach = np.maximum(REACH * sd - np.abs(mean), 0.0)
    side = np.where(mean >= 0, -1.0, 1.0)
    at = side * reach * NODES01
    below = cdf(np.concatenate([at, np.zeros_like(mean)], axis=1))
    tail = np.where(side < 0, below[:, :-1], 1 - below[:, :-1]) @ WEIGHTS01 * reach[:, 0]
    loss = np.where(mean[:, 0] >= 0, tail, tail - mean[:, 0])
    return np.clip(1 - below[:, -1], 0.0, 1.0), np.maximum(loss, 0.0)


def quantiles(
    cdf: Cdf,
    probabilities: Floats,
    *,
    mean: float | Floats,
    sd: float | Floats,
    close: float = CLOSE,
    skewness: float | Floats = 0.0,
) -> Floats:
    """Return where a distribution function reaches each of the probabilities, to `close` standard deviations.

    `mean`, `sd` and `skewness` say where to begin.
    """
    scores = ndtri(probabilities)
    start = mean + sd * (scores + skewness * (scores * scores - 1) / 6)
    return search(cdf, scores, mean=mean, sd=sd, start=start, close=close)[0]


def search(
    cdf: Cdf,
    scores: Floats,
    *,
    mean: float | Floats,
    sd: float | Floats,
    start: Floats | None = None,
    close: float = CLOSE,
    near: float = 0.0,
) -> tuple[Floats, Floats]:
    """Return where a distribution function has about these normal scores, and by how much the scores there are higher.

    It ends when all are within `near`, or move by less than `close` standard deviations. On the scale of normal scores
    the function is nearly a line, so that secants converge in a few steps; a step out of the bracket is halved into it.
    """
    low, high = np.full(scores.shape, -np.inf), np.full(scores.shape, np.inf)
    t = mean + sd * scores if start is None else start
    slope = np.full(scores.shape, 1.0) / sd
    before, gap_before = t, np.full(scores.shape, np.nan)
    found = np.zeros(scores.shape, dtype=bool)
    for step in range(STEPS):
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = ndtri(np.clip(cdf(t), 0.0, 1.0)) - scores
            secant = (gap - gap_before) / (t - before)
        low, high = np.where(gap <= 0, t, low), np.where(gap >= 0, t, high)
        found |= (np.abs(gap) <= max(near, close)) | ((high - low <= close * sd) & (near == 0))
        if found.all():
            break
        slope = np.where(np.isfinite(secant) & (secant > 0), secant, slope)
        before, gap_before = t, gap
        reach = sd * 2.0**step  # where there is no bracket yet
        with np.errstate(invalid="ignore"):
            half = np.where(np.isinf(low), high - reach, np.where(np.isinf(high), low + reach, 0.5 * low + 0.5 * high))
            t = t - gap / slope
        t = np.where(np.isfinite(t) & (t > low) & (t < high), t, half)
        t = np.clip(t, mean - FAR * sd, mean + FAR * sd)
        t = np.where(found, before, t)  # a found one stays: its next secant would be of rounding errors
    return t, gap
