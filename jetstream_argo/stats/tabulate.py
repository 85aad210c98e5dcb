"""How a continuous law is tabulated from its distribution function, with few calls of it."""

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri

from jetstream_argo.stats.laws import Floats, Z, search

TABULATED = 5.0  # normal scores beyond carry 6e-7, too little to matter in a mean over the nodes
NEAR = 0.05  # normal scores; the function is called at about the wanted scores and interpolated to them
SYMMETRIC = 1e-3  # a skewness
NEWTON = 4  # steps with the slope between neighbours, each of which leaves a twentieth of the error
NEIGHBOURS = 8  # tabulated points to each interpolated value


def tabulate(
    cdf: Callable[[Floats], Floats], *, mean: float, sd: float, support: tuple[float, float], skewness: float = 0.0
) -> Floats:
    """Return the quantiles of ndtr(Z) of a law, to about 1e-7 standard deviations; in the far tails by a line.

    `skewness` helps to begin near them.
    """
    if sd == 0:
        return np.full(Z.shape, mean)
    wanted: Floats = Z[np.abs(Z) <= TABULATED][::2]
    low, high = (0.999 * (end - mean) + mean for end in support)
    start = np.clip(mean + sd * _skewed(wanted, skewness), low, high)
    x, gap = search(_only_changes(cdf), wanted, mean=mean, sd=sd, start=start, near=NEAR)
    scores = wanted + gap
    usable = np.isfinite(scores) & np.r_[True, (np.diff(x) > 0) & (np.diff(scores) > 0)]
    x, scores = x[usable], scores[usable]
    inner = interpolated(scores, x, np.clip(Z, scores[0], scores[-1]))
    slopes = (x[1] - x[0]) / (scores[1] - scores[0]), (x[-1] - x[-2]) / (scores[-1] - scores[-2])
    line = np.minimum(Z - scores[0], 0.0) * slopes[0] + np.maximum(Z - scores[-1], 0.0) * slopes[1]
    return np.maximum.accumulate(np.clip(inner + line, *support))


def _skewed(scores: Floats, skewness: float) -> Floats:
    """The quantiles of a gamma law with this skewness, standardised (Wilson and Hilferty 1931, PNAS 17:684)."""
    if abs(skewness) < SYMMETRIC:
        return scores
    base = 1 + skewness * scores / 6 - skewness * skewness / 36
    return np.asarray(2 / skewness * (np.maximum(base, 0.01) ** 3 - 1))


def _only_changes(cdf: Callable[[Floats], Floats]) -> Callable[[Floats], Floats]:
    """The same function for arguments that change little by little: what is known is not computed again."""
    known_x, known = np.empty(0), np.empty(0)

    def remembering(x: Floats) -> Floats:
        nonlocal known_x, known
        if known_x.shape != x.shape:
            known_x, known = x, cdf(x)
        else:
            changed = x != known_x
            known = known.copy()
            known[changed] = cdf(x[changed])
            known_x = x
        return known

    return remembering


def interpolated_cdf(nodes: Floats, x: Floats) -> Floats:
    """Return the distribution function whose quantiles at ndtr(Z) are `nodes`."""
    # The quantile is smooth in the score, while the score is steep in the quantile where the support ends; so the
    # first is interpolated and solved for the second.
    scores = np.interp(x, nodes, Z)
    place = np.clip(np.searchsorted(nodes, x) - 1, 0, len(Z) - 2)
    slope = (nodes[place + 1] - nodes[place]) / (Z[1] - Z[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        for _ in range(NEWTON):
            step = (x - interpolated(Z, nodes, scores)) / slope
            scores = scores + np.where(np.isfinite(step), step, 0.0)
    return np.where(x <= nodes[0], 0.0, np.where(x >= nodes[-1], 1.0, ndtr(np.clip(scores, Z[0], Z[-1]))))


def interpolated_quantiles(nodes: Floats, probabilities: Floats) -> Floats:
    """Return the quantiles of the law that is tabulated as `nodes`."""
    return interpolated(Z, nodes, ndtri(probabilities))


def interpolated(xs: Floats, ys: Floats, x: Floats) -> Floats:
    """Return the values at `x` of the polynomials through the nearest points; NaN where points coincide."""
    count = min(NEIGHBOURS, len(xs))
    first = np.clip(np.searchsorted(xs, x) - count // 2, 0, len(xs) - count)
    found = np.zeros(np.shape(x))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        for j in range(count):
            term = ys[first + j]
            for k in range(count):
                if k != j:
                    term = term * (x - xs[first + k]) / (xs[first + j] - xs[first + k])
            found = found + term
    return found
